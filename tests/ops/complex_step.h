// Every backward of the reference against the derivative of its forward, exactly. Read next:
// tests/reference/reference_backend.h, which says why a complex step is exact.
#pragma once
#include <vector>

#include "core/cases/op_case.h"

namespace causeway {

/// For every case with a backward and every one of its inputs: ‖Δ‖∞ / ‖g‖∞ ≤ 1e-12 over all
/// elements, where g = ∂ Σ ⟨d_y, y⟩ / ∂ x from a step of i·1e-30. Cases with more than kMaxElements
/// input elements are left to the agreement test: the step costs one forward per element, and every
/// branch has a small case too. At least `expected` cases must be that small.
inline constexpr int64_t kMaxElements = 1400;
void require_exact_gradients(const std::vector<OpCase>& cases, int expected);

}  // namespace causeway
