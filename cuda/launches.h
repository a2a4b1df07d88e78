// The page of launches: one function per operation of core/backend.h, which it starts on a stream.
// Each is defined in the .cu file of its family; attention's are in attention.h. Arguments have
// passed core/ops_check.h and are f32 or bf16. All are asynchronous; a launch that failed is kept
// by the CUDA runtime until check_launch(). `scratch` is memory in use until the stream is done.
// Read next: backend.cpp (the caller), norm.cu (a family).
#pragma once
#include <cuda_runtime_api.h>

#include <span>

#include "core/backend.h"

namespace causeway::cuda {

void copy_strided(const Tensor& dst, const Tensor& src, cudaStream_t stream);

struct EmbeddingForward {
  Tensor y, tokens, wte, wpe, position;
};
void embedding_forward(const EmbeddingForward& op, cudaStream_t stream);

size_t embedding_scratch_bytes(const EmbeddingBackward& op);
void embedding_backward(const EmbeddingBackward& op, void* scratch, cudaStream_t stream);

void norm_forward(const NormForward& op, cudaStream_t stream);
size_t norm_scratch_bytes(const NormBackward& op);
void norm_backward(const NormBackward& op, void* scratch, cudaStream_t stream);

void rope(const Tensor& x, const Tensor& table, const Tensor& position, RopeDirection direction,
          cudaStream_t stream);

void activation_forward(Activation kind, const Tensor& y, const Tensor& x, cudaStream_t stream);
void activation_backward(Activation kind, const Tensor& d_x, const Tensor& d_y, const Tensor& x,
                         cudaStream_t stream);

void dropout(const Tensor& y, const Tensor& x, double p, const RandomStream& stream_of_numbers,
             cudaStream_t stream);

void cross_entropy(const CrossEntropy& op, cudaStream_t stream);

/// out (M) f32 = row sums of op(a) (M, K), a as in Matmul: its d_bias.
struct BiasGradient {
  Tensor d_bias, a;
  Transpose a_transpose = Transpose::No;
  GradMode mode = GradMode::Overwrite;
};
inline BiasGradient bias_gradient_of(const Matmul& op) {
  return {.d_bias = op.d_bias, .a = op.a, .a_transpose = op.a_transpose, .mode = op.mode};
}
size_t bias_gradient_scratch_bytes(const BiasGradient& op);
void bias_gradient(const BiasGradient& op, void* scratch, cudaStream_t stream);

void sum(const Tensor& out, const Tensor& x, cudaStream_t stream);
void sum_of_squares(const Tensor& partials, const Tensor& x, cudaStream_t stream);
void clip_and_guard(const Tensor& scalars, const Tensor& partials, const Tensor& losses,
                    double max_norm, cudaStream_t stream);
void adamw(const AdamW& op, std::span<const AdamWSlice> slices, cudaStream_t stream);
void axpby(const Tensor& y, double alpha, const Tensor& x, double beta, cudaStream_t stream);
void cast(const Tensor& y, const Tensor& x, cudaStream_t stream);

}  // namespace causeway::cuda
