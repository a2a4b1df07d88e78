// The emulation's twins of cuda/sm90.cuh and cuda/wgmma.cuh. Tensor maps are plain structs here.
#pragma once
#include <cstring>

#include "tests/simt/engine.h"

namespace causeway::cuda {

/// What cuTensorMapEncodeTiled would encode: a 2-d bf16 tensor in the 128-byte swizzle.
struct TensorMap {
  void* base;
  int64_t columns, rows, stride;  ///< elements
  int box_columns, box_rows;
};

}  // namespace causeway::cuda

namespace causeway::simt {

void mbar_init(uint32_t bar, int count);
void mbar_arrive(uint32_t bar, int expect_bytes);
bool mbar_test(uint32_t bar, uint32_t parity);
void mbar_wait(uint32_t bar, uint32_t parity, Place place);

void tma_load(uint32_t dst, const cuda::TensorMap& map, uint32_t bar, int x, int y);
void tma_store(const cuda::TensorMap& map, uint32_t src, int x, int y);
void tma_store_commit();
void tma_store_wait(int pending_groups);
void fence_proxy_async();

extern const Collective kWgmma, kWgmmaFence, kWgmmaCommit, kWgmmaWait, kSetRegisters;
struct WgmmaOperands {
  float* d;           ///< N / 2 of this lane
  const uint32_t* a;  ///< 4 of this lane, or null: from a_desc
  uint64_t a_desc, b_desc;
  int16_t columns;  ///< N
  bool accumulate, a_transposed, b_transposed;
};
inline void wgmma(const WgmmaOperands& in, Place place) {
  collective(kWgmma, 0xffffffffu, &in, sizeof in, place);
}

}  // namespace causeway::simt

namespace causeway::cuda {

inline void mbar_init(uint32_t bar, int count) { simt::mbar_init(bar, count); }
inline void mbar_init_fence() {}
inline void mbar_arrive(uint32_t bar) { simt::mbar_arrive(bar, 0); }
inline void mbar_arrive_expect(uint32_t bar, int bytes) { simt::mbar_arrive(bar, bytes); }
inline bool mbar_test(uint32_t bar, uint32_t parity) { return simt::mbar_test(bar, parity); }
inline void mbar_wait(uint32_t bar, uint32_t parity, SIMT_PLACE) {
  simt::mbar_wait(bar, parity, place);
}

inline void tma_load_2d(uint32_t dst, const TensorMap* map, uint32_t bar, int x, int y) {
  simt::tma_load(dst, *map, bar, x, y);
}
inline void tma_store_2d(const TensorMap* map, uint32_t src, int x, int y) {
  simt::tma_store(*map, src, x, y);
}
inline void tma_store_commit() { simt::tma_store_commit(); }
template <int N>
void tma_store_wait_read() {
  simt::tma_store_wait(N);
}
inline void fence_proxy_async() { simt::fence_proxy_async(); }

inline bool elect_one(SIMT_PLACE) {
  int elected;
  std::memcpy(&elected, simt::collective(simt::kElect, 0xffffffffu, nullptr, 0, place), 4);
  return elected != 0;
}
template <int N>
void registers_lower(SIMT_PLACE) {
  static_assert(N >= 24 && N <= 256 && N % 8 == 0);
  simt::collective(simt::kSetRegisters, 0xffffffffu, nullptr, 0, place);
}
template <int N>
void registers_raise(SIMT_PLACE) {
  registers_lower<N>(place);
}

inline void wgmma_fence(SIMT_PLACE) {
  simt::collective(simt::kWgmmaFence, 0xffffffffu, nullptr, 0, place);
}
inline void wgmma_commit(SIMT_PLACE) {
  simt::collective(simt::kWgmmaCommit, 0xffffffffu, nullptr, 0, place);
}
template <int N>
void wgmma_wait(SIMT_PLACE) {
  const int pending = N;
  simt::collective(simt::kWgmmaWait, 0xffffffffu, &pending, sizeof pending, place);
}

template <int kTransB, int kTransA, int kN>
void wgmma(float* d, const uint32_t* a, uint64_t a_desc, uint64_t b, int accumulate,
           simt::Place place) {
  simt::wgmma({d, a, a_desc, b, kN, accumulate != 0, kTransA != 0, kTransB != 0}, place);
}
template <int kTransB, int kTransA = 0>
void wgmma_m64n64k16(float (&d)[32], uint64_t a, uint64_t b, int accumulate, SIMT_PLACE) {
  wgmma<kTransB, kTransA, 64>(d, nullptr, a, b, accumulate, place);
}
template <int kTransB, int kTransA = 0>
void wgmma_m64n128k16(float (&d)[64], uint64_t a, uint64_t b, int accumulate, SIMT_PLACE) {
  wgmma<kTransB, kTransA, 128>(d, nullptr, a, b, accumulate, place);
}
template <int kTransB, int kTransA = 0>
void wgmma_m64n256k16(float (&d)[128], uint64_t a, uint64_t b, int accumulate, SIMT_PLACE) {
  wgmma<kTransB, kTransA, 256>(d, nullptr, a, b, accumulate, place);
}
template <int kTransB>
void wgmma_m64n64k16_ra(float (&d)[32], const uint32_t (&a)[4], uint64_t b, int accumulate,
                        SIMT_PLACE) {
  wgmma<kTransB, 0, 64>(d, a, 0, b, accumulate, place);
}
template <int kTransB>
void wgmma_m64n128k16_ra(float (&d)[64], const uint32_t (&a)[4], uint64_t b, int accumulate,
                         SIMT_PLACE) {
  wgmma<kTransB, 0, 128>(d, a, 0, b, accumulate, place);
}
template <int kTransB>
void wgmma_m64n256k16_ra(float (&d)[128], const uint32_t (&a)[4], uint64_t b, int accumulate,
                         SIMT_PLACE) {
  wgmma<kTransB, 0, 256>(d, a, 0, b, accumulate, place);
}

}  // namespace causeway::cuda
