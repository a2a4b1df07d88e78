// Teams: the threads that share a row, eight lanes of a warp or a whole block, and sums over them
// in fixed order. Read next: norm_forward.cuh.
#pragma once
#include "cuda/kernel_env.cuh"

namespace causeway::cuda {

enum class TeamKind : uint8_t { Lanes, Block };

constexpr int kLaneTeam = 8;            ///< threads of a team of lanes
constexpr int kLaneTeamThreads = 128;   ///< of a block that holds such teams
constexpr int kBlockTeamThreads = 512;  ///< at most: leaves each 128 registers
constexpr int kMaxWarps = 32;

template <TeamKind kKind>
__device__ __forceinline__ int team_size() {
  return kKind == TeamKind::Lanes ? kLaneTeam : int(blockDim.x);
}

/// Rows of a grid's teams, `first` + `offset` and, where a team has several, every `stride` from
/// there. Every thread of a block makes the same number of rounds, since sums need them all; a team
/// without a row of its own repeats the last one and must not write.
struct TeamRows {
  int64_t first, stride;  ///< of the block
  int offset;             ///< of the team in its block
};
template <TeamKind kKind>
__device__ __forceinline__ TeamRows team_rows() {
  const int teams = int(blockDim.x) / team_size<kKind>();
  return {int64_t{blockIdx.x} * teams, int64_t{gridDim.x} * teams,
          int(threadIdx.x) / team_size<kKind>()};
}

/// Threads of a block, at most.
template <TeamKind kKind>
constexpr int kTeamThreads = kKind == TeamKind::Lanes ? kLaneTeamThreads : kBlockTeamThreads;

using Pair = float2;

/// Σ x and Σ y over the team, in all its threads. `parts`: two of these halves of shared memory are
/// used in turn, so that one barrier per sum is enough.
template <TeamKind kKind>
__device__ __forceinline__ Pair team_sum(Pair v, Pair (&parts)[kMaxWarps]) {
  constexpr int kFirst = (kKind == TeamKind::Lanes ? kLaneTeam : 32) / 2;
#pragma unroll
  for (int o = kFirst; o > 0; o >>= 1) {
    v.x += __shfl_xor_sync(kFullMask, v.x, o);
    v.y += __shfl_xor_sync(kFullMask, v.y, o);
  }
  if constexpr (kKind == TeamKind::Block) {
    const int warps = int(blockDim.x) / 32;
    if (warps == 1) return v;
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = v;
    __syncthreads();
    v = parts[0];
    for (int w = 1; w < warps; ++w) v.x += parts[w].x, v.y += parts[w].y;
  }
  return v;
}

}  // namespace causeway::cuda
