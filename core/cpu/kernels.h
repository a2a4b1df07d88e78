// What is compiled once per instruction set: the inner loops of every operation, on plain pointers.
// Each function does one piece of an operation; who cuts the pieces, and why so, is in the *.cpp of
// core/cpu with the operation's name. Read next: kernels/norm.cpp for the style of them all.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace causeway::cpu {

/// Rows (n, h) of a tensor (N, C) or (N, H, C): row r = n·H + h starts at data + n·outer + h·inner
/// (strides in elements). Absent when data is null.
struct Rows {
  void* data = nullptr;
  int64_t outer = 0, inner = 0;
};

struct NormForwardArgs {
  bool centered = false;  ///< LayerNorm
  float eps = 0;
  int64_t heads = 1, width = 0;
  Rows y, sum, x, branch;
  float* mean = nullptr;
  float* rstd = nullptr;
  const void* weight = nullptr;
  const void* bias = nullptr;
};

struct NormBackwardArgs {
  int64_t heads = 1, width = 0;
  Rows d_x, d_y, x, d_residual;
  const float* mean = nullptr;  ///< null: RmsNorm
  const float* rstd = nullptr;
  const void* weight = nullptr;
};

struct RopeArgs {
  void* x = nullptr;
  int64_t batch_stride = 0, time_stride = 0, times = 0, heads = 0, width = 0;
  const float* table = nullptr;
  const int32_t* position = nullptr;  ///< null: the time step
  float sine_sign = 1;                ///< −1 rotates back
};

/// (B, T, heads, D) with dense heads: strides of b and t, in elements.
struct Heads {
  void* data = nullptr;
  int64_t b = 0, t = 0;
};

struct AttentionArgs {
  int64_t tq = 0, tk = 0, heads = 0, kv_heads = 0, width = 0;
  float scale = 1, softcap = 0;
  int64_t window = 0;
  const float* slopes = nullptr;
  const int32_t* segment_start = nullptr;
  Heads q, k, v, o, d_q, d_k, d_v, d_o;
  float* lse = nullptr;
};

/// One piece of attention: a (batch, head) and ranges of queries and keys. Forward uses the queries
/// only. Backward writes d_q of its queries, or d_k and d_v of its keys (of a key/value head), or
/// both.
struct AttentionPiece {
  int64_t batch = 0, head = 0;
  int64_t query_begin = 0, query_end = 0, key_begin = 0, key_end = 0;
};

struct AttentionKernels {
  /// Scratch floats that a piece of `queries` queries, or one of the backward, needs.
  size_t (*forward_scratch)(const AttentionArgs&, int64_t queries) = nullptr;
  size_t (*backward_scratch)(const AttentionArgs&) = nullptr;
  /// `next` is what the thread will probably do afterwards: worth asking memory for.
  void (*forward)(const AttentionArgs&, const AttentionPiece&, const AttentionPiece& next,
                  float* scratch) = nullptr;
  void (*backward)(const AttentionArgs&, const AttentionPiece&, const AttentionPiece& next,
                   float* scratch) = nullptr;
};

struct CrossEntropyArgs {
  bool gradient = false;
  float* loss = nullptr;
  void* logits = nullptr;
  const int32_t* targets = nullptr;
  int64_t stride = 0, vocab = 0;
  float softcap = 0, scale = 1;
};

/// Philox4x32-10 of core/philox.h: its counter's fixed words and key.
struct PhiloxArgs {
  uint32_t c1 = 0, c2 = 0, c3 = 0, k0 = 0, k1 = 0;
};

struct AdamWArgs {
  float beta1 = 0, beta2 = 0, eps = 0;
  float gain1 = 1, gain2 = 1;  ///< 1 − β, rounded from double: 1 − float(β) has lost digits
  float step_size = 0;         ///< lr / (1 − β1^t)
  float second_scale = 1;      ///< 1 / (1 − β2^t)
  float decay = 0;             ///< lr · weight_decay
  float clip_scale = 1;
  PhiloxArgs random;  ///< of adamw_stochastic
};

struct DropoutArgs {
  PhiloxArgs random;
  uint32_t threshold = 0;  ///< smaller words drop the element
  float keep_scale = 1;
};

/// The part of a matmul that runs on a tile while it is in cache. Strides in elements.
struct EpilogueArgs {
  int64_t rows = 0, cols = 0;
  const float* product = nullptr;  ///< (rows, cols) f32; may be y
  int64_t product_stride = 0;
  void* y = nullptr;
  int64_t y_stride = 0;
  void* pre = nullptr;  ///< Gelu: written; GeluBackward: read; else null
  int64_t pre_stride = 0;
  const void* bias = nullptr;  ///< (cols) or null
};
enum class EpilogueKind : uint8_t { Plain, Accumulate, Gelu, GeluBackward, kCount };

