// Barriers, shuffles, votes and reductions of the CUDA programming guide, by the engine's
// collectives.
#pragma once
#include <cstring>
#include <type_traits>

#include "tests/simt/engine.h"

namespace causeway::simt {

struct ShuffleOperands {
  uint64_t bits;
  int source;  ///< lane
};
/// The value of lane `source`, for at most 8 bytes.
template <class T>
T shuffle(unsigned mask, T value, int source, Place place) {
  static_assert(sizeof(T) <= 8 && std::is_trivially_copyable_v<T>, "a shuffle of at most 8 bytes");
  ShuffleOperands in{0, source};
  std::memcpy(&in.bits, &value, sizeof(T));
  std::memcpy(static_cast<void*>(&value), collective(kShuffle, mask, &in, sizeof in, place),
              sizeof(T));
  return value;
}

inline unsigned ballot(unsigned mask, int predicate, Place place) {
  unsigned result;
  std::memcpy(&result, collective(kBallot, mask, &predicate, sizeof predicate, place), 4);
  return result;
}

enum class Reduction : int { Add, Min, Max, And, Or, Xor };
struct ReduceOperands {
  uint32_t bits;
  Reduction op;
  bool is_signed;
};
template <class T>
T reduce(unsigned mask, T value, Reduction op, Place place) {
  static_assert(sizeof(T) == 4 && std::is_integral_v<T>);
  const ReduceOperands in{static_cast<uint32_t>(value), op, std::is_signed_v<T>};
  std::memcpy(&value, collective(kReduce, mask, &in, sizeof in, place), 4);
  return value;
}

}  // namespace causeway::simt

inline void __syncthreads(SIMT_PLACE) { causeway::simt::barrier(0, 0, place); }
inline int __syncthreads_count(int p, SIMT_PLACE) {
  return causeway::simt::barrier(0, 0, place, p != 0);
}
inline int __syncthreads_or(int p, SIMT_PLACE) {
  return causeway::simt::barrier(0, 0, place, p != 0) != 0;
}
inline int __syncthreads_and(int p, SIMT_PLACE) {
  return causeway::simt::barrier(0, 0, place, p == 0) == 0;
}
inline void __syncwarp(unsigned mask = 0xffffffffu, SIMT_PLACE) {
  causeway::simt::collective(causeway::simt::kSyncWarp, mask, nullptr, 0, place);
}

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32, SIMT_PLACE) {
  const int own = causeway::simt::lane();
  return causeway::simt::shuffle(mask, value, (own & ~(width - 1)) | (source & (width - 1)), place);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32, SIMT_PLACE) {
  const int own = causeway::simt::lane(), source = own ^ lanes;
  const bool beyond = (source & ~(width - 1)) > (own & ~(width - 1));
  return causeway::simt::shuffle(mask, value, beyond ? own : source, place);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, SIMT_PLACE) {
  const int own = causeway::simt::lane(), by = static_cast<int>(delta);
  return causeway::simt::shuffle(mask, value, (own & (width - 1)) + by < width ? own + by : own,
                                 place);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, SIMT_PLACE) {
  const int own = causeway::simt::lane(), by = static_cast<int>(delta);
  return causeway::simt::shuffle(mask, value, (own & (width - 1)) >= by ? own - by : own, place);
}

inline unsigned __ballot_sync(unsigned mask, int predicate, SIMT_PLACE) {
  return causeway::simt::ballot(mask, predicate, place);
}
inline int __any_sync(unsigned mask, int predicate, SIMT_PLACE) {
  return causeway::simt::ballot(mask, predicate, place) != 0;
}
inline int __all_sync(unsigned mask, int predicate, SIMT_PLACE) {
  return causeway::simt::ballot(mask, predicate, place) == mask;
}
/// The lanes that hold the same value.
template <class T>
unsigned __match_any_sync(unsigned mask, T value, SIMT_PLACE) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8);
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  unsigned result;
  std::memcpy(&result,
              causeway::simt::collective(causeway::simt::kMatch, mask, &bits, sizeof bits, place),
              4);
  return result;
}

template <class T>
T __reduce_add_sync(unsigned mask, T value, SIMT_PLACE) {
  return causeway::simt::reduce(mask, value, causeway::simt::Reduction::Add, place);
}
template <class T>
T __reduce_min_sync(unsigned mask, T value, SIMT_PLACE) {
  return causeway::simt::reduce(mask, value, causeway::simt::Reduction::Min, place);
}
template <class T>
T __reduce_max_sync(unsigned mask, T value, SIMT_PLACE) {
  return causeway::simt::reduce(mask, value, causeway::simt::Reduction::Max, place);
}
inline unsigned __reduce_and_sync(unsigned mask, unsigned value, SIMT_PLACE) {
  return causeway::simt::reduce(mask, value, causeway::simt::Reduction::And, place);
}
inline unsigned __reduce_or_sync(unsigned mask, unsigned value, SIMT_PLACE) {
  return causeway::simt::reduce(mask, value, causeway::simt::Reduction::Or, place);
}
inline unsigned __reduce_xor_sync(unsigned mask, unsigned value, SIMT_PLACE) {
  return causeway::simt::reduce(mask, value, causeway::simt::Reduction::Xor, place);
}
