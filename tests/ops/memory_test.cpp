// Memory of every backend: allocation, transfer, copy, zero. See core/backend.h.
#include <cstdint>

#include "core/buffer.h"
#include "core/cases/families.h"
#include "tests/ops/agreement.h"
#include "tests/reference/backend.h"

#include "tests/catch.h"

namespace causeway {

TEST_CASE("copy and zero do the same as the reference, strided or not", "[ops][agreement]") {
  require_agreement(memory_cases());
}

TEST_CASE("allocated memory is zeroed and aligned, and gives back the bytes put in", "[ops]") {
  const auto exact = make_reference_backend(DType::F64);
  std::vector<Backend*> backends = {exact.get()};
  for (const NamedBackend& product : product_backends()) backends.push_back(product.backend.get());
  for (Backend* backend : backends) {
    INFO(backend->name());
    const Buffer buffer(*backend, 1001);
    const Tensor t(buffer.data(), DType::I32, {250});
    REQUIRE(reinterpret_cast<uintptr_t>(t.data) % 64 == 0);
    std::vector<int32_t> host(250, -1);
    backend->download(host.data(), t);
    REQUIRE(host == std::vector<int32_t>(250, 0));
    for (int32_t i = 0; i < 250; ++i) host[i] = i * 0x010101;
    backend->upload(t, host.data());
    std::vector<int32_t> back(250);
    backend->download(back.data(), t);
    REQUIRE(back == host);
  }
}

}  // namespace causeway
