// Attention's CUDA kernels in the emulation: what the agreement of all backends (tests/ops) does
// not show. The same bits in every order of threads and blocks, no bank conflicts, and the Hopper
// kernels against the double reference. Read next: docs/attention.md.
#include <cmath>

#include "core/cases/families.h"
#include "cuda/attention.h"
#include "cuda/attention_backward_hopper.cuh"
#include "cuda/attention_delta.cuh"
#include "cuda/attention_dispatch.h"
#include "cuda/attention_forward_hopper.cuh"
#include "tests/ops/tolerance.h"
#include "tests/reference/backend.h"
#include "tests/simt/device.h"

#include "tests/catch.h"

namespace causeway::cuda {
namespace {

using Values = std::vector<double>;

/// The tensors of one attention, all dense, over memory of any kind.
struct Problem {
  AttentionCase shape;
  DType dtype = DType::BF16;

  int64_t q_count() const { return shape.B * shape.Tq * shape.H * shape.D; }
  int64_t k_count() const { return shape.B * shape.Tk * shape.K * shape.D; }
  int64_t lse_count() const { return shape.B * shape.H * shape.Tq; }
  Tensor q(void* data, DType t) const { return {data, t, {shape.B, shape.Tq, shape.H, shape.D}}; }
  Tensor k(void* data, DType t) const { return {data, t, {shape.B, shape.Tk, shape.K, shape.D}}; }
  Tensor lse(void* data, DType t) const { return {data, t, {shape.B, shape.H, shape.Tq}}; }

  /// Without slopes and segments, whose memory would be a device's.
  AttentionOptions options() const {
    return {.scale = shape.sharpness / std::sqrt(double(shape.D)),
            .window = shape.window,
            .softcap = shape.softcap};
  }
};

double rounded(DType dtype, double x) {
  const float single = static_cast<float>(x);
  return dtype == DType::BF16 ? static_cast<float>(bf16(single)) : single;
}

/// Normal numbers that `dtype` holds exactly.
Values random_values(int64_t n, DType dtype, uint32_t layer) {
  const RandomStream stream{.seed = 3, .purpose = RandomPurpose::Test, .layer = layer};
  const Fill fill = normal();
  Values values(n);
  for (int64_t e = 0; e < n; ++e) values[e] = rounded(dtype, fill(stream, e));
  return values;
}

/// Device memory of f32 or bf16 elements.
class Memory {
 public:
  Memory(DType dtype, const Values& values) : Memory(dtype, int64_t(values.size()), &values) {}
  Memory(DType dtype, int64_t n) : Memory(dtype, n, nullptr) {}

  void* data() { return bytes_.data(); }
  Values values() {
    Values v(count_);
    for (int64_t e = 0; e < count_; ++e)
      v[e] = dtype_ == DType::F32 ? static_cast<float*>(data())[e]
                                  : static_cast<float>(static_cast<bf16*>(data())[e]);
    return v;
  }

 private:
  Memory(DType dtype, int64_t n, const Values* values)
      : dtype_(dtype), count_(n), bytes_(encode(dtype, n, values)) {}

  static std::vector<unsigned char> encode(DType dtype, int64_t n, const Values* values) {
    std::vector<unsigned char> bytes(n * dtype_size(dtype), 0xff);
    for (int64_t e = 0; values && e < n; ++e) {
      const float x = static_cast<float>((*values)[e]);
      const bf16 half(x);
      if (dtype == DType::F32)
        std::memcpy(bytes.data() + 4 * e, &x, 4);
      else
        std::memcpy(bytes.data() + 2 * e, &half, 2);
    }
    return bytes;
  }

