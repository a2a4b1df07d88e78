// The argument checks of every operation on the page core/backend.h, shared by all backends:
// shapes, dtypes and layout, never values. Read next: ops_check.cpp.
#pragma once
#include <span>

#include "core/backend.h"
#include "core/error.h"

namespace causeway {

/// dtype of statistics that belongs to an activation dtype: f32 for f32 and bf16, else itself.
DType stat_dtype(DType act);
/// dtype of parameter gradients that belongs to an activation dtype.
DType grad_dtype(DType act);
/// dtype of a step's scalars that belongs to a statistics dtype: c128 for c128, else f64.
DType scalar_dtype(DType stat);

// Each throws Error "op.<name>", whose text starts with "[<name>] expected", when the arguments
// contradict backend.h. Activations may be f32, bf16, f64 or c128: a backend that computes in fewer
// dtypes refuses the rest itself ("op.unsupported"). Memory is never touched, so the planning pass
// may call them with addresses of nothing. They cost well under a microsecond.
void check(const Matmul& op);
void check(const EmbeddingBackward& op);
void check(const NormForward& op);
void check(const NormBackward& op);
void check(const AttentionForward& op);
void check(const AttentionBackward& op);
void check(const CrossEntropy& op);
void check(const AdamW& op, std::span<const AdamWSlice> slices);

// The operations that take plain arguments, in the order of backend.h.
void check_copy(const Tensor& dst, const Tensor& src);
void check_embedding_forward(const Tensor& y, const Tensor& tokens, const Tensor& wte,
                             const Tensor& wpe, const Tensor& position);
void check_rope(const Tensor& x, const Tensor& table, const Tensor& position);
void check_activation_forward(Activation kind, const Tensor& y, const Tensor& x);
void check_activation_backward(Activation kind, const Tensor& d_x, const Tensor& d_y,
                               const Tensor& x);
void check_dropout(const Tensor& y, const Tensor& x, double p);
void check_sum(const Tensor& out, const Tensor& x);
void check_sum_of_squares(const Tensor& partials, const Tensor& x);
void check_clip_and_guard(const Tensor& scalars, const Tensor& partials, const Tensor& losses,
                          double max_norm);
void check_axpby(const Tensor& y, const Tensor& x);
void check_cast(const Tensor& y, const Tensor& x);

}  // namespace causeway
