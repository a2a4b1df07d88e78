// wgmma: d (+)= A · B by the four warps of a warpgroup, d 64×N f32, A 64×16 and B 16×N bf16; B, and
// A unless it comes in registers, from shared memory through a descriptor. Part of sm90.cuh.
//
// wgmma_m64nNk16<kTransB, kTransA>(d, a, b, accumulate) takes both from shared memory,
// wgmma_m64nNk16_ra<kTransB>(d, a, b, accumulate) takes A as the left operand of mma_m16n8k16 (warp
// w holds rows 16·w ..). The d of 16·w + 8 rows is that of mma_m16n8k16, once per 8 columns. B is
// stored (n, k), k dense, or with kTransB (k, n), n dense; A (m, k), or with kTransA (k, m).
//
// wgmma_fence() comes before the first product and after every change of d or a in registers;
// products run until the wgmma_wait that covers their group, and nobody touches d, or a, till then.
#pragma once

namespace causeway::cuda {

/// What wgmma wants to know of a matrix in shared memory in TMA's 128-byte swizzle. addr: its first
/// element, in a tile aligned to 1024 bytes. stride: bytes between groups of 8 rows (of 8 k where n
/// is dense). lead: bytes between panels of 64 where n is dense, else unused.
__device__ __forceinline__ uint64_t wgmma_desc(uint32_t addr, uint32_t stride, uint32_t lead = 16) {
  constexpr uint64_t kSwizzle128 = 1;
  return uint64_t{(addr & 0x3ffff) >> 4} | uint64_t{lead >> 4} << 16 | uint64_t{stride >> 4} << 32 |
         kSwizzle128 << 62;
}

#if defined(__CUDACC__)

__device__ __forceinline__ void wgmma_fence() {
  asm volatile("wgmma.fence.sync.aligned;\n" ::: "memory");
}
/// Closes a group of products.
__device__ __forceinline__ void wgmma_commit() {
  asm volatile("wgmma.commit_group.sync.aligned;\n" ::: "memory");
}
/// Waits for this warp's groups, all but the newest N.
template <int N>
__device__ __forceinline__ void wgmma_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;\n" ::"n"(N) : "memory");
}

// The operands d as assembly wants them: one by one.
#define WGMMA_D8(i)                                                                           \
  "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), \
      "+f"(d[i + 6]), "+f"(d[i + 7])
#define WGMMA_D32(i) WGMMA_D8(i), WGMMA_D8(i + 8), WGMMA_D8(i + 16), WGMMA_D8(i + 24)
#define WGMMA_D64 WGMMA_D32(0), WGMMA_D32(32)
#define WGMMA_D128 WGMMA_D64, WGMMA_D32(64), WGMMA_D32(96)
#define WGMMA_NAMES_32                                     \
  "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15," \
  "%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31"
#define WGMMA_NAMES_64                                               \
  WGMMA_NAMES_32                                                     \
  ","                                                                \
  "%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47," \
  "%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63"
#define WGMMA_NAMES_128                                                          \
  WGMMA_NAMES_64                                                                 \
  ","                                                                            \
  "%64,%65,%66,%67,%68,%69,%70,%71,%72,%73,%74,%75,%76,%77,%78,%79,"             \
  "%80,%81,%82,%83,%84,%85,%86,%87,%88,%89,%90,%91,%92,%93,%94,%95,"             \
  "%96,%97,%98,%99,%100,%101,%102,%103,%104,%105,%106,%107,%108,%109,%110,%111," \
  "%112,%113,%114,%115,%116,%117,%118,%119,%120,%121,%122,%123,%124,%125,%126,%127"

template <int kTransB, int kTransA = 0>
__device__ __forceinline__ void wgmma_m64n64k16(float (&d)[32], uint64_t a, uint64_t b,
                                                int accumulate) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %34, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {" WGMMA_NAMES_32
      "}, %32, %33, p, 1, 1, %36, %35;\n}\n"
      : WGMMA_D32(0)
      : "l"(a), "l"(b), "r"(accumulate), "n"(kTransB), "n"(kTransA));
}
template <int kTransB>
__device__ __forceinline__ void wgmma_m64n64k16_ra(float (&d)[32], const uint32_t (&a)[4],
                                                   uint64_t b, int accumulate) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %37, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {" WGMMA_NAMES_32
      "}, {%32,%33,%34,%35}, %36, p, 1, 1, %38;\n}\n"
      : WGMMA_D32(0)
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(accumulate), "n"(kTransB));
}

template <int kTransB, int kTransA = 0>
__device__ __forceinline__ void wgmma_m64n128k16(float (&d)[64], uint64_t a, uint64_t b,
                                                 int accumulate) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %66, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {" WGMMA_NAMES_64
      "}, %64, %65, p, 1, 1, %68, %67;\n}\n"
      : WGMMA_D64
      : "l"(a), "l"(b), "r"(accumulate), "n"(kTransB), "n"(kTransA));
}
template <int kTransB>
__device__ __forceinline__ void wgmma_m64n128k16_ra(float (&d)[64], const uint32_t (&a)[4],
                                                    uint64_t b, int accumulate) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %69, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {" WGMMA_NAMES_64
      "}, {%64,%65,%66,%67}, %68, p, 1, 1, %70;\n}\n"
      : WGMMA_D64
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(accumulate), "n"(kTransB));
}

template <int kTransB, int kTransA = 0>
__device__ __forceinline__ void wgmma_m64n256k16(float (&d)[128], uint64_t a, uint64_t b,
                                                 int accumulate) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %130, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16 {" WGMMA_NAMES_128
      "}, %128, %129, p, 1, 1, %132, %131;\n}\n"
      : WGMMA_D128
      : "l"(a), "l"(b), "r"(accumulate), "n"(kTransB), "n"(kTransA));
}
template <int kTransB>
__device__ __forceinline__ void wgmma_m64n256k16_ra(float (&d)[128], const uint32_t (&a)[4],
                                                    uint64_t b, int accumulate) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %133, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16 {" WGMMA_NAMES_128
      "}, {%128,%129,%130,%131}, %132, p, 1, 1, %134;\n}\n"
      : WGMMA_D128
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(accumulate), "n"(kTransB));
}

#undef WGMMA_D8
#undef WGMMA_D32
#undef WGMMA_D64
#undef WGMMA_D128
#undef WGMMA_NAMES_32
#undef WGMMA_NAMES_64
#undef WGMMA_NAMES_128
#endif

}  // namespace causeway::cuda
