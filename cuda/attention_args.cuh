// What every attention kernel is given, which keys a query sees, and how a product q·k becomes a
// score. Read next: attention_mma.cuh (tensor cores), attention_plain.cuh (any dtype and head
// size).
#pragma once
#include <type_traits>

#include "cuda/kernel_env.cuh"

namespace causeway::cuda {

/// A (B, T, heads, D) tensor with dense heads; strides in elements.
template <class T>
struct Heads {
  T* data;
  int64_t b, t;

  /// Row t is at the result + t · this->t.
  __device__ __forceinline__ T* head(int batch, int head, int size) const {
    return data + batch * b + int64_t{head} * size;
  }
};

/// Shape and options; see AttentionOptions in core/backend.h.
struct AttentionShape {
  int tq, tk;                ///< queries, keys
  int heads, group;          ///< query heads, and how many of them share a key/value head
  int size;                  ///< D
  float scale, softcap;      ///< softcap 0: none
  int window;                ///< 0: unlimited
  const float* slopes;       ///< (H) or null
  const int* segment_start;  ///< (B, Tq) or null

  /// The last key that a query sees.
  __device__ __forceinline__ int own_key(int query) const { return query + tk - tq; }
  /// The first one; `segment` is the query's segment_start, or 0.
  __device__ __forceinline__ int first_key(int query, int segment) const {
    return window > 0 ? max(own_key(query) - window + 1, segment) : segment;
  }
  __device__ __forceinline__ int first_key_of(int batch, int query) const {
    return first_key(query, segment_start ? segment_start[int64_t{batch} * tq + query] : 0);
  }
};

template <class T>
struct AttentionForwardArgs {
  AttentionShape shape;
  Heads<T> o;
  float* lse;  ///< (B, H, Tq)
  Heads<const T> q, k, v;
};

template <class T>
struct AttentionBackwardArgs {
  AttentionShape shape;
  Heads<T> d_q, d_k, d_v;
  Heads<const T> d_o, q, k, v, o;
  const float* lse;  ///< (B, H, T)
  // Made by the first kernel for the other two, (B, H, padded): rows of T padded to tiles.
  float* level;  ///< lse · log2 e; +∞ past the end, so that p is 0 there
  float* delta;  ///< Σ d_o·o; 0 past the end
  int padded;    ///< T rounded up to kStatTile

  /// Where the padded row of a head begins.
  __device__ __forceinline__ int64_t stats(int batch, int head) const {
    return (int64_t{batch} * shape.heads + head) * padded;
  }
};

constexpr int kStatTile = 64;  ///< no kernel takes more queries at a time as the other side

constexpr float kLog2E = 1.4426950408889634f, kLn2 = 0.6931471805599453f;

/// Causal: score = q·k · scale, every key up to the query's own. General: with every option. Two
/// compiled variants, so that the common one stays lean.
enum class Scores : uint8_t { Causal, General };

/// A score in units of log 2 (its probability is a power of two), and 1 − tanh² of the softcap.
struct Score {
  float value, cap_slope;
};

/// Options of one head, in General.
struct Scorer {
  float factor;  ///< scale · log2 e
  float cap;     ///< softcap · log2 e
  float in_cap;  ///< 2 · factor / softcap
  float alibi;   ///< slope · log2 e
  bool has_cap;

  __device__ __forceinline__ Scorer(const AttentionShape& shape, int head)
      : factor(shape.scale * kLog2E),
        cap(shape.softcap * kLog2E),
        in_cap(shape.softcap > 0 ? 2 * factor / shape.softcap : 0),
        alibi(shape.slopes ? shape.slopes[head] * kLog2E : 0),
        has_cap(shape.softcap > 0) {}

  __device__ __forceinline__ Score operator()(float dot, int distance) const {
    const float penalty = alibi * float(distance);
    if (!has_cap) return {dot * factor - penalty, 1.0f};
    const float t = 1.0f - __fdividef(2.0f, ex2(dot * in_cap) + 1.0f);  // tanh; right at ±∞ too
    return {cap * t - penalty, 1.0f - t * t};
  }
};

}  // namespace causeway::cuda
