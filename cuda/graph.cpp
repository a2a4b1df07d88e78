// See graph.h.
#include "cuda/graph.h"

namespace causeway::cuda {

void Graphs::run(std::string_view name, const std::function<void()>& work, cudaStream_t stream) {
  const Captured captured(capture(stream, work));
  Executable& graph = graphs_[std::string(name)];
  if (!graph || !update(graph.get(), captured.get())) graph.reset(instantiate(captured.get()));
  launch_graph(graph.get(), stream);
}

}  // namespace causeway::cuda
