// The step's operations: sums, the guard, AdamW. Arithmetic: kernels/optimizer.cpp.
#include <cmath>

#include "core/cpu/cpu_backend.h"
#include "core/ops_check.h"

namespace causeway::cpu {
namespace {

/// Elements of one AdamW piece: 16–30 bytes move per element, so this is half a megabyte.
constexpr int64_t kAdamWPiece = 1 << 15;

float* floats(const Tensor& t, int64_t offset) {
  return t ? static_cast<float*>(t.data) + offset : nullptr;
}

/// A piece of a list of slices: which slice, and from which element.
struct Place {
  const AdamWSlice* slice;
  int64_t begin, end;
};
Place find(std::span<const AdamWSlice> slices, int64_t piece) {
  for (const AdamWSlice& s : slices) {
    const int64_t n = s.value.shape[0], pieces = (n + kAdamWPiece - 1) / kAdamWPiece;
    if (piece < pieces) return {&s, piece * kAdamWPiece, std::min(n, (piece + 1) * kAdamWPiece)};
    piece -= pieces;
  }
  CHECK(false, "piece {} beyond the slices", piece);
  return {};
}

}  // namespace

void CpuBackend::sum(const Tensor& out, const Tensor& x) {
  check_sum(out, x);
  *out.as<double>() = kernels_.sum(x.as<float>(), x.numel());
}

void CpuBackend::sum_of_squares(const Tensor& partials, const Tensor& x) {
  check_sum_of_squares(partials, x);
  double* out = partials.as<double>();
  const float* in = x.as<float>();
  in_pieces(x.numel(), kNormChunk, [&](int64_t begin, int64_t end) {
    out[begin / kNormChunk] = kernels_.sum_of_squares(in + begin, end - begin);
  });
}

void CpuBackend::clip_and_guard(const Tensor& scalars, const Tensor& partials, const Tensor& losses,
                                double max_norm) {
  check_clip_and_guard(scalars, partials, losses, max_norm);
  double* out = scalars.as<double>();
  double loss = 0, squares = 0;
  for (int64_t i = 0; i < losses.numel(); ++i) loss += losses.as<double>()[i];
  for (int64_t i = 0; i < partials.numel(); ++i) squares += partials.as<double>()[i];
  const double norm = std::sqrt(squares);
  out[kLoss] = loss;
  out[kGradNorm] = norm;
  out[kClipScale] = max_norm > 0 && norm > max_norm ? max_norm / norm : 1;
  out[kFinite] = std::isfinite(loss) && std::isfinite(norm) ? 1 : 0;
}

void CpuBackend::adamw(const AdamW& op, std::span<const AdamWSlice> slices) {
  check(op, slices);
  const double* scalars = op.scalars.as<double>();
  if (scalars[kFinite] == 0) return;
  const double step = static_cast<double>(op.step);
  AdamWArgs shared{.beta1 = static_cast<float>(op.beta1),
                   .beta2 = static_cast<float>(op.beta2),
                   .eps = static_cast<float>(op.eps),
                   .gain1 = static_cast<float>(1 - op.beta1),
                   .gain2 = static_cast<float>(1 - op.beta2),
                   .step_size = static_cast<float>(op.lr / (1 - std::pow(op.beta1, step))),
                   .second_scale = static_cast<float>(1 / (1 - std::pow(op.beta2, step))),
                   .decay = 0,
                   .clip_scale = static_cast<float>(scalars[kClipScale]),
                   .random = philox_args(op.rounding())};
  int64_t pieces = 0;
  for (const AdamWSlice& s : slices) {
    act_index(s.value.dtype, "adamw");
    pieces += (s.value.shape[0] + kAdamWPiece - 1) / kAdamWPiece;
  }
  pool_.run(pieces, [&](int64_t piece, int) {
    const auto [slice, begin, end] = find(slices, piece);
    AdamWArgs args = shared;
    args.decay = static_cast<float>(op.lr * slice->weight_decay);
    float *m = floats(slice->m, begin), *v = floats(slice->v, begin);
    const float* grad = floats(slice->grad, begin);
    if (slice->rounds_stochastically())
      return kernels_.adamw_stochastic(args, static_cast<uint16_t*>(slice->value.data) + begin, m,
                                       v, grad, slice->offset + begin, end - begin);
    char* value = static_cast<char*>(slice->value.data) +
                  begin * static_cast<int64_t>(dtype_size(slice->value.dtype));
    kernels_.adamw(args, value, floats(slice->master, begin), m, v, grad, end - begin);
  });
}

}  // namespace causeway::cpu
