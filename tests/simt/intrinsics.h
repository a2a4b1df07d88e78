// Intrinsics of one thread: atomics, cached loads and stores, bits, fast maths.
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "tests/simt/engine.h"

using std::max;
using std::min;

namespace causeway::simt {

/// Threads and blocks never run at the same time, so plain code is atomic.
template <class T, class F>
T atomic(T* p, F next) {
  check(p, sizeof(T), Access::Atomic, __builtin_return_address(0));
  T old, value;
  copy_unchecked(&old, p, sizeof(T));
  value = next(old);
  copy_unchecked(p, &value, sizeof(T));
  return old;
}

}  // namespace causeway::simt

template <class T>
T atomicAdd(T* p, std::common_type_t<T> v) {
  return causeway::simt::atomic(p, [v](T old) { return T(old + v); });
}
template <class T>
T atomicMax(T* p, std::common_type_t<T> v) {
  return causeway::simt::atomic(p, [v](T old) { return old < v ? v : old; });
}
template <class T>
T atomicMin(T* p, std::common_type_t<T> v) {
  return causeway::simt::atomic(p, [v](T old) { return v < old ? v : old; });
}
template <class T>
T atomicOr(T* p, std::common_type_t<T> v) {
  return causeway::simt::atomic(p, [v](T old) { return T(old | v); });
}
template <class T>
T atomicExch(T* p, std::common_type_t<T> v) {
  return causeway::simt::atomic(p, [v](T) { return v; });
}
template <class T>
T atomicCAS(T* p, std::common_type_t<T> expected, std::common_type_t<T> v) {
  return causeway::simt::atomic(p, [=](T old) { return old == expected ? v : old; });
}
// One block runs after the other: nothing to order.
inline void __threadfence_block() {}
inline void __threadfence() {}

template <class T>
T __ldg(const T* p) {
  return *p;
}
template <class T>
T __ldcs(const T* p) {
  return *p;
}
template <class T>
T __ldcg(const T* p) {
  return *p;
}
template <class T>
void __stcs(T* p, const std::common_type_t<T>& v) {
  *p = v;
}
template <class T>
void __stcg(T* p, const std::common_type_t<T>& v) {
  *p = v;
}

inline float __uint_as_float(unsigned u) { return std::bit_cast<float>(u); }
inline unsigned __float_as_uint(float f) { return std::bit_cast<unsigned>(f); }
inline float __int_as_float(int i) { return std::bit_cast<float>(i); }
inline int __float_as_int(float f) { return std::bit_cast<int>(f); }
inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>((uint64_t{a} * b) >> 32);
}
inline int __popc(unsigned x) { return std::popcount(x); }
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
inline int __ffs(int x) { return __builtin_ffs(x); }

// The hardware's approximations are exact here: tolerances must leave room for both.
inline float __expf(float x) { return std::exp(x); }
inline float __logf(float x) { return std::log(x); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
inline double rsqrt(double x) { return 1.0 / std::sqrt(x); }
