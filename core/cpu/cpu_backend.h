// The CPU backend's class: what it owns. Each file of this folder implements the operations its
// name says: backend.cpp (memory), norm.cpp, embedding.cpp, attention.cpp, elementwise.cpp,
// loss.cpp, optimizer.cpp; matmul.cpp holds oneDNN. Read next: norm.cpp.
#pragma once
#include "core/cpu/backend.h"
#include "core/cpu/isa.h"
#include "core/cpu/pool.h"
#include "core/cpu/products.h"
#include "core/cpu/scratch.h"

namespace causeway::cpu {

inline PhiloxArgs philox_args(const RandomStream& stream) {
  return {.c1 = (static_cast<uint32_t>(stream.purpose) << 24) | (stream.layer & 0xffffffu),
          .c2 = static_cast<uint32_t>(stream.index),
          .c3 = static_cast<uint32_t>(stream.index >> 32),
          .k0 = static_cast<uint32_t>(stream.seed),
          .k1 = static_cast<uint32_t>(stream.seed >> 32)};
}

class CpuBackend final : public Backend {
 public:
  CpuBackend(int threads, Isa isa);

  std::string_view name() const override { return "cpu"; }
  void* allocate(size_t bytes) override;
  void deallocate(void* data, size_t bytes) noexcept override;
  void upload(const Tensor& dst, const void* host) override;
  void download(void* host, const Tensor& src) override;
  void copy(const Tensor& dst, const Tensor& src) override;
  void zero(const Tensor& x) override;
  void synchronize() override {}

  void prepare(const Matmul& op) override;
  void prepare(const NormBackward& op) override;
  void prepare(const AttentionForward& op) override;
  void prepare(const AttentionBackward& op) override;
  void prepare(const CrossEntropy& op) override;
  size_t scratch_bytes() const override { return scratch_.bytes() + products_.library_bytes(); }
  void matmul(const Matmul& op) override;

  void embedding_forward(const Tensor& y, const Tensor& tokens, const Tensor& wte,
                         const Tensor& wpe, const Tensor& position) override;
  void embedding_backward(const EmbeddingBackward& op) override;
  void norm_forward(const NormForward& op) override;
  void norm_backward(const NormBackward& op) override;
  void rope(const Tensor& x, const Tensor& table, const Tensor& position,
            RopeDirection direction) override;
  void attention_forward(const AttentionForward& op) override;
  void attention_backward(const AttentionBackward& op) override;
  void activation_forward(Activation kind, const Tensor& y, const Tensor& x) override;
  void activation_backward(Activation kind, const Tensor& d_x, const Tensor& d_y,
                           const Tensor& x) override;
  void dropout(const Tensor& y, const Tensor& x, double p, const RandomStream& stream) override;
  void cross_entropy(const CrossEntropy& op) override;

  void sum(const Tensor& out, const Tensor& x) override;
  void sum_of_squares(const Tensor& partials, const Tensor& x) override;
  void clip_and_guard(const Tensor& scalars, const Tensor& partials, const Tensor& losses,
                      double max_norm) override;
  void adamw(const AdamW& op, std::span<const AdamWSlice> slices) override;
  void axpby(const Tensor& y, double alpha, const Tensor& x, double beta) override;
  void cast(const Tensor& y, const Tensor& x) override;

 private:
  /// body(begin, end) for ranges of [0, n) of at most `piece`. Neighbours are one thread's, which
  /// reads memory in order: an eighth of its share at a time, so that the threads end together.
  template <class Body>
  void in_pieces(int64_t n, int64_t piece, const Body& body) {
    constexpr int64_t kTurns = 8;  // of a thread
    const int64_t pieces = (n + piece - 1) / piece;
    const int64_t together = std::max<int64_t>(1, pieces / (kTurns * pool_.threads()));
    pool_.run((pieces + together - 1) / together, [&](int64_t turn, int) {
      const int64_t end = std::min(pieces, (turn + 1) * together);
      for (int64_t i = turn * together; i < end; ++i) body(i * piece, std::min(n, (i + 1) * piece));
    });
  }

  Kernels kernels_;
  Pool pool_;
  Scratch scratch_;
  Products products_;
};

/// Elements one piece of cheap element-wise work holds: long enough to outweigh handing it out,
/// short enough that a small model still has pieces for several threads.
inline constexpr int64_t kPiece = 8192;
/// Rows of `width` elements that make such a piece.
inline int64_t rows_per_piece(int64_t width) {
  return std::max<int64_t>(1, kPiece / std::max<int64_t>(1, width));
}

/// 0 for f32, 1 for bf16, the index of Kernels' tables. Throws "op.unsupported" for other dtypes.
int act_index(DType dtype, std::string_view op);

/// Every index in [least, limit), or Error "op.<op>": a stray token id would write anywhere.
void check_indices(const Tensor& index, int64_t least, int64_t limit, std::string_view op,
                   std::string_view name);

}  // namespace causeway::cpu
