// Blocks of attention as the operands of products: `Wide` multiplies f32, `Pairs` bf16 two by two
// where the CPU has the instruction. Scores are made with a key in each row and a query in each
// lane, so that softmax works down the rows, never across lanes, and keys and values stand on the
// left as they lie. Read next: attention_common.h.
#pragma once
#include "core/cpu/kernels/small_gemm.h"
#include "core/cpu/simd_pairs.h"
#include "core/cpu/simd_shuffle.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

/// Keys and queries of a block: its operands and scores fit the first-level cache, and few queries
/// waste less on the causal diagonal.
constexpr int64_t kKeys = 64;
constexpr int64_t kQueries = 2 * kLanes;
constexpr int64_t in_blocks(int64_t queries) {
  return (queries + kQueries - 1) / kQueries * kQueries;
}
constexpr int64_t one_block(int64_t queries) { return queries < kQueries ? queries : kQueries; }

/// Hands out working memory, array after array; an element is as large as a float.
struct Carver {
  float* next;
  template <class E>
  E* take(int64_t count) {
    E* const array = reinterpret_cast<E*>(next);
    next += count;
    return array;
  }
};

/// Rows of `width` values of T, `stride` apart.
template <class T>
struct Stored {
  const T* data;
  int64_t stride, rows, width;
};

/// rows × width elements → (width, kQueries), columns ≥ rows zero. read(row, i, part) gives a
/// vector.
template <class Read>
SIMD_INLINE void transpose(float* out, int64_t rows, int64_t width, Read read) {
  for (int64_t r0 = 0; r0 < kQueries; r0 += kLanes) {
    sweep(width, [&](int64_t i, auto part) {
      F block[kLanes];
      for (int r = 0; r < kLanes; ++r) block[r] = r0 + r < rows ? read(r0 + r, i, part) : F{};
      transpose_square(block);
      const int64_t n = width - i < kLanes ? width - i : kLanes;
      for (int64_t d = 0; d < n; ++d) store(out + (i + d) * kQueries + r0, block[d]);
    });
  }
}

/// After an odd number of rows, one of zeros.
template <class E>
SIMD_INLINE void make_even(E* to, int64_t rows, int64_t stride) {
  for (int64_t i = 0; rows % 2 && i < stride; ++i) to[rows * stride + i] = 0;
}

// Both pack into the buffer they are given:
//   left              rows × width, the depth along the width; after an odd last row, zeros
//   right             the depth along the rows, columns along the width
//   right_transposed  the depth along the width, kQueries columns: Right{to, kQueries}
// and store weights, which are f32 with keys for rows and queries for lanes, as left operands:
//   put_by_key        a row; the depth along the queries
//   put_by_query      two rows of one vector; the depth along the keys

struct Wide {
  using Element = float;
  static constexpr bool kRounds = false;
  static constexpr bool kOneForm = true;  ///< weights by key are weights by query
  /// Elements that hold n values of a product's depth.
  static int64_t depth(int64_t n) { return n; }

  template <class T>
  static Right<float> right(float* to, const Stored<T>& from) {
    const int64_t stride = padded(from.width);
    for (int64_t r = 0; r < from.rows; ++r)
      sweep(from.width, [&](int64_t i, auto part) {  // whole vectors: beyond the row is zero
        store(to + r * stride + i, load(from.data + r * from.stride + i, part));
      });
    return {to, stride};
  }
  template <class T>
  static Left<float> left(float* to, const Stored<T>& from) {
    const int64_t stride = right(to, from).stride;
    make_even(to, from.rows, stride);
    return {to, stride, 1};
  }
  template <class T>
  static void right_transposed(float* to, const Stored<T>& from) {
    transpose(to, from.rows, from.width, [&](int64_t r, int64_t i, auto part) {
      return load(from.data + r * from.stride + i, part);
    });
  }

  static void put_by_key(float* to, int64_t key, const F (&row)[2]) {
    for (int64_t v = 0; v < 2; ++v) store(to + key * kQueries + v * kLanes, row[v]);
  }
  static void put_by_query(float* to, int64_t key, int64_t query, F first, F second) {
    store(to + key * kQueries + query, first);
    store(to + (key + 1) * kQueries + query, second);
  }
  static Left<float> by_key(const float* weights) { return {weights, kQueries, 1}; }
  static Left<float> by_query(const float* weights) { return {weights, 1, kQueries}; }
};

#if defined(__AVX512BF16__)
struct Pairs {
  using Element = Pair;
  static constexpr bool kRounds = true;
  static constexpr bool kOneForm = false;
  static int64_t depth(int64_t n) { return (n + 1) / 2; }

  static Left<Pair> left(Pair* to, const Stored<b16>& from) {
    const int64_t stride = padded(from.width) / 2;
    for (int64_t r = 0; r < from.rows; ++r)
      sweep(from.width, [&](int64_t i, auto part) {
        const B16 bits = load_bits(from.data + r * from.stride + i, part);
        __builtin_memcpy(to + r * stride + i / 2, &bits, sizeof bits);
      });
    make_even(to, from.rows, stride);
    return {to, stride, 1};
  }
  /// Rows 2k and 2k + 1 side by side; a last odd row beside zeros.
  static Right<Pair> right(Pair* to, const Stored<b16>& from) {
    const int64_t stride = padded(from.width);
    for (int64_t r = 0; r < from.rows; r += 2) {
      const b16* row = from.data + r * from.stride;
      sweep(from.width, [&](int64_t i, auto part) {
        const F first = load(row + i, part);
        const F second = r + 1 < from.rows ? load(row + from.stride + i, part) : F{};
        const U pairs = ((U)first >> 16) | (U)second;
        __builtin_memcpy(to + r / 2 * stride + i, &pairs, sizeof pairs);
      });
    }
    return {to, stride};
  }
  static void right_transposed(Pair* to, const Stored<b16>& from) {
    transpose(reinterpret_cast<float*>(to), from.rows, depth(from.width),
              [&](int64_t r, int64_t i, auto) {
                const int64_t left = from.width - 2 * i;
                const b16* row = from.data + r * from.stride + 2 * i;
                return (F)_mm512_maskz_loadu_epi16(
                    left < 2 * kLanes ? (__mmask32)((1u << left) - 1) : ~__mmask32{0}, row);
              });
  }

  // What is denormal becomes 0, as in the products themselves.
  static void put_by_key(Pair* to, int64_t key, const F (&row)[2]) {
    _mm512_storeu_si512(to + key * kQueries / 2,
                        (__m512i)_mm512_cvtne2ps_pbh((__m512)row[1], (__m512)row[0]));
  }
  static void put_by_query(Pair* to, int64_t key, int64_t query, F first, F second) {
    store(reinterpret_cast<b16*>(to + key / 2 * kQueries + query), FPair{first, second}, Two{});
  }
  static Left<Pair> by_key(const Pair* weights) { return {weights, kQueries / 2, 1}; }
  static Left<Pair> by_query(const Pair* weights) { return {weights, 1, kQueries}; }
};
#endif

/// What multiplies blocks of activations of type T.
template <class T>
struct BlocksOf {
  using Type = Wide;
};
#if defined(__AVX512BF16__)
template <>
struct BlocksOf<b16> {
  using Type = Pairs;
};
#endif

}  // namespace
}  // namespace causeway::cpu::CAUSEWAY_ISA
