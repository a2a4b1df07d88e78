// The vector functions of core/cpu/simd_math.h and simd_pairs.h, compiled for one instruction set.
// Read next: vector_math.cpp, ../cpu_math_test.cpp.
#pragma once
#include <cstdint>

namespace causeway::cpu {

struct VectorMath {
  using Function = void (*)(float* y, const float* x, int64_t n);
  Function exp, exp2, exp2_for_bf16, log, tanh;
  /// bf16, in pairs: y = factor · x, and the sum of y.
  float (*scale_pairs)(uint16_t* y, const uint16_t* x, float factor, int64_t n);
};

namespace baseline {
VectorMath vector_math();
}
#if defined(__x86_64__)
namespace avx2 {
VectorMath vector_math();
}
namespace avx512 {
VectorMath vector_math();
}
namespace avx512bf16 {
VectorMath vector_math();
}
#endif

}  // namespace causeway::cpu
