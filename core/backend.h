// The page of operations: everything a device must be able to do to train a GPT.
// Read next: layers.h (who calls them), cpu/backend.h (fast), tests/reference/ (exact).
//
// Conventions. Outputs come first. Tensors are contiguous unless a line says otherwise. "act" is
// the activation dtype (f32 or bf16), "stat" the dtype of statistics (f32), "grad" that of
// parameter gradients (f32); the reference backend uses f64 or c128 for all of them. Gradients of
// parameters are overwritten or accumulated as a GradMode says; gradients of activations are always
// overwritten. Operations are asynchronous on devices that have streams; only download() and
// synchronize() wait. Every operation checks its arguments (ops_check.h) and throws Error
// "op.<name>" when shapes or dtypes disagree, "op.unsupported" when the device lacks it; nothing
// falls back in silence. All reductions have a fixed order: the same input gives the same bits for
// any number of threads.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "core/philox.h"
#include "core/tensor.h"

namespace causeway {

enum class GradMode : uint8_t { Overwrite, Accumulate };
enum class Transpose : uint8_t { No, Yes };

/// What a matmul does to its product before storing it.
///   Gelu: pre = product + bias (rounded to act), y = gelu(pre).
///   GeluBackward: y = product · gelu'(pre), pre read. A device that cannot fuse rounds the product
///   to act before.
enum class Epilogue : uint8_t { None, Gelu, GeluBackward };

struct Matmul {
  Tensor y;  ///< (M, N) act, or grad dtype for a weight gradient; rows may be strided
  Tensor a;  ///< (M, K), K ≥ 1, stored (K, M) with a_transpose; act; rows may be strided
  Tensor b;  ///< (K, N), stored (N, K) with b_transpose; act; rows may be strided
  Transpose a_transpose = Transpose::No;
  Transpose b_transpose = Transpose::No;
  GradMode mode = GradMode::Overwrite;  ///< Accumulate: y += product (no epilogue, no bias)
  Tensor bias;                          ///< (N) act, optional: added to every row of an act y
  Epilogue epilogue = Epilogue::None;
  Tensor pre;     ///< (M, N) act: see Epilogue
  Tensor d_bias;  ///< (M) grad dtype, optional: row sums of op(a) (bias gradient), under `mode`
};

/// Each row of a table sums the gradients of its tokens in order of n; Overwrite zeroes rows that
/// no token names.
struct EmbeddingBackward {
  Tensor d_wte;  ///< (V, C) grad, optional
  GradMode wte_mode = GradMode::Overwrite;
  Tensor d_wpe;  ///< (≥T, C) grad, optional
  GradMode wpe_mode = GradMode::Overwrite;
  Tensor d_y;       ///< (B·T, C) act
  Tensor tokens;    ///< (B, T) i32 in [0, V)
  Tensor position;  ///< (B, T) i32, optional: t when absent
};

enum class NormKind : uint8_t { LayerNorm, RmsNorm };

/// y = (s − mean) · rstd · weight + bias with s = x + branch, rstd = 1/√(var + eps), per row of C.
/// RmsNorm: no mean, no bias, rstd = 1/√(mean(s²) + eps).
/// Ba et al. 2016, arXiv:1607.06450; Zhang & Sennrich 2019, arXiv:1910.07467.
struct NormForward {
  NormKind kind = NormKind::LayerNorm;
  double eps = 1e-5;
  Tensor y;     ///< (N, C) or (N, H, C) act, written; only the last dimension must be dense
  Tensor mean;  ///< (N) or (N, H) stat, written; absent for RmsNorm
  Tensor rstd;  ///< (N) or (N, H) stat, written
  Tensor sum;   ///< like x, written when branch is given: x + branch rounded to act, which is what
                ///< the norm then reads (so recomputing from sum gives the same bits); may alias x
  Tensor x;     ///< (N, C) or (N, H, C) act; only the last dimension must be dense; may alias y
  Tensor branch;  ///< like x, optional: the residual branch to add first
  Tensor weight;  ///< (C) act
  Tensor bias;    ///< (C) act, optional
};

struct NormBackward {
  NormKind kind = NormKind::LayerNorm;
  GradMode mode = GradMode::Overwrite;  ///< of d_weight and d_bias
  Tensor d_x;         ///< shape of x, act, written: gradient of the norm + d_residual; like every
                      ///< tensor of x's shape, only the last dimension must be dense
  Tensor d_weight;    ///< (C) grad
  Tensor d_bias;      ///< (C) grad, present exactly when the norm has a bias
  Tensor d_y;         ///< shape of x, act; only the last dimension must be dense; may alias d_x
  Tensor x;           ///< the normalised input (x + branch of the forward)
  Tensor mean, rstd;  ///< as the forward wrote them
  Tensor weight;      ///< (C) act
  Tensor d_residual;  ///< shape of x, optional: added to d_x; may alias d_x
};

/// Causal attention. Query i of Tq sees keys j ≤ i + Tk − Tq (so a decoder's cache may be longer
/// than its queries), restricted by `window` and `segment_start`.
///   score = q·k · scale; softcap: c·tanh(score / c); ALiBi: score − slope_h · (distance i − j)
/// Head h reads key/value head h / (H / K). Heads and D must be dense; B and T may be strided.
struct AttentionOptions {
  double scale = 1;      ///< 1/√D as a rule
  int64_t window = 0;    ///< distance i − j < window; 0: unlimited
  double softcap = 0;    ///< 0: none
  Tensor alibi_slopes;   ///< (H) stat, optional. Press et al. 2021, arXiv:2108.12409
  Tensor segment_start;  ///< (B, Tq) i32, optional: first key index the query may see
};

struct AttentionForward {
  AttentionOptions options;
  Tensor o;     ///< (B, Tq, H, D) act, written
  Tensor lse;   ///< (B, H, Tq) stat, written: log Σ exp(score), what the backward needs
  Tensor q;     ///< (B, Tq, H, D) act
  Tensor k, v;  ///< (B, Tk, K, D) act
};

struct AttentionBackward {
  AttentionOptions options;
  Tensor d_q, d_k, d_v;    ///< shapes of q, k, v, act, written
  Tensor d_o;              ///< (B, T, H, D) act
  Tensor q, k, v, o, lse;  ///< as in the forward, with Tq = Tk
};

/// Gelu: tanh form, x (N, F). Relu2: max(x, 0)², x (N, F). SwiGlu: silu(x[:, :F]) · x[:, F:], x (N,
/// 2F).
enum class Activation : uint8_t { Gelu, SwiGlu, Relu2 };

enum class RopeDirection : uint8_t { Forward, Backward };

enum class LossMode : uint8_t { LossOnly, LossAndGradient };

/// loss = −log softmax(cap(logits))[target] per row, cap(z) = softcap · tanh(z / softcap).
struct CrossEntropy {
  LossMode mode = LossMode::LossAndGradient;
  Tensor loss;     ///< (N) stat, written; 0 where target is −1
  Tensor logits;   ///< (N, Vp) act; LossAndGradient: overwritten by scale · d loss / d logits
  Tensor targets;  ///< (N) i32 in [0, vocab_size), or −1: ignored, gradient 0
  int64_t vocab_size = 0;  ///< columns ≥ vocab_size are padding: never read, their gradient is 0
  double softcap = 0;      ///< 0: none
  double scale = 1;        ///< of the gradient, 1 / number of targets as a rule
};

/// Elements per partial sum of sum_of_squares: fixed, so the global norm never depends on the
/// ranks, and small, so that ranks own nearly equal pieces of a bucket (buckets.h).
inline constexpr int64_t kNormChunk = 1 << 14;

/// Scalars of one step, in a (kStepScalars) f64 tensor (c128 on the complex reference). The
/// optimizer reads ClipScale and Finite on the device; the host reads all of them once, after the
/// step.
enum StepScalar : int { kLoss, kGradNorm, kClipScale, kFinite, kStepScalars };

/// One parameter range of AdamW; all tensors are flat with the same number of elements.
struct AdamWSlice {
  Tensor value;             ///< act dtype, written
  Tensor master;            ///< f32, updated; absent when value is f32, or bf16 without a master
  Tensor m, v;              ///< f32, updated: first and second moment
  Tensor grad;              ///< grad dtype, read
  double weight_decay = 0;  ///< decoupled
  int64_t offset = 0;       ///< of its first element in the flat parameters: a multiple of 4

