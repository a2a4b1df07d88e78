// The emulation's twins of cuda/ptx.cuh.
#pragma once
#include <cmath>
#include <cstring>

#include "tests/simt/engine.h"

namespace causeway::simt {

struct LdmatrixOperands {
  int tiles;
  uint32_t address;
  unsigned char row[16];
};
/// The lane that gives an address reads the row, so a race is pinned on it.
template <int N>
void ldmatrix(uint32_t (&r)[N], uint32_t address, const Collective& kind, Place place) {
  LdmatrixOperands in{N, address, {}};
  if (lane() < 8 * N) {
    const void* row = shared_pointer(address, sizeof in.row, 16, "ldmatrix");
    check(row, sizeof in.row, Access::Read, __builtin_return_address(0));
    copy_unchecked(in.row, row, sizeof in.row);
  }
  std::memcpy(r, collective(kind, 0xffffffffu, &in, sizeof in, place), sizeof r);
}

struct MmaOperands {
  uint32_t a[4], b[2];
  float c[4];
};

}  // namespace causeway::simt

namespace causeway::cuda {

inline uint32_t smem_u32(const void* p) { return simt::shared_address(p); }

inline void cp_async16(uint32_t dst, const void* src, bool valid = true) {
  simt::cp_async(dst, src, 16, valid ? 16 : 0);
}
inline void cp_async_commit() { simt::cp_async_commit(); }
template <int N>
void cp_async_wait() {
  simt::cp_async_wait(N);
}

inline void ldmatrix_x4(uint32_t (&r)[4], uint32_t addr, SIMT_PLACE) {
  simt::ldmatrix(r, addr, simt::kLdmatrix, place);
}
inline void ldmatrix_x4_trans(uint32_t (&r)[4], uint32_t addr, SIMT_PLACE) {
  simt::ldmatrix(r, addr, simt::kLdmatrixTranspose, place);
}
inline void ldmatrix_x2(uint32_t (&r)[2], uint32_t addr, SIMT_PLACE) {
  simt::ldmatrix(r, addr, simt::kLdmatrix, place);
}
inline void ldmatrix_x2_trans(uint32_t (&r)[2], uint32_t addr, SIMT_PLACE) {
  simt::ldmatrix(r, addr, simt::kLdmatrixTranspose, place);
}
inline void ldmatrix_x1(uint32_t (&r)[1], uint32_t addr, SIMT_PLACE) {
  simt::ldmatrix(r, addr, simt::kLdmatrix, place);
}

inline void mma_m16n8k16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                         SIMT_PLACE) {
  simt::MmaOperands in;
  std::memcpy(in.a, a, sizeof in.a);
  std::memcpy(in.b, b, sizeof in.b);
  std::memcpy(in.c, d, sizeof in.c);
  std::memcpy(d, simt::collective(simt::kMma, 0xffffffffu, &in, sizeof in, place), sizeof d);
}

inline void named_barrier_sync(int id, int threads, SIMT_PLACE) {
  simt::barrier(id, threads, place);
}
inline void named_barrier_arrive(int id, int threads, SIMT_PLACE) {
  simt::barrier_arrive(id, threads, place);
}

inline float ex2(float x) { return std::exp2(x); }

}  // namespace causeway::cuda
