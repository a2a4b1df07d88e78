// Launches cross-entropy. Read next: cross_entropy.cuh.
#include "cuda/cross_entropy.cuh"

#include "cuda/dispatch.h"
#include "cuda/launches.h"
#include "cuda/runtime.h"

namespace causeway::cuda {
namespace {

template <class T, int kWidth, RowPlace kPlace>
void launch_rows(const CrossEntropyArgs<T>& args, int64_t rows, cudaStream_t stream) {
  const int64_t packs = blocks(args.columns, kWidth);
  const int threads = static_cast<int>(std::min<int64_t>(blocks(packs, 32) * 32, kLossThreads));
  const size_t bytes =
      kLossPartsBytes + (kPlace == RowPlace::Shared ? args.columns * sizeof(T) : 0);
  if (args.softcap > 0)
    launch(cross_entropy_kernel<T, kWidth, kPlace, Softcap::Yes>, grid(rows), threads, bytes,
           stream, args);
  else
    launch(cross_entropy_kernel<T, kWidth, kPlace, Softcap::No>, grid(rows), threads, bytes, stream,
           args);
}

}  // namespace

void cross_entropy(const CrossEntropy& op, cudaStream_t stream) {
  const int64_t rows = op.logits.shape[0];
  if (rows == 0) return;
  with_act(op.logits.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    const CrossEntropyArgs<T> args{.loss = data<float>(op.loss),
                                   .logits = data<T>(op.logits),
                                   .targets = data<int>(op.targets),
                                   .columns = static_cast<int>(op.logits.shape[1]),
                                   .vocab = static_cast<int>(op.vocab_size),
                                   .softcap = static_cast<float>(op.softcap),
                                   .scale = static_cast<float>(op.scale),
                                   .gradient = op.mode == LossMode::LossAndGradient};
    const bool packs = rows_in_packs({op.logits}, kFullPack<T>);
    const bool fits = args.columns * sizeof(T) + kLossPartsBytes <= shared_memory_of_block();
    if (packs && fits)
      launch_rows<T, kFullPack<T>, RowPlace::Shared>(args, rows, stream);
    else if (packs)
      launch_rows<T, kFullPack<T>, RowPlace::Global>(args, rows, stream);
    else
      launch_rows<T, 1, RowPlace::Global>(args, rows, stream);
  });
}

}  // namespace causeway::cuda
