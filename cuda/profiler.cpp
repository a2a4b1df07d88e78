// NVTX, which is headers alone: it finds a profiler at run time. See profiler.h.
#include "cuda/profiler.h"

#include <nvtx3/nvToolsExt.h>

#include "cuda/backend.h"

namespace causeway {

void show_cuda_phase(const std::string& name) {
  nvtxRangePop();  // the phase before; the first finds none, which is no error
  nvtxRangePushA(name.c_str());
}

namespace cuda {

Range::Range(const char* name) { nvtxRangePushA(name); }
Range::~Range() { nvtxRangePop(); }

}  // namespace cuda
}  // namespace causeway