  /// A bf16 value without a master: stochastic_bf16 of the update (core/rounding.h).
  bool rounds_stochastically() const { return value.dtype == DType::BF16 && !master; }
};

/// Loshchilov & Hutter 2019, arXiv:1711.05101. g = grad · clip_scale; m, v moments with bias
/// correction for step (1-based); p ← p − lr · (m̂ / (√v̂ + eps) + weight_decay · p). Nothing is
/// written when scalars[kFinite] is 0.
struct AdamW {
  double lr = 0, beta1 = 0.9, beta2 = 0.95, eps = 1e-8;
  int64_t step = 1;
  Tensor scalars;     ///< (kStepScalars) f64
  uint64_t seed = 0;  ///< of stochastic rounding

  /// Element `offset + i` is that of a slice's element i: so slices may be cut anywhere.
  RandomStream rounding() const {
    return {seed, RandomPurpose::Rounding, 0, static_cast<uint64_t>(step)};
  }
};

/// What operations need beforehand: the planning pass tells of every one that is to come. A device
/// that is not here can answer too (cuda/backend.h, make_cuda_preparation).
class Preparation {
 public:
  virtual ~Preparation() = default;
  /// Makes ready what `op` will need (plans, code, scratch memory) for these shapes, touching no
  /// data. Afterwards scratch_bytes() covers it. An operation that is not listed needs nothing
  /// beforehand on any device.
  virtual void prepare(const Matmul& op) = 0;
  virtual void prepare(const EmbeddingBackward&) {}
  virtual void prepare(const NormBackward&) {}
  virtual void prepare(const AttentionForward&) {}
  virtual void prepare(const AttentionBackward&) {}
  virtual void prepare(const CrossEntropy&) {}
  /// Scratch memory that a backend and its libraries hold, in bytes, for all that was prepared.
  virtual size_t scratch_bytes() const = 0;
};

class Backend : public Preparation {
 public:
  virtual std::string_view name() const = 0;  ///< "cpu", "cuda", "plan", "reference-f64"

