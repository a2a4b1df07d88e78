// How far a product backend may be from the double reference on the same inputs. Derived here once,
// for every operation; nothing is tuned. Read next: agreement.h.
//
// Unit roundoff u of a dtype with p significant bits is 2⁻ᵖ: f32 2⁻²⁴, bf16 2⁻⁸, f64 2⁻⁵³.
//
// 1. Storing a result y rounds it once: at most u_out · |y|. Where it is stored before its last
//    factor too, it is rounded twice (`roundings`).
// 2. A sum of R terms in f32 makes R rounding errors, each at most u₃₂ times the partial sum it
// hits.
//    Inputs are random, so the partial sums are a random walk; by the reflection principle they
//    stay within 2M when end points stay within M, M being the largest element of the tensor (or
//    the case's `magnitude`, where a tensor of few elements may be small by chance). The errors are
//    independent and of zero mean to first order (Higham & Mary 2019, SIAM J. Sci. Comput. 41:
//    A2815), so by Hoeffding their sum exceeds λ · √R · u₃₂ · 2M with probability at most
//    2 exp(−λ²/2): 3e-8 an element for λ = 6.
// 3. What follows may enlarge a relative error: exp(s) turns the error δ of s into a relative one
// of
//    |s| · δ. The case states that factor as `growth`.
// 4. A case that rounds to act on the way (`Inner::ActRounded`) has independent errors of u_act in
// its
//    terms, √R of typical size M / √R: λ · u_act · 2M by the same bound.
#pragma once
#include <algorithm>
#include <cmath>

#include "core/cases/op_case.h"

namespace causeway {

inline double unit_roundoff(DType t) {
  switch (t) {
    case DType::F32:
      return 0x1p-24;
    case DType::BF16:
      return 0x1p-8;
    case DType::F64:
    case DType::C128:
      return 0x1p-53;
    case DType::I32:
      break;
  }
  return 0;
}

/// Of an element whose exact value is `exact`, in a tensor whose largest is `largest`.
inline double tolerance(const TensorSpec& spec, const Precision& precision, double exact,
                        double largest) {
  constexpr double kLambda = 6;
  const Accuracy& a = spec.accuracy;
  const double M = std::max(largest, a.magnitude);
  const double inner = a.inner == Inner::ActRounded ? unit_roundoff(precision.act) : 0;
  const double on_the_way = a.growth * std::sqrt(a.terms) * unit_roundoff(DType::F32) + inner;
  return a.roundings * unit_roundoff(dtype_of_kind(spec.kind, precision)) * std::abs(exact) +
         kLambda * 2 * M * on_the_way;
}

}  // namespace causeway
