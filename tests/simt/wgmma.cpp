// wgmma runs as late as the rules allow, at the wait that covers it; till then the accumulators
// hold NaN. Fragments and descriptors by PTX ISA, "Asynchronous Warpgroup Level Matrix
// Instructions". Each warp computes its 16 rows; that the four warps of a group do the same is
// checked.
#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "tests/simt/sm90_state.h"
#include "tests/simt/values.h"

namespace causeway::simt {
namespace {

struct Product {
  WgmmaOperands lanes[kWarpSize];
  uint32_t a[kWarpSize][4];   ///< A, where it came in registers
  std::vector<float> before;  ///< (32, N / 2) accumulators; empty: those of the product before
  unsigned group;
};
/// What all four warps of a group must do alike.
struct Issue {
  Place place;
  uint64_t a_desc, b_desc;
};
struct WarpState {
  std::vector<Product> products;
  std::vector<Issue> issues;
  unsigned group = 0;
  bool fenced = false;           ///< since the last wait, or the start
  bool fenced_operands = false;  ///< since the last commit
};
std::array<WarpState, kMaxWarps> warps;

WarpState& state_of(const Warp& w) { return warps[static_cast<size_t>(w.id)]; }
WgmmaOperands operands_of(const Thread& t) {
  WgmmaOperands in;
  std::memcpy(&in, t.operands, sizeof in);
  return in;
}

void check_alike(const Warp& w, const Issue& issue) {
  const int first = w.id / 4 * 4;
  if (first + 4 > machine.warp_count()) fail("wgmma in a warpgroup of fewer than four warps");
  const size_t n = state_of(w).issues.size();
  for (int other = first; other < first + 4; ++other) {
    const auto& theirs = warps[static_cast<size_t>(other)].issues;
    if (n >= theirs.size()) continue;
    if (!(theirs[n].place == issue.place) || theirs[n].a_desc != issue.a_desc ||
        theirs[n].b_desc != issue.b_desc)
      fail(
          fmt::format("warpgroup not converged: product {} of warp {} at {}:{} is another than "
                      "that of warp {} at {}:{}",
                      n, w.id, issue.place.file, issue.place.line, other, theirs[n].place.file,
                      theirs[n].place.line));
  }
}

void issue(Warp& w, unsigned) {
  WarpState& s = state_of(w);
  Product p;
  p.group = s.group;
  for (int l = 0; l < kWarpSize; ++l) {
    const WgmmaOperands in = p.lanes[l] = operands_of(w.lanes()[l]);
    if (in.a_desc != p.lanes[0].a_desc || in.b_desc != p.lanes[0].b_desc)
      fail("wgmma: the descriptors differ between lanes");
    if (in.a) std::memcpy(p.a[l], in.a, sizeof p.a[l]);
  }
  const WgmmaOperands& in = p.lanes[0];
  if (!s.fenced || (in.a && !s.fenced_operands))
    fail("wgmma without a wgmma_fence() since its registers were last free to change");
  const Issue now{w.lanes()[0].place, in.a_desc, in.b_desc};
  check_alike(w, now);
  s.issues.push_back(now);
  bool chained = false;
  for (const Product& other : s.products) chained |= other.lanes[0].d == in.d;
  const int n = in.columns / 2;
  for (WgmmaOperands& lane : p.lanes) {
    if (!chained) p.before.insert(p.before.end(), lane.d, lane.d + n);
    std::fill(lane.d, lane.d + n, NAN);
  }
  s.products.push_back(std::move(p));
  ++stats.wgmma;
}

/// Element (mn, k) of a matrix in shared memory.
float element(uint64_t desc, int mn, int k, bool mn_dense) {
  const auto field = [&](int shift) { return static_cast<uint32_t>(desc >> shift & 0x3fff) << 4; };
  const uint32_t start = field(0), lead = field(16), stride = field(32);
  if (desc >> 62 != 1) fail("wgmma: only the 128-byte swizzle is emulated");
  const auto i = static_cast<uint32_t>(mn), j = static_cast<uint32_t>(k);
  const uint32_t address = mn_dense
                               ? start + i / 64 * lead + j / 8 * stride + j % 8 * 128 + i % 64 * 2
                               : start + i / 8 * stride + i % 8 * 128 + j * 2;
  const void* p = shared_pointer(swizzle128(address), 2, 2, "wgmma");
  check(p, 2, Access::AsyncRead, __builtin_return_address(0));
  uint16_t bits;
  std::memcpy(&bits, p, 2);
  return bf16_value(bits);
}

void load_a(const Product& p, int warp, float (&a)[16][16]) {
  const WgmmaOperands& in = p.lanes[0];
  for (int i = 0; i < 16; ++i)
    for (int k = 0; k < 16; ++k) {
      const int lane = i % 8 * 4 + k % 8 / 2, which = i / 8 + k / 8 * 2;
      a[i][k] = in.a ? bf16_half(p.a[lane][which], k % 2)
                     : element(in.a_desc, warp % 4 * 16 + i, k, in.a_transposed);
    }
}

void check_unchanged(const Product& p) {
  if (!p.lanes[0].a) return;
  for (int l = 0; l < kWarpSize; ++l)
    if (std::memcmp(p.a[l], p.lanes[l].a, sizeof p.a[l]) != 0)
      fail("the A registers of a wgmma changed before the wait that covers it");
}

void multiply(const Product& p, int warp) {
  const WgmmaOperands& in = p.lanes[0];
  check_unchanged(p);
  float a[16][16];
  load_a(p, warp, a);
  const int columns = in.columns;
  for (int n = 0; n < columns; ++n) {
    float b[16];
    for (int k = 0; k < 16; ++k) b[k] = element(in.b_desc, n, k, in.b_transposed);
    for (int i = 0; i < 16; ++i) {
      double sum = 0;
      for (int k = 0; k < 16; ++k) sum += double{a[i][k]} * b[k];
      // As mma.m16n8k16 holds it, once per 8 columns.
      const int lane = i % 8 * 4 + n % 8 / 2, r = n / 8 * 4 + i / 8 * 2 + n % 2;
      float& d = p.lanes[lane].d[r];
      const float old =
          p.before.empty() ? d : p.before[static_cast<size_t>(lane * columns / 2 + r)];
      d = static_cast<float>((in.accumulate ? double{old} : 0.0) + sum);
    }
  }
}

void fence(Warp& w, unsigned) { state_of(w).fenced = state_of(w).fenced_operands = true; }
void commit(Warp& w, unsigned) {
  ++state_of(w).group;
  state_of(w).fenced_operands = false;
}
void wait(Warp& w, unsigned) {
  WarpState& s = state_of(w);
  int pending;
  std::memcpy(&pending, w.lanes()[0].operands, sizeof pending);
  std::erase_if(s.products, [&](const Product& p) {
    if (static_cast<int>(s.group - p.group) <= pending) return false;
    multiply(p, w.id);
    return true;
  });
  s.fenced = s.fenced_operands = false;
}

}  // namespace

const Collective kWgmma{"wgmma", issue}, kWgmmaFence{"wgmma_fence", fence},
    kWgmmaCommit{"wgmma_commit", commit}, kWgmmaWait{"wgmma_wait", wait},
    kSetRegisters{"setmaxnreg", [](Warp&, unsigned) {}};

void wgmma_reset() { warps = {}; }

/// The last thread of a warp to leave answers for it; the last warp, for the group.
void wgmma_leave(const Thread& t) {
  const Warp& w = warp_of(t);
  if ((w.done | lane_bit(t)) != w.exist) return;
  if (!state_of(w).products.empty()) fail("returns with a wgmma that was never waited for");
  const size_t own = state_of(w).issues.size();
  for (int other = w.id / 4 * 4; other < w.id / 4 * 4 + 4 && other < machine.warp_count();
       ++other) {
    const Warp& o = machine.warps[static_cast<size_t>(other)];
    if (o.done == o.exist && state_of(o).issues.size() != own)
      fail(fmt::format("warpgroup not converged: warp {} made {} products, warp {} {}", w.id, own,
                       other, state_of(o).issues.size()));
  }
}

}  // namespace causeway::simt