  DType dtype_;
  int64_t count_;
  simt::Buffer<unsigned char> bytes_;
};

/// o, lse, d_q, d_k, d_v in this order; the last three only where Tq = Tk.
using Results = std::vector<Values>;
const char* const kNames[] = {"o", "lse", "d_q", "d_k", "d_v"};

/// Runs forward and backward by the two functions given.
template <class Forward, class Backward>
Results run(const Problem& p, const Forward& forward, const Backward& backward) {
  const DType t = p.dtype;
  Memory q(t, random_values(p.q_count(), t, 1)), k(t, random_values(p.k_count(), t, 2));
  Memory v(t, random_values(p.k_count(), t, 3)), d_o(t, random_values(p.q_count(), t, 4));
  Memory o(t, p.q_count()), lse(DType::F32, p.lse_count());
  Memory d_q(t, p.q_count()), d_k(t, p.k_count()), d_v(t, p.k_count());
  forward(AttentionForward{.options = p.options(),
                           .o = p.q(o.data(), t),
                           .lse = p.lse(lse.data(), DType::F32),
                           .q = p.q(q.data(), t),
                           .k = p.k(k.data(), t),
                           .v = p.k(v.data(), t)});
  if (p.shape.Tq != p.shape.Tk) return {o.values(), lse.values()};
  const AttentionBackward op{.options = p.options(),
                             .d_q = p.q(d_q.data(), t),
                             .d_k = p.k(d_k.data(), t),
                             .d_v = p.k(d_v.data(), t),
                             .d_o = p.q(d_o.data(), t),
                             .q = p.q(q.data(), t),
                             .k = p.k(k.data(), t),
                             .v = p.k(v.data(), t),
                             .o = p.q(o.data(), t),
                             .lse = p.lse(lse.data(), DType::F32)};
  simt::Buffer<unsigned char> scratch(attention_scratch_bytes(op), "scratch");
  backward(op, scratch.data());
  return {o.values(), lse.values(), d_q.values(), d_k.values(), d_v.values()};
}

/// By whatever path the dispatch chooses.
Results run_dispatched(const Problem& p) {
  return run(
      p, [](const AttentionForward& op) { attention_forward(op, nullptr); },
      [](const AttentionBackward& op, void* scratch) { attention_backward(op, scratch, nullptr); });
}

TensorMap map_of(const Tensor& t) {
  return {t.data, t.shape[2] * t.shape[3], t.shape[0] * t.shape[1], t.stride[1], 64, 64};
}

/// By the kernels of Hopper; d_k and d_v of head 128 stay with mma.sync.
template <int kSize>
Results run_hopper(const Problem& p) {
  const auto forward = [](const AttentionForward& op) {
    using R = ForwardRing<kSize>;
    launch(attention_forward_hopper_kernel<kSize>, tile_grid(op.q, R::kOwn), dim3(R::kThreads),
           R::kSharedBytes, nullptr, forward_args<__nv_bfloat16>(op), map_of(op.k), map_of(op.v));
  };
  const auto backward = [](const AttentionBackward& op, void* scratch) {
    attention_backward(op, scratch, nullptr);  // makes level and delta, and d_k and d_v
    const auto args = backward_args<__nv_bfloat16>(op, scratch);
    using Q = QueryRing<kSize>;
    launch(attention_backward_queries_hopper_kernel<kSize>, tile_grid(op.q, Q::kOwn),
           dim3(Q::kThreads), Q::kSharedBytes, nullptr, args, map_of(op.k), map_of(op.v));
    if constexpr (kSize == 64) {
      using K = KeyRing<kSize>;
      launch(attention_backward_keys_hopper_kernel<kSize>, tile_grid(op.k, K::kOwn),
             dim3(K::kThreads), K::kSharedBytes, nullptr, args, map_of(op.q), map_of(op.d_o));
    }
  };
  return run(p, forward, backward);
}

/// The double reference on the same inputs; its backward reads the o and lse given, as the kernels
/// did.
Results run_reference(const Problem& p, const Results& given) {
  const auto ops = make_reference_backend(DType::F64);
  Values q = random_values(p.q_count(), p.dtype, 1), k = random_values(p.k_count(), p.dtype, 2);
  Values v = random_values(p.k_count(), p.dtype, 3), d_o = random_values(p.q_count(), p.dtype, 4);
  Values o(p.q_count()), lse(p.lse_count()), d_q(p.q_count()), d_k(p.k_count()), d_v(p.k_count());
  const DType t = DType::F64;
  ops->attention_forward({.options = p.options(),
                          .o = p.q(o.data(), t),
                          .lse = p.lse(lse.data(), t),
                          .q = p.q(q.data(), t),
                          .k = p.k(k.data(), t),
                          .v = p.k(v.data(), t)});
  if (given.size() == 2) return {o, lse};
  Values saved_o = given[0], saved_lse = given[1];
  ops->attention_backward({.options = p.options(),
                           .d_q = p.q(d_q.data(), t),
                           .d_k = p.k(d_k.data(), t),
                           .d_v = p.k(d_v.data(), t),
                           .d_o = p.q(d_o.data(), t),
                           .q = p.q(q.data(), t),
                           .k = p.k(k.data(), t),
                           .v = p.k(v.data(), t),
                           .o = p.q(saved_o.data(), t),
                           .lse = p.lse(saved_lse.data(), t)});
  return {o, lse, d_q, d_k, d_v};
}

void require_close(const Problem& p, const Results& got) {
  const Results exact = run_reference(p, got);
  const OpCase c = attention_case(p.shape);
  const Precision precision =
      Precision::of(p.dtype == DType::F32 ? PrecisionChoice::Fp32 : PrecisionChoice::Bf16);
  for (size_t i = 0; i < got.size(); ++i) {
    double largest = 0, worst = 0;
    for (double e : exact[i]) largest = std::max(largest, std::abs(e));
    for (size_t e = 0; e < got[i].size(); ++e) {
      const double allowed = tolerance(*c.find(kNames[i]), precision, exact[i][e], largest);
      const double ratio = std::abs(got[i][e] - exact[i][e]) / allowed;
      if (!(ratio <= worst)) worst = ratio;  // a NaN is the worst of all
      if (std::isnan(worst)) break;
    }
    INFO(c.name << ": " << kNames[i] << ", error / tolerance:");
    REQUIRE(worst <= 1);
  }
}

struct OrderGuard {
  simt::Options before = simt::options;
  ~OrderGuard() { simt::options = before; }
};

}  // namespace

TEST_CASE("attention agrees with the double reference, with the same bits in every thread order") {
  const OrderGuard guard;
  std::vector<Problem> problems = {
      {.shape = {.B = 2, .Tq = 67, .Tk = 67, .H = 2, .K = 1, .D = 24}, .dtype = DType::F32}};
  for (int64_t size : {32, 64, 80, 96, 128}) {
    problems.push_back({.shape = {.B = 2, .Tq = 67, .Tk = 67, .H = 2, .K = 1, .D = size}});
    problems.push_back(
        {.shape = {
             .B = 1, .Tq = 131, .Tk = 131, .H = 2, .K = 1, .D = size, .window = 70, .softcap = 5}});
  }
  // Scores up to ±100: levels must rise, and what was gathered must follow.
  problems.push_back(
      {.shape = {.B = 1, .Tq = 131, .Tk = 131, .H = 1, .K = 1, .D = 64, .sharpness = 25}});
  for (const Problem& p : problems) {
    INFO("head size " << p.shape.D << ", window " << p.shape.window);
    simt::options.order = simt::Order::Forward;
    const Results first = run_dispatched(p);
    require_close(p, first);
    for (const auto order : {simt::Order::Reverse, simt::Order::Random}) {
      simt::options.order = order;
      REQUIRE(run_dispatched(p) == first);
    }
  }
}

TEST_CASE("Hopper's attention agrees with the double reference") {
  for (int64_t times : {1, 67, 129, 193})
    require_close({.shape = {.B = 2, .Tq = times, .Tk = times, .H = 2, .K = 1, .D = 64}},
                  run_hopper<64>({{.B = 2, .Tq = times, .Tk = times, .H = 2, .K = 1, .D = 64}}));
  const AttentionCase wide{.B = 1, .Tq = 321, .Tk = 321, .H = 2, .K = 2, .D = 128};
  require_close({wide}, run_hopper<128>({wide}));
  const AttentionCase sharp{.B = 1, .Tq = 193, .Tk = 193, .H = 1, .K = 1, .D = 64, .sharpness = 25};
  require_close({sharp}, run_hopper<64>({sharp}));
  const AttentionCase longer{.B = 1, .Tq = 130, .Tk = 203, .H = 1, .K = 1, .D = 64};
  require_close({longer}, run_hopper<64>({longer}));
}

TEST_CASE("Hopper's attention gives the same bits in every thread order") {
  const OrderGuard guard;
  const Problem p{.shape = {.B = 1, .Tq = 257, .Tk = 257, .H = 2, .K = 1, .D = 64}};
  simt::options.order = simt::Order::Forward;
  const Results first = run_hopper<64>(p);
  for (const auto order : {simt::Order::Reverse, simt::Order::Random}) {
    simt::options.order = order;
    REQUIRE(run_hopper<64>(p) == first);
  }
}

TEST_CASE("tiles of attention are read without bank conflicts at every head size") {
  for (int64_t size : {32, 64, 80, 96, 128}) {
    INFO("head size " << size);
    const simt::Stats before = simt::stats;
    run_dispatched({.shape = {.B = 1, .Tq = 65, .Tk = 65, .H = 1, .K = 1, .D = size}});
    REQUIRE(simt::stats.ldmatrix > before.ldmatrix);
    REQUIRE(simt::stats.ldmatrix_conflicts == before.ldmatrix_conflicts);
  }
}

}  // namespace causeway::cuda