/// product (rows, cols) (+)= a (rows, depth) · b (depth, cols), bf16 → f32, for at most 32 rows; b
/// is packed. A transposed a is stored (depth, rows). Strides in elements. The product's memory is
/// whole blocks of 32 × 32.
struct TileRowsArgs {
  const void* a = nullptr;
  int64_t a_stride = 0;
  bool a_transposed = false;
  const void* packed_right = nullptr;
  void* packed_left = nullptr;  ///< room for 32 packed rows of a
  int64_t rows = 0, cols = 0, depth = 0;
  float* product = nullptr;
  int64_t product_stride = 0;
  bool accumulate = false;
};

/// Functions for f32 and bf16 activations, in this order.
template <class Function>
using PerDType = Function* [2];

struct Kernels {
  int lanes = 0;

  PerDType<void(const NormForwardArgs&, int64_t row_begin, int64_t row_end)> norm_forward;
  /// d_weight, d_bias (width): overwritten with the sums over these rows; d_bias may be null.
  PerDType<void(const NormBackwardArgs&, int64_t row_begin, int64_t row_end, float* d_weight,
                float* d_bias)>
      norm_backward;
  /// out[c] (+)= Σ parts[i · stride + c] in order of i, for `width` columns.
  void (*add_parts)(float* out, const float* parts, int64_t count, int64_t stride, int64_t width,
                    bool accumulate);

  PerDType<void(const RopeArgs&, int64_t token_begin, int64_t token_end)> rope;
  /// y[n] = wte[tokens[n]] + wpe[position[n]] for rows [begin, end).
  PerDType<void(void* y, const int32_t* tokens, const void* wte, const void* wpe,
                const int32_t* position, int64_t times, int64_t width, int64_t begin, int64_t end)>
      embed;
  /// table[index[n]] += d_y[n] in order of n, columns [begin, end) only. Without index: n mod
  /// times.
  PerDType<void(float* table, const int32_t* index, const void* d_y, int64_t rows, int64_t times,
                int64_t width, int64_t begin, int64_t end)>
      scatter_add;

  AttentionKernels attention[2];  ///< by dtype
  /// bf16 on a matrix unit, without options, for shapes that suit it; null where there is none.
  AttentionKernels attention_tiles;

  PerDType<void(void*y, const void*x, int64_t n)> gelu, relu2;
  PerDType<void(void*d_x, const void*d_y, const void*x, int64_t n)> gelu_backward, relu2_backward;
  /// Rows of y (width), x (2·width).
  PerDType<void(void* y, const void* x, int64_t rows, int64_t width)> swiglu;
  PerDType<void(void* d_x, const void* d_y, const void* x, int64_t rows, int64_t width)>
      swiglu_backward;
  /// Elements [first, first + n); first is a multiple of 64.
  PerDType<void(void* y, const void* x, const DropoutArgs&, int64_t first, int64_t n)> dropout;
  PerDType<void(const CrossEntropyArgs&, int64_t row_begin, int64_t row_end, float* scratch)>
      cross_entropy;  ///< with a gradient, bf16 takes scratch of `vocab` floats

  double (*sum)(const float* x, int64_t n);
  double (*sum_of_squares)(const float* x, int64_t n);
  /// value is bf16 with a master, f32 without.
  void (*adamw)(const AdamWArgs&, void* value, float* master, float* m, float* v, const float* grad,
                int64_t n);
  /// bf16 values without a master. `first`: the first element's place in the random stream, a
  /// multiple of 4.
  void (*adamw_stochastic)(const AdamWArgs&, uint16_t* value, float* m, float* v, const float* grad,
                           int64_t first, int64_t n);
  PerDType<void(void* y, float alpha, const void* x, float beta, int64_t n)> axpby;
  void (*widen)(float* y, const uint16_t* x, int64_t n);
  void (*narrow)(uint16_t* y, const float* x, int64_t n);

  // Products in a tile unit; null where the instruction set has none. A packed operand begins on a
  // line of the cache and is whole blocks of 32 × 32 bf16.
  void (*tile_rows)(const TileRowsArgs&);
  /// b (depth, cols); a transposed one is stored (cols, depth).
  void (*pack_right)(void* to, const void* b, int64_t stride, bool transposed, int64_t depth,
                     int64_t cols);

  /// By dtype of y (of bias and pre, too, except that a plain f32 y may take a bf16 bias).
  PerDType<void(const EpilogueArgs&)> epilogue[static_cast<int>(EpilogueKind::kCount)];
  /// out[c] (+)= Σ over rows of x (rows, cols), stored with `stride`.
  PerDType<void(float* out, const void* x, int64_t stride, int64_t rows, int64_t cols,
                bool accumulate)>
      column_sums;
  /// out[r] (+)= Σ over columns.
  PerDType<void(float* out, const void* x, int64_t stride, int64_t rows, int64_t cols,
                bool accumulate)>
      row_sums;
};

namespace amx {
void fill(Kernels& k);  ///< over those of avx512bf16
}
namespace avx512bf16 {
void fill(Kernels& k);
}
namespace avx512 {
void fill(Kernels& k);
}
namespace avx2 {
void fill(Kernels& k);
}
namespace baseline {
void fill(Kernels& k);
}

}  // namespace causeway::cpu
