// Blocks of attention as the operands of products: `Wide` multiplies f32, `Pairs` bf16 two by two
// where the CPU has the instruction. Both pack into the buffer they are given and tell where the
// operand lies. Read next: attention_common.h.
#pragma once
#include "core/cpu/kernels/small_gemm.h"
#include "core/cpu/simd_shuffle.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

/// Keys per block and queries per block: three blocks of a 64-wide head and their scores fit the
/// first-level cache; smaller query blocks waste less on the causal diagonal.
constexpr int64_t kKeys = 64;
constexpr int64_t kQueries = 32;

/// rows × width elements → (width, kKeys), columns ≥ rows zero. read(row, i, part) gives a vector.
template <class Read>
SIMD_INLINE void transpose(float* out, int64_t rows, int64_t width, Read read) {
  for (int64_t r0 = 0; r0 < kKeys; r0 += kLanes) {
    sweep(width, [&](int64_t i, auto part) {
      F block[kLanes];
      for (int r = 0; r < kLanes; ++r) block[r] = r0 + r < rows ? read(r0 + r, i, part) : F{};
      transpose_square(block);
      const int64_t n = width - i < kLanes ? width - i : kLanes;
      for (int64_t d = 0; d < n; ++d) store(out + (i + d) * kKeys + r0, block[d]);
    });
  }
}

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
/// Rows lie far apart, where no hardware prefetcher looks: asked for while a block before them is
/// at work, they are in cache when they are packed.
template <class T>
SIMD_INLINE void prefetch(const Stored<T>& next) {
  constexpr int64_t kLine = 64 / sizeof(T);
  for (int64_t r = 0; r < next.rows; ++r)
    for (int64_t i = 0; i < next.width; i += kLine)
      __builtin_prefetch(next.data + r * next.stride + i);
}

/// A block that stands on the left of one product and on the right of another.
template <class E>
struct TwoSided {
  Left<E> left;
  Right<E> right;
};

struct Wide {
  using Element = float;
  static constexpr bool kRounds = false;
  /// Elements that hold n values of a product's depth.
  static int64_t depth(int64_t n) { return n; }

  template <class T>
  static TwoSided<float> two_sided(float* to, const Stored<T>& from) {
    const int64_t stride = padded(from.width);
    for (int64_t r = 0; r < from.rows; ++r)
      sweep(from.width, [&](int64_t i, auto part) {  // whole vectors: beyond the row is zero
        store(to + r * stride + i, load(from.data + r * from.stride + i, part));
      });
    return {{to, stride, 1}, {to, stride}};
  }
  template <class T>
  static Left<float> left(float* to, const Stored<T>& from) {
    return two_sided(to, from).left;
  }
  template <class T>
  static Right<float> right(float* to, const Stored<T>& from) {
    return two_sided(to, from).right;
  }
  template <class T>
  static Right<float> right_transposed(float* to, const Stored<T>& from) {
    transpose(to, from.rows, from.width, [&](int64_t r, int64_t i, auto part) {
      return load(from.data + r * from.stride + i, part);
    });
    return {to, kKeys};
  }

  /// (rows, kKeys) f32 as they are; `to` is not needed.
  static Left<float> scores(float*, const float* s, int64_t, int64_t) { return {s, kKeys, 1}; }
  static Left<float> transposed_scores(float*, const float* s, int64_t, int64_t) {
    return {s, 1, kKeys};
  }
};

#if defined(__AVX512BF16__)
struct Pairs {
  using Element = Pair;
  static constexpr bool kRounds = true;
  static int64_t depth(int64_t n) { return (n + 1) / 2; }

  static Left<Pair> left(Pair* to, const Stored<b16>& from) {
    const int64_t stride = padded(from.width) / 2;
    for (int64_t r = 0; r < from.rows; ++r)
      sweep(from.width, [&](int64_t i, auto part) {
        const B16 bits = load_bits(from.data + r * from.stride + i, part);
        __builtin_memcpy(to + r * stride + i / 2, &bits, sizeof bits);
      });
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
  static TwoSided<Pair> two_sided(Pair* to, const Stored<b16>& from) {
    return {left(to, from), right(to + kQueries * padded(from.width) / 2, from)};
  }
  static Right<Pair> right_transposed(Pair* to, const Stored<b16>& from) {
    transpose(reinterpret_cast<float*>(to), from.rows, depth(from.width),
              [&](int64_t r, int64_t i, auto) {
                const int64_t left = from.width - 2 * i;
                const b16* row = from.data + r * from.stride + 2 * i;
                return (F)_mm512_maskz_loadu_epi16(
                    left < 2 * kLanes ? (__mmask32)((1u << left) - 1) : ~__mmask32{0}, row);
              });
    return {to, kKeys};
  }

  /// What is denormal becomes 0, as in the products themselves.
  static B16 rounded(F x) { return (B16)_mm512_cvtneps_pbh((__m512)x); }
  /// (rows, kKeys) f32, columns whole vectors, rounded.
  static Left<Pair> scores(Pair* to, const float* s, int64_t rows, int64_t columns) {
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t j = 0; j < columns; j += kLanes) {
        const B16 bits = rounded(load(s + r * kKeys + j));
        __builtin_memcpy(to + (r * kKeys + j) / 2, &bits, sizeof bits);
      }
    return {to, kKeys / 2, 1};
  }
  static Left<Pair> transposed_scores(Pair* to, const float* s, int64_t rows, int64_t columns) {
    for (int64_t r = 0; r < rows; r += 2)
      for (int64_t j = 0; j < columns; j += kLanes) {
        const F first = load(s + r * kKeys + j);
        const F second = r + 1 < rows ? load(s + (r + 1) * kKeys + j) : F{};
        const U pairs = __builtin_convertvector(rounded(first), U) |
                        __builtin_convertvector(rounded(second), U) << 16;
        __builtin_memcpy(to + r / 2 * kKeys + j, &pairs, sizeof pairs);
      }
    return {to, 1, kKeys};
  }
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
