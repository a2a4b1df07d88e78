// The backends that tests/ops holds to the reference: the CPU's. tests/simt and tests/gpu have
// their own lists.
#include "core/cpu/backend.h"
#include "tests/ops/agreement.h"

#include "tests/catch.h"

namespace causeway {

const std::vector<NamedBackend>& product_backends() {
  static const std::vector<NamedBackend> backends = [] {
    std::vector<NamedBackend> list;
    for (const char* isa : {"avx512+amx", "avx512+bf16", "avx512", "avx2", "baseline"}) try {
        list.push_back({fmt::format("cpu {}", isa), make_cpu_backend({.threads = 2, .isa = isa})});
      } catch (const Error& e) {
        if (e.id() != "device.isa") throw;
        WARN("SKIPPED: " << e.info().what);
      }
    return list;
  }();
  return backends;
}

}  // namespace causeway
