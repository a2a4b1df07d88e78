// mma.sync and ldmatrix: which lane holds which element of a matrix. PTX ISA, "Matrix Fragments for
// mma.m16n8k16 with floating point type" and "ldmatrix". Products are summed in double; hardware
// truncates somewhere: tolerances must leave room for both.
#include <algorithm>
#include <cstring>

#include "tests/simt/ptx.h"
#include "tests/simt/state.h"
#include "tests/simt/values.h"

namespace causeway::simt {
namespace {

void multiply(Warp& w, unsigned) {
  float a[16][16], b[16][8];
  MmaOperands in[kWarpSize];
  for (int l = 0; l < kWarpSize; ++l) {
    std::memcpy(&in[l], w.lanes()[l].operands, sizeof in[l]);
    const int g = l / 4, t = l % 4 * 2;
    for (int h = 0; h < 2; ++h) {
      for (int i = 0; i < 4; ++i) a[g + i % 2 * 8][t + i / 2 * 8 + h] = bf16_half(in[l].a[i], h);
      for (int i = 0; i < 2; ++i) b[t + i * 8 + h][g] = bf16_half(in[l].b[i], h);
    }
  }
  double d[16][8] = {};
  for (int i = 0; i < 16; ++i)
    for (int k = 0; k < 16; ++k)
      for (int j = 0; j < 8; ++j) d[i][j] += double{a[i][k]} * b[k][j];
  for (int l = 0; l < kWarpSize; ++l) {
    float* c = in[l].c;
    for (int i = 0; i < 4; ++i)
      c[i] = static_cast<float>(c[i] + d[l / 4 + i / 2 * 8][l % 4 * 2 + i % 2]);
    std::memcpy(w.lanes()[l].result, c, sizeof in[l].c);
  }
  ++stats.mma;
}

void count_conflicts(const LdmatrixOperands* in) {
  for (int tile = 0; tile < in[0].tiles; ++tile) {
    int used[8] = {};  // by groups of four banks
    for (int row = 0; row < 8; ++row) ++used[in[tile * 8 + row].address / 16 % 8];
    stats.ldmatrix_conflicts += static_cast<uint64_t>(*std::max_element(used, used + 8) - 1);
  }
  ++stats.ldmatrix;
}

template <bool kTranspose>
void load_tiles(Warp& w, unsigned) {
  LdmatrixOperands in[kWarpSize];
  for (int l = 0; l < kWarpSize; ++l) std::memcpy(&in[l], w.lanes()[l].operands, sizeof in[l]);
  for (int l = 0; l < kWarpSize; ++l) {
    if (in[l].tiles != in[0].tiles) fail("the lanes of a warp execute different ldmatrix");
    for (int tile = 0; tile < in[0].tiles; ++tile)
      for (int h = 0; h < 2; ++h) {
        int row = l / 4, column = l % 4 * 2 + h;
        if (kTranspose) std::swap(row, column);
        std::memcpy(w.lanes()[l].result + 4 * tile + 2 * h, in[tile * 8 + row].row + 2 * column, 2);
      }
  }
  count_conflicts(in);
}

}  // namespace

const Collective kMma{"mma.m16n8k16", multiply}, kLdmatrix{"ldmatrix", load_tiles<false>},
    kLdmatrixTranspose{"ldmatrix.trans", load_tiles<true>};

}  // namespace causeway::simt
