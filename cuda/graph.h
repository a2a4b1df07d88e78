// Graphs: work that the device is given as one piece. A kernel that is started alone comes to the
// GPU some microseconds after the one before; inside a graph it follows at once. Work is captured
// anew every time, and its arguments replace those of the graph that was made the first time, so
// that nothing in a kernel's arguments has to stay the same. Read next: runtime.h, docs/gpu.md.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "cuda/runtime.h"

namespace causeway::cuda {

class Graphs {
 public:
  /// See Backend::run_graph.
  void run(std::string_view name, const std::function<void()>& work, cudaStream_t stream);

 private:
  struct Destroy {
    template <class T>
    void operator()(T* graph) const {
      destroy(graph);
    }
  };
  using Captured = std::unique_ptr<std::remove_pointer_t<cudaGraph_t>, Destroy>;
  using Executable = std::unique_ptr<std::remove_pointer_t<cudaGraphExec_t>, Destroy>;

  std::map<std::string, Executable> graphs_;
};

}  // namespace causeway::cuda
