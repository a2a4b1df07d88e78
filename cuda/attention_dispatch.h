// Which attention kernels run: decided here, once, by dtype, head size, layout and options. Turns
// an operation of core/backend.h into the kernels' arguments. Read next: attention_forward.cu.
#pragma once
#include <algorithm>
#include <initializer_list>
#include <limits>
#include <type_traits>

#include "core/backend.h"
#include "cuda/attention.h"
#include "cuda/attention_args.cuh"

namespace causeway::cuda {

/// Hopper: sm_90's own tensor instructions, for causal attention of bf16 at the common head sizes.
/// Mma: tensor cores, bf16, head sizes with a compiled kernel. Plain: all else.
enum class AttentionPath : uint8_t { Plain, Mma, Hopper };

template <int kValue>
using Constant = std::integral_constant<int, kValue>;

/// Calls run(Constant<D>) for the head sizes that tensor cores serve; false for the others.
template <class Run>
bool with_mma_size(int64_t size, const Run& run) {
  switch (size) {
    case 32:
      return run(Constant<32>{}), true;
    case 64:
      return run(Constant<64>{}), true;
    case 80:
      return run(Constant<80>{}), true;
    case 96:
      return run(Constant<96>{}), true;
    case 128:
      return run(Constant<128>{}), true;
    default:
      return false;
  }
}

/// Calls run(Constant<capacity>) with the smallest capacity of the plain kernels that holds D.
template <class Run>
void with_plain_capacity(int64_t size, const Run& run) {
  if (size <= 64) return run(Constant<64>{});
  if (size <= 128) return run(Constant<128>{});
  return run(Constant<256>{});
}

/// Whether every query sees all keys up to its own, and scores are products times a scale.
inline bool plain_causal(const AttentionShape& shape) {
  return shape.scale > 0 && shape.softcap == 0 && shape.window == 0 && !shape.slopes &&
         !shape.segment_start;
}

/// Calls run(std::integral_constant<Scores, …>) with the variant that the options need.
template <class Run>
void with_scores(const AttentionShape& shape, const Run& run) {
  if (plain_causal(shape)) return run(std::integral_constant<Scores, Scores::Causal>{});
  return run(std::integral_constant<Scores, Scores::General>{});
}

/// The mma kernels move 16 bytes at a time.
inline bool rows_aligned(const Tensor& t) {
  return reinterpret_cast<uintptr_t>(t.data) % 16 == 0 && t.stride[0] % 8 == 0 &&
         t.stride[1] % 8 == 0;
}

inline AttentionShape attention_shape(const AttentionOptions& options, const Tensor& q,
                                      const Tensor& k) {
  const bool unlimited = options.window >= k.shape[1];  // no distance is as long
  return {.tq = static_cast<int>(q.shape[1]),
          .tk = static_cast<int>(k.shape[1]),
          .heads = static_cast<int>(q.shape[2]),
          .group = static_cast<int>(q.shape[2] / k.shape[2]),
          .size = static_cast<int>(q.shape[3]),
          .scale = static_cast<float>(options.scale),
          .softcap = static_cast<float>(options.softcap),
          .window = unlimited ? 0 : static_cast<int>(options.window),
          .slopes = static_cast<const float*>(options.alibi_slopes.data),
          .segment_start = static_cast<const int*>(options.segment_start.data)};
}

/// TMA walks over (B·T) rows of one stride.
inline bool rows_evenly_spaced(const Tensor& t) {
  return t.shape[0] == 1 || t.stride[0] == t.shape[1] * t.stride[1];
}

/// `tensors`: all of the operation's (B, T, heads, D), q first and then k.
inline AttentionPath attention_path(const AttentionOptions& options, int capability,
                                    std::initializer_list<Tensor> tensors) {
  const Tensor &q = tensors.begin()[0], &k = tensors.begin()[1];
  const auto all = [&](auto holds) { return std::all_of(tensors.begin(), tensors.end(), holds); };
  const int64_t size = q.shape[3];
  if (q.dtype != DType::BF16 || !with_mma_size(size, [](auto) {}) || !all(rows_aligned))
    return AttentionPath::Plain;
  const bool hopper = capability / 10 == 9 && has_hopper_attention() &&
                      (size == 64 || size == 128) && q.shape[1] == k.shape[1] &&
                      plain_causal(attention_shape(options, q, k)) && all(rows_evenly_spaced);
  return hopper ? AttentionPath::Hopper : AttentionPath::Mma;
}

template <class T>
Heads<T> heads_of(const Tensor& t) {
  return {static_cast<T*>(t.data), t.stride[0], t.stride[1]};
}

template <class T>
AttentionForwardArgs<T> forward_args(const AttentionForward& op) {
  return {.shape = attention_shape(op.options, op.q, op.k),
          .o = heads_of<T>(op.o),
          .lse = static_cast<float*>(op.lse.data),
          .q = heads_of<const T>(op.q),
          .k = heads_of<const T>(op.k),
          .v = heads_of<const T>(op.v)};
}

inline int64_t padded_queries(const AttentionBackward& op) {
  return (op.q.shape[1] + kStatTile - 1) / kStatTile * kStatTile;
}
/// Floats of level, and of delta: (B, H, padded).
inline int64_t stat_count(const AttentionBackward& op) {
  return op.q.shape[0] * op.q.shape[2] * padded_queries(op);
}

template <class T>
AttentionBackwardArgs<T> backward_args(const AttentionBackward& op, void* scratch) {
  const int64_t stats = stat_count(op);
  return {.shape = attention_shape(op.options, op.q, op.k),
          .d_q = heads_of<T>(op.d_q),
          .d_k = heads_of<T>(op.d_k),
          .d_v = heads_of<T>(op.d_v),
          .d_o = heads_of<const T>(op.d_o),
          .q = heads_of<const T>(op.q),
          .k = heads_of<const T>(op.k),
          .v = heads_of<const T>(op.v),
          .o = heads_of<const T>(op.o),
          .lse = static_cast<const float*>(op.lse.data),
          .level = static_cast<float*>(scratch),
          .delta = static_cast<float*>(scratch) + stats,
          .padded = static_cast<int>(padded_queries(op))};
}

/// Grid of tiles of `rows` of a (B, T, heads, D) tensor.
inline dim3 tile_grid(const Tensor& t, int rows) {
  return dim3(static_cast<unsigned>((t.shape[1] + rows - 1) / rows),
              static_cast<unsigned>(t.shape[2]), static_cast<unsigned>(t.shape[0]));
}

}  // namespace causeway::cuda
