// Launches AdamW: slices are gathered into tables of one dtype, rounding and alignment. Read next:
// adamw.cuh.
#include "cuda/adamw.cuh"

#include <cmath>

#include "cuda/dispatch.h"
#include "cuda/launches.h"

namespace causeway::cuda {
namespace {

/// What slices of one launch have in common.
struct Group {
  DType dtype;
  Rounding rounding;
  bool packs;
  bool operator==(const Group&) const = default;
};
Group group_of(const AdamWSlice& s) {
  return {s.value.dtype, s.rounds_stochastically() ? Rounding::Stochastic : Rounding::Nearest,
          aligned(s.value.data) && aligned(s.master.data) && aligned(s.m.data) &&
              aligned(s.v.data) && aligned(s.grad.data)};
}

AdamWArgs step_args(const AdamW& op) {
  const double step = static_cast<double>(op.step);
  return {.beta1 = static_cast<float>(op.beta1),
          .beta2 = static_cast<float>(op.beta2),
          .gain1 = static_cast<float>(1 - op.beta1),
          .gain2 = static_cast<float>(1 - op.beta2),
          .eps = static_cast<float>(op.eps),
          .step_size = static_cast<float>(op.lr / (1 - std::pow(op.beta1, step))),
          .second_scale = static_cast<float>(1 / (1 - std::pow(op.beta2, step))),
          .clip_scale = data<double>(op.scalars) + kClipScale,
          .finite = data<double>(op.scalars) + kFinite,
          .random = op.rounding(),
          .count = 0,
          .ranges = {}};
}

AdamWRange range_of(const AdamWSlice& s, double lr, int64_t first_block) {
  return {.value = s.value.data,
          .master = data<float>(s.master),
          .m = data<float>(s.m),
          .v = data<float>(s.v),
          .grad = data<float>(s.grad),
          .n = s.value.numel(),
          .offset = s.offset,
          .decay = static_cast<float>(lr * s.weight_decay),
          .first_block = static_cast<int>(first_block)};
}

template <class T, Rounding kRounding>
void launch_packs(const AdamWArgs& args, int64_t n_blocks, bool packs, cudaStream_t stream) {
  const auto run = [&](auto kernel) {
    launch(kernel, grid(n_blocks), kAdamWThreads, 0, stream, args);
  };
  if (packs)
    run(adamw_kernel<T, kRounding, kAdamWWidth>);
  else
    run(adamw_kernel<T, kRounding, 1>);
}

void launch_group(const AdamWArgs& args, int64_t n_blocks, Group group, cudaStream_t stream) {
  if (n_blocks == 0) return;
  if (group.rounding == Rounding::Stochastic)
    return launch_packs<__nv_bfloat16, Rounding::Stochastic>(args, n_blocks, group.packs, stream);
  with_act(group.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    launch_packs<T, Rounding::Nearest>(args, n_blocks, group.packs, stream);
  });
}

}  // namespace

void adamw(const AdamW& op, std::span<const AdamWSlice> slices, cudaStream_t stream) {
  AdamWArgs args = step_args(op);
  int64_t n_blocks = 0;
  for (size_t i = 0; i < slices.size(); ++i) {
    args.ranges[args.count++] = range_of(slices[i], op.lr, n_blocks);
    n_blocks += blocks(slices[i].value.numel(), kAdamWPiece);
    const Group group = group_of(slices[i]);
    const bool last =
        i + 1 == slices.size() || args.count == kAdamWSlices || group_of(slices[i + 1]) != group;
    if (!last) continue;
    launch_group(args, n_blocks, group, stream);
    args.count = 0, n_blocks = 0;
  }
}

}  // namespace causeway::cuda
