// Products whose bias and epilogue the library does not fuse: a plain product and kernels around
// it. Read next: cuda/products.h.
#include <set>

#include "core/cases/case_tensors.h"
#include "core/cases/families.h"
#include "core/error.h"
#include "cuda/backend.h"
#include "tests/error_of.h"
#include "tests/ops/agreement.h"
#include "tests/simt/host_matmul.h"
#include "tests/simt/training_run.h"
#include "train/plan.h"

// Catch2's CHECK, not ours: last.
#include "tests/catch.h"

namespace causeway {
namespace {

using cuda::Knowing;
using cuda::KnownProducts;

std::vector<double> product_with_bias(PrecisionChoice choice) {
  const auto ops = make_cuda_backend();
  const OpCase c = matmul_case({.M = 17, .N = 33, .K = 65, .bias = With::Yes});
  const Precision precision = Precision::of(choice);
  const CaseTensors tensors(*ops, c, {.precision = precision, .rounding = precision});
  c.forward.run(*ops, tensors);
  return tensors.values("y");
}

}  // namespace

TEST_CASE("products that the library does not fuse agree with the reference", "[matmul]") {
  const Knowing plain(KnownProducts::Plain);
  std::vector<NamedBackend> apart;
  apart.push_back({"cuda, emulated, plain products", make_cuda_backend()});
  require_agreement(matmul_cases(), apart);
}

TEST_CASE("a bias that is not fused is rounded once, as a fused one: the same bits", "[matmul]") {
  for (const PrecisionChoice choice : {PrecisionChoice::Fp32, PrecisionChoice::Bf16}) {
    const std::vector<double> fused = product_with_bias(choice);
    const Knowing plain(KnownProducts::Plain);
    CHECK(product_with_bias(choice) == fused);
  }
}

TEST_CASE("what the library does not fuse is said once of each product", "[matmul]") {
  const Config config = tiny_gpt2(PrecisionChoice::Bf16);
  const auto warnings = [&](KnownProducts known) {
    const Knowing knowing(known);
    const auto ops = make_cuda_backend();
    REQUIRE(take_cuda_warnings(*ops).empty());
    Model model(config.model);
    plan_memory(config, model, ops.get());  // as a run does, before it takes the memory
    std::vector<std::string> said = take_cuda_warnings(*ops);
    plan_memory(config, model, ops.get());
    CHECK(take_cuda_warnings(*ops).empty());
    return said;
  };
  CHECK(warnings(KnownProducts::All).empty());
  const std::vector<std::string> said = warnings(KnownProducts::Plain);
  REQUIRE_FALSE(said.empty());
  CHECK(std::set(said.begin(), said.end()).size() == said.size());
  for (const std::string& note : said)
    CHECK_THAT(note, Catch::StartsWith("plain loops 1 does not do") &&
                         Catch::Contains("in one piece (told to refuse)"));
}

TEST_CASE("a product that the library does not know at all is an error that names it", "[matmul]") {
  const Knowing none(KnownProducts::None);
  const auto ops = make_cuda_backend();
  const OpCase c = matmul_case({.M = 2, .N = 4, .K = 3, .bias = With::Yes});
  const Precision precision = Precision::of(PrecisionChoice::Fp32);
  const CaseTensors tensors(*ops, c, {.precision = precision, .rounding = precision});
  const ErrorInfo error = test::error_of([&] { c.forward.run(*ops, tensors); });
  CHECK(error.id == "op.unsupported");
  CHECK_THAT(error.what, Catch::Contains("plain loops 1 knows no way for 2x4x3 nn"));
}

}  // namespace causeway