  // ---- memory
  // -------------------------------------------------------------------------------------
  /// 64-byte aligned (or better), zeroed. Throws Error "memory.*". Prefer Buffer (buffer.h).
  virtual void* allocate(size_t bytes) = 0;
  virtual void deallocate(void* data, size_t bytes) noexcept = 0;
  virtual void upload(const Tensor& dst, const void* host) = 0;  ///< dst.bytes() bytes, dst dense
  virtual void download(void* host, const Tensor& src) = 0;      ///< waits; src dense
  virtual void copy(const Tensor& dst, const Tensor& src) = 0;   ///< same dtype and shape; the last
                                                                 ///< dimension must be dense
  virtual void zero(const Tensor& x) = 0;
  virtual void synchronize() = 0;
  /// What `work` does with this backend, given to the device as one piece where it can take one
  /// (CUDA: a graph). The same results. `work` must not allocate, upload, download or wait, and
  /// must have been done before, without, for these shapes: what operations need is there then.
  /// Pieces of one `name` should be the same operations; all arguments may differ.
  virtual void run_graph(std::string_view /*name*/, const std::function<void()>& work) { work(); }

  // ---- the layers' operations
  // ---------------------------------------------------------------------
  virtual void matmul(const Matmul& op) = 0;

  /// y[n] = wte[tokens[n]] + wpe[position[n]].  y (N, C) act · tokens (B, T) i32 in [0, V) ·
  /// wte (V, C) act · wpe (≥T, C) act, optional · position (B, T) i32, optional: t when absent.
  virtual void embedding_forward(const Tensor& y, const Tensor& tokens, const Tensor& wte,
                                 const Tensor& wpe, const Tensor& position) = 0;
  virtual void embedding_backward(const EmbeddingBackward& op) = 0;

  virtual void norm_forward(const NormForward& op) = 0;
  virtual void norm_backward(const NormBackward& op) = 0;

  /// Rotates pairs (x[d], x[d + D/2]) by the position's angle, in place (half-split order, as in
  /// transformers); Backward rotates back.  x (B, T, H, D) act, heads and D dense · table (≥T, D)
  /// stat: cos in [0, D/2), sin in [D/2, D) · position (B, T) i32, optional. Su et al. 2021,
  /// arXiv:2104.09864.
  virtual void rope(const Tensor& x, const Tensor& table, const Tensor& position,
                    RopeDirection direction) = 0;

  virtual void attention_forward(const AttentionForward& op) = 0;
  virtual void attention_backward(const AttentionBackward& op) = 0;

  /// y (N, F) act, x (N, F) or (N, 2F) act.
  virtual void activation_forward(Activation kind, const Tensor& y, const Tensor& x) = 0;
  /// d_x (shape of x) act, written; may alias d_y for Gelu and Relu2 · d_y (N, F) · x as given to
  /// the forward.
  virtual void activation_backward(Activation kind, const Tensor& d_x, const Tensor& d_y,
                                   const Tensor& x) = 0;

  /// y[e] = x[e] / (1 − p) where random_bits(stream, e) ≥ p·2³², else 0. y may alias x. Its own
  /// backward (same stream).
  virtual void dropout(const Tensor& y, const Tensor& x, double p, const RandomStream& stream) = 0;

  virtual void cross_entropy(const CrossEntropy& op) = 0;

  // ---- the step's operations
  // ----------------------------------------------------------------------
  /// out[0] = Σ x.  out (1) f64 · x (N) stat.
  virtual void sum(const Tensor& out, const Tensor& x) = 0;
  /// partials[c] = Σ x[c·kNormChunk …)².  partials (⌈n / kNormChunk⌉) f64 · x (n) grad.
  virtual void sum_of_squares(const Tensor& partials, const Tensor& x) = 0;
  /// scalars[kLoss] = Σ losses, [kGradNorm] = √Σ partials, [kClipScale] = min(1, max_norm / norm)
  /// or 1 when max_norm is 0, [kFinite] = loss and norm are finite; all sums in index order.
  /// scalars (kStepScalars) f64 · partials (P) f64 · losses (M) f64.
  virtual void clip_and_guard(const Tensor& scalars, const Tensor& partials, const Tensor& losses,
                              double max_norm) = 0;
  virtual void adamw(const AdamW& op, std::span<const AdamWSlice> slices) = 0;
  /// y = alpha · x + beta · y, same dtype (f32, act); beta = 0 never reads y.
  virtual void axpby(const Tensor& y, double alpha, const Tensor& x, double beta) = 0;
  /// y = x converted; any of f32, bf16, f64.
  virtual void cast(const Tensor& y, const Tensor& x) = 0;
};

}  // namespace causeway
