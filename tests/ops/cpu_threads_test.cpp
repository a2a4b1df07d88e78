// The CPU backend gives the same bits for any number of threads, with every instruction set it has.
// Read next: core/cpu/tiles.h (why), cpu_pool_test.cpp.
#include <bit>

#include "core/cases/case_tensors.h"
#include "core/cases/families.h"
#include "core/cpu/backend.h"
#include "tests/catch.h"

using namespace causeway;

namespace {

/// The small cases of every family.
std::vector<OpCase> small_cases() {
  std::vector<OpCase> all;
  for (const auto family : {matmul_cases, norm_cases, attention_cases, embedding_cases, rope_cases,
                            activation_cases, dropout_cases, cross_entropy_cases, step_cases})
    for (OpCase& c : family()) all.push_back(std::move(c));
  return all;
}

/// Cases of many tiles and pieces.
std::vector<OpCase> large_cases() {
  std::vector<OpCase> all;
  for (const GradMode mode : {GradMode::Overwrite, GradMode::Accumulate})
    all.push_back(linear_case({.N = 700, .I = 384, .O = 1100, .mode = mode, .bias = With::Yes}));
  for (const Epilogue epilogue : {Epilogue::Gelu, Epilogue::GeluBackward})
    all.push_back(linear_case({.N = 530, .I = 300, .O = 640, .epilogue = epilogue}));
  all.push_back(norm_case({.N = 1000, .C = 300, .bias = With::Yes, .branch = With::Yes}));
  all.push_back(attention_case({.B = 1, .Tq = 300, .Tk = 300, .H = 4, .K = 2, .D = 40}));
  all.push_back(attention_case({.B = 3, .Tq = 300, .Tk = 300, .H = 4, .K = 4, .D = 64}));
  all.push_back(embedding_case({.B = 3, .T = 100, .C = 300, .V = 50, .wpe = With::Yes}));
  all.push_back(dropout_case({.N = 300, .C = 301}));
  all.push_back(cross_entropy_case({.N = 100, .V = 3001, .Vp = 3072}));
  all.push_back(sum_of_squares_case(5 * kNormChunk + 7));
  all.push_back(adamw_case({.n = 200'001, .step = 3}));
  return all;
}

/// Everything a case writes, as bits, in order.
std::vector<uint64_t> results(Backend& backend, const OpCase& c, const Precision& precision) {
  CaseTensors tensors(backend, c, {.precision = precision, .rounding = precision});
  for (const Step* step : {&c.forward, &c.backward})
    for (const Step::Run* run : {&step->stage, &step->run})
      if (*run) (*run)(backend, tensors);
  std::vector<uint64_t> bits;
  for (const TensorSpec& spec : c.tensors) {
    if (spec.role == Role::Input || spec.role == Role::Constant || spec.role == Role::Cotangent)
      continue;
    for (const double value : tensors.values(spec.name))
      bits.push_back(std::bit_cast<uint64_t>(value));
  }
  return bits;
}

bool available(const std::string& isa) {
  try {
    cpu_info({.isa = isa});
    return true;
  } catch (const Error&) {
    return false;
  }
}

void compare_threads(const std::string& isa, const std::vector<OpCase>& cases,
                     const std::vector<int>& thread_counts) {
  if (!available(isa)) {
    WARN("SKIPPED: this CPU has no " << isa);
    return;
  }
  const auto one = make_cpu_backend({.threads = 1, .isa = isa});
  std::vector<std::unique_ptr<Backend>> others;
  for (const int threads : thread_counts)
    others.push_back(make_cpu_backend({.threads = threads, .isa = isa}));
  for (const OpCase& c : cases)
    for (const DType act : {DType::F32, DType::BF16}) {
      const Precision precision{.act = act};
      const std::vector<uint64_t> expected = results(*one, c, precision);
      for (size_t i = 0; i < others.size(); ++i) {
        INFO(c.name << " " << dtype_name(act) << ", " << thread_counts[i] << " threads, " << isa);
        CHECK(results(*others[i], c, precision) == expected);
      }
    }
}

}  // namespace

TEST_CASE("any number of threads gives the same bits in every small case", "[cpu]") {
  compare_threads("", small_cases(), {3});
}
TEST_CASE("1, 2, 3 and 8 threads give the same bits with avx512 and AMX", "[cpu]") {
  compare_threads("avx512+amx", large_cases(), {2, 3, 8});
}
TEST_CASE("1, 2, 3 and 8 threads give the same bits with avx512 and bf16 in hardware", "[cpu]") {
  compare_threads("avx512+bf16", large_cases(), {2, 3, 8});
}
TEST_CASE("1, 2, 3 and 8 threads give the same bits with avx512", "[cpu]") {
  compare_threads("avx512", large_cases(), {2, 3, 8});
}
TEST_CASE("1, 2, 3 and 8 threads give the same bits with avx2", "[cpu]") {
  compare_threads("avx2", large_cases(), {2, 3, 8});
}
TEST_CASE("1, 2, 3 and 8 threads give the same bits with the baseline", "[cpu]") {
  compare_threads("baseline", large_cases(), {2, 3, 8});
}

TEST_CASE("an instruction set the CPU lacks is refused by name", "[cpu]") {
  try {
    make_cpu_backend({.isa = "avx1024"});
    FAIL("no error");
  } catch (const Error& e) {
    CHECK(e.id() == "device.isa");
    CHECK_THAT(e.what(), Catch::Contains("\"avx1024\""));
    CHECK_THAT(e.what(), Catch::Contains("it can run: baseline"));
  }
}

TEST_CASE("the CPU backend says which threads and instruction set it uses", "[cpu]") {
  CHECK(cpu_info({.threads = 5}).threads == 5);
  CHECK(cpu_info().threads >= 1);
  CHECK(cpu_info({.isa = "baseline"}).isa == "baseline");
  CHECK_FALSE(cpu_info({.isa = "baseline"}).native_bf16);
}

TEST_CASE("operations refuse dtypes and indices by name instead of computing nonsense", "[cpu]") {
  const auto cpu = make_cpu_backend({.threads = 1});
  const auto id_of = [](const auto& call) -> std::string {
    try {
      call();
    } catch (const Error& e) {
      return e.id();
    }
    return "";
  };
  double wide[4] = {};
  const Tensor f64(wide, DType::F64, {2, 2});
  CHECK(id_of([&] { cpu->activation_forward(Activation::Gelu, f64, f64); }) == "op.unsupported");
  float table[8] = {}, out[4] = {};
  int32_t stray[2] = {1, 4};
  const Tensor y(out, DType::F32, {2, 2}), wte(table, DType::F32, {4, 2});
  const Tensor tokens(stray, DType::I32, {1, 2});
  CHECK(id_of([&] { cpu->embedding_forward(y, tokens, wte, {}, {}); }) == "op.embedding_forward");
}

TEST_CASE("later tokens leave no trace in the attention of earlier ones, to the bit", "[cpu]") {
  constexpr int64_t kTimes = 200, kSame = 150, kWidth = 64;
  const OpCase c =
      attention_case({.B = 1, .Tq = kTimes, .Tk = kTimes, .H = 1, .K = 1, .D = kWidth});
  for (const char* isa : {"baseline", "avx2", "avx512", "avx512+bf16", "avx512+amx"}) {
    if (!available(isa)) continue;
    const auto backend = make_cpu_backend({.threads = 2, .isa = isa});
    for (const DType act : {DType::F32, DType::BF16}) {
      INFO(isa << " " << dtype_name(act));
      const Precision precision{.act = act};
      CaseTensors tensors(*backend, c, {.precision = precision, .rounding = precision});
      const auto first = [&](const char* name, int64_t count) {
        std::vector<double> values = tensors.values(name);
        values.resize(count);
        return values;
      };
      c.forward.run(*backend, tensors);
      const auto o = first("o", kSame * kWidth), lse = first("lse", kSame);
      for (const char* name : {"q", "k", "v"}) {
        std::vector<double> values = tensors.values(name);
        // Scores so sharp that levels are lifted, of some queries in a vector and not of others.
        for (size_t i = kSame * kWidth; i < values.size(); ++i) values[i] *= -16;
        tensors.set(name, values);
      }
      c.forward.run(*backend, tensors);
      CHECK(first("o", kSame * kWidth) == o);
      CHECK(first("lse", kSame) == lse);
    }
  }
}
