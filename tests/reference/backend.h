// The reference backend: what every operation of core/backend.h means, in plain loops.
// Read next: reference_backend.h (the class), core/backend.h (the contract).
#pragma once
#include <memory>

#include "core/backend.h"

namespace causeway {

/// F64: the definition every product backend is compared with. C128: the same code over complex
/// numbers; an input perturbed by i·1e-30 carries its exact derivative in the imaginary part.
/// Every act, stat, grad and scalar tensor it is given has this dtype; tokens, targets and
/// positions stay i32. Throws Error "op.unsupported" for any other dtype.
std::unique_ptr<Backend> make_reference_backend(DType dtype);

}  // namespace causeway
