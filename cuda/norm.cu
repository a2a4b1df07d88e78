// Launches the norms: which team holds a row, how many teams there are, and the sum over teams.
// Read next: norm_forward.cuh, norm_backward.cuh, columns.cuh.
#include "cuda/columns.cuh"
#include "cuda/dispatch.h"
#include "cuda/launches.h"
#include "cuda/norm_backward.cuh"
#include "cuda/norm_forward.cuh"
#include "cuda/norm_wide.cuh"

namespace causeway::cuda {
namespace {

/// Blocks of a backward grid, at most: a few per multiprocessor of any GPU. A number, not the
/// device's size, so that the sums of the weights' gradients have the same order everywhere.
constexpr int64_t kBlocks = 1024;
constexpr int kManyPacks = 2, kLanePacks = 2;  ///< of a thread, at most
constexpr int kNoPacks = 0;                    ///< the row is too wide for registers: norm_wide.cuh
constexpr int64_t kWideBlocks = 128;           ///< of 1,024 threads: about one per multiprocessor

int64_t width_of(const Tensor& x) { return x.shape[x.rank - 1]; }
int64_t heads_of(const Tensor& x) { return x.rank == 3 ? x.shape[1] : 1; }
int64_t rows_of(const Tensor& x) { return x.shape[0] * heads_of(x); }

template <class T>
NormRows<T> norm_rows(const Tensor& t) {
  return {data<T>(t), t.stride[0], t.rank == 3 ? t.stride[1] : 0};
}

/// Which team takes a row of x, by shape alone.
struct Teams {
  TeamKind kind;
  int packs, threads;  ///< of a thread, of a block
  int64_t per_block;
  int64_t rows;

  int64_t forward_blocks() const { return blocks(rows, per_block); }
  int64_t backward_blocks() const {
    return std::min(packs == kNoPacks ? kWideBlocks : kBlocks, blocks(rows, per_block));
  }
  int64_t backward_count() const { return backward_blocks() * per_block; }
};
Teams teams_for(const Tensor& x, int pack_width) {
  const int64_t packs = width_of(x) / pack_width, rows = rows_of(x);
  if (packs <= kLaneTeam * kLanePacks) {
    const int64_t per_block = kLaneTeamThreads / kLaneTeam;
    return {TeamKind::Lanes, kLanePacks, kLaneTeamThreads, per_block, rows};
  }
  if (packs > kBlockTeamThreads * kManyPacks)
    return {TeamKind::Block, kNoPacks, kWideThreads, 1, rows};
  const int per_thread = packs <= kBlockTeamThreads ? 1 : kManyPacks;
  const int64_t threads = blocks(blocks(packs, per_thread), 32) * 32;
  return {TeamKind::Block, per_thread, static_cast<int>(threads), 1, rows};
}

/// run(team kind, packs per thread) as constants.
template <class Run>
void with_teams(const Teams& teams, const Run& run) {
  using Lanes = std::integral_constant<TeamKind, TeamKind::Lanes>;
  using Block = std::integral_constant<TeamKind, TeamKind::Block>;
  if (teams.kind == TeamKind::Lanes) return run(Lanes{}, Number<kLanePacks>{});
  if (teams.packs == kNoPacks) return run(Block{}, Number<kNoPacks>{});
  if (teams.packs == 1) return run(Block{}, Number<1>{});
  run(Block{}, Number<kManyPacks>{});
}

template <class T, int kWidth, int kPacks, TeamKind kKind>
auto forward_kernel() {
  if constexpr (kPacks == kNoPacks)
    return norm_forward_wide_kernel<T, kWidth>;
  else
    return norm_forward_kernel<T, kWidth, kPacks, kKind>;
}
template <class T, int kWidth, int kPacks, TeamKind kKind>
auto backward_kernel() {
  if constexpr (kPacks == kNoPacks)
    return norm_backward_wide_kernel<T, kWidth>;
  else
    return norm_backward_kernel<T, kWidth, kPacks, kKind>;
}

bool in_packs(const NormForward& op) {
  const int64_t width = op.x.dtype == DType::BF16 ? 8 : 4;
  return rows_in_packs({op.y, op.sum, op.x, op.branch, op.weight, op.bias}, width);
}
bool in_packs(const NormBackward& op) {
  const int64_t width = op.x.dtype == DType::BF16 ? 8 : 4;
  return rows_in_packs({op.d_x, op.d_y, op.x, op.d_residual, op.weight}, width);
}
int pack_width(const NormBackward& op) {
  return !in_packs(op) ? 1 : op.x.dtype == DType::BF16 ? 8 : 4;
}

}  // namespace

void norm_forward(const NormForward& op, cudaStream_t stream) {
  if (rows_of(op.x) == 0) return;
  with_act(op.x.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    const NormForwardArgs<T> args{.rows = rows_of(op.x),
                                  .heads = static_cast<int>(heads_of(op.x)),
                                  .width = static_cast<int>(width_of(op.x)),
                                  .eps = static_cast<float>(op.eps),
                                  .y = norm_rows<T>(op.y),
                                  .sum = norm_rows<T>(op.sum),
                                  .x = norm_rows<const T>(op.x),
                                  .branch = norm_rows<const T>(op.branch),
                                  .mean = data<float>(op.mean),
                                  .rstd = data<float>(op.rstd),
                                  .weight = data<T>(op.weight),
                                  .bias = data<T>(op.bias)};
    with_width<T>(in_packs(op), [&](auto width) {
      const Teams teams = teams_for(op.x, width);
      with_teams(teams, [&](auto kind, auto packs) {
        launch(forward_kernel<T, width, packs, kind>(), grid(teams.forward_blocks()), teams.threads,
               0, stream, args);
      });
    });
  });
}

size_t norm_scratch_bytes(const NormBackward& op) {
  return teams_for(op.x, pack_width(op)).backward_count() * 2 * width_of(op.x) * sizeof(float);
}

void norm_backward(const NormBackward& op, void* scratch, cudaStream_t stream) {
  const int64_t columns = width_of(op.x);
  float* const parts = static_cast<float*>(scratch);
  const Teams teams = teams_for(op.x, pack_width(op));
  with_act(op.x.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    const NormBackwardArgs<T> args{.rows = rows_of(op.x),
                                   .heads = static_cast<int>(heads_of(op.x)),
                                   .width = static_cast<int>(columns),
                                   .d_x = norm_rows<T>(op.d_x),
                                   .d_y = norm_rows<const T>(op.d_y),
                                   .x = norm_rows<const T>(op.x),
                                   .d_residual = norm_rows<const T>(op.d_residual),
                                   .mean = data<float>(op.mean),
                                   .rstd = data<float>(op.rstd),
                                   .weight = data<T>(op.weight),
                                   .parts = parts};
    if (teams.rows == 0) return;
    with_width<T>(in_packs(op), [&](auto width) {
      with_teams(teams, [&](auto kind, auto packs) {
        launch(backward_kernel<T, width, packs, kind>(), grid(teams.backward_blocks()),
               teams.threads, 0, stream, args);
      });
    });
  });
  const auto add_parts = [&](const Tensor& out, const float* from) {
    launch(add_parts_kernel, grid(blocks(columns, kColumnTile)), kColumnThreads, 0, stream,
           data<float>(out), from, teams.backward_count(), 2 * columns, columns,
           op.mode == GradMode::Accumulate);
  };
  add_parts(op.d_weight, parts);
  if (op.d_bias) add_parts(op.d_bias, parts + columns);
}

}  // namespace causeway::cuda
