// The cases, by family: a builder for each, whose options are the operation's, and the list that
// the tests run. Shapes include 1, a prime, one past a vector width, and every branch of an
// operation. Read next: matmul.cpp, norm.cpp, ... (one file per family), op_case.h.
#pragma once
#include "core/cases/op_case.h"

namespace causeway {

enum class With : uint8_t { No, Yes };

/// One matmul call. y (M, N) = op(a) · op(b); the strided form pads the rows of all three.
struct MatmulCase {
  int64_t M = 1, N = 1, K = 1;
  Transpose a_transpose = Transpose::No, b_transpose = Transpose::No;
  GradMode mode = GradMode::Overwrite;
  ElementKind y_kind = ElementKind::Act;  ///< Grad: a weight gradient
  Epilogue epilogue = Epilogue::None;
  With bias = With::No, d_bias = With::No, strided = With::No;
};
OpCase matmul_case(const MatmulCase& o);

/// y = x · wᵀ + bias as the layers run it, with its backward in three products. Gelu: y is gelu of
/// that. GeluBackward: x is pre-activation, gelu(x) is what w multiplies.
struct LinearCase {
  int64_t N = 1, I = 1, O = 1;
  GradMode mode = GradMode::Overwrite;
  Epilogue epilogue = Epilogue::None;
  With bias = With::No;
};
OpCase linear_case(const LinearCase& o);

enum class NormAlias : uint8_t { None, YOfX, SumOfX, DxOfDy, DxOfResidual };

/// H 0: rows (N, C); else heads (N, H, C) inside a wider row.
struct NormCase {
  NormKind kind = NormKind::LayerNorm;
  int64_t N = 1, H = 0, C = 1;
  GradMode mode = GradMode::Overwrite;
  With bias = With::No, branch = With::No, strided = With::No;
  NormAlias alias = NormAlias::None;
  double eps = 1e-5;
};
OpCase norm_case(const NormCase& o);

struct AttentionCase {
  int64_t B = 1, Tq = 1, Tk = 1, H = 1, K = 1, D = 1;
  double sharpness = 1;  ///< scale = sharpness / √D: how far scores spread
  int64_t window = 0;
  double softcap = 0;
  int64_t segment = 0;  ///< documents of this length; 0: no segment_start
  With alibi = With::No, strided = With::No;
};
OpCase attention_case(const AttentionCase& o);

struct EmbeddingCase {
  int64_t B = 1, T = 1, C = 1, V = 1;
  GradMode mode = GradMode::Overwrite;
  With wpe = With::No, position = With::No;
  With d_wte = With::Yes;  ///< No: the tokens' table is frozen
};
OpCase embedding_case(const EmbeddingCase& o);

struct RopeCase {
  int64_t B = 1, T = 1, H = 1, D = 2;
  With position = With::No, strided = With::No;
};
OpCase rope_case(const RopeCase& o);

/// spread: standard deviation of x; large values try where exp overflows.
struct ActivationCase {
  Activation kind = Activation::Gelu;
  int64_t N = 1, F = 1;
  double spread = 1;
  With in_place = With::No;  ///< d_x in the memory of d_y
};
OpCase activation_case(const ActivationCase& o);

struct DropoutCase {
  int64_t N = 1, C = 1;
  double p = 0.25;
  With in_place = With::No;
};
OpCase dropout_case(const DropoutCase& o);

/// every: each such row is ignored (target −1); 0: none.
struct CrossEntropyCase {
  int64_t N = 1, V = 1, Vp = 1;
  double softcap = 0, scale = 1;
  int64_t ignore_every = 0;
  double mean = 0;  ///< of the logits
  double rise = 0;  ///< logits of the row's second half are higher by this
};
OpCase cross_entropy_case(const CrossEntropyCase& o);

/// Strided slices of rank 2 to 4, padded around dimension `dim`.
OpCase copy_case(const std::vector<int64_t>& shape, int dim);
OpCase zero_case(int64_t n);

OpCase sum_case(int64_t n);
OpCase sum_of_squares_case(int64_t n);
OpCase clip_and_guard_case(int64_t partials, int64_t losses, double max_norm);
OpCase axpby_case(int64_t n, ElementKind kind, double alpha, double beta);
OpCase cast_case(int64_t n, ElementKind to, ElementKind from);

struct AdamWCase {
  int64_t n = 1;
  int64_t step = 1;
  double weight_decay = 0.1, finite = 1;
};
OpCase adamw_case(const AdamWCase& o);
/// AdamW on bf16 without a master, on numbers that make every update exact in f32, so that all
/// backends must round the same number: their results differ by no bit.
OpCase adamw_stochastic_case(int64_t n, int64_t offset);
/// Its step, but for the scalars: β₁ = β₂ = ε = 0, so where gradients are powers of two the update
/// is ±lr exactly.
inline constexpr AdamW kStochasticStep{
    .lr = 0.0123f, .beta1 = 0, .beta2 = 0, .eps = 0, .step = 3, .scalars = {}, .seed = 6};

// What the tests run, family by family.
std::vector<OpCase> matmul_cases();
std::vector<OpCase> norm_cases();
std::vector<OpCase> attention_cases();
std::vector<OpCase> embedding_cases();
std::vector<OpCase> rope_cases();
std::vector<OpCase> activation_cases();
std::vector<OpCase> dropout_cases();
std::vector<OpCase> cross_entropy_cases();
std::vector<OpCase> memory_cases();
std::vector<OpCase> step_cases();

}  // namespace causeway
