// Causal attention without options, forward, on AMX: blocks of 32 queries against as many keys as
// stay in cache, so that softmax seldom has to begin anew. The algorithm is that of
// ../attention_forward.cpp. Read next: attention_backward.cpp.
#include "core/cpu/kernels/amx/tile_packing.h"
#include "core/cpu/kernels/fill.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

/// Keys that are packed at a time.
constexpr int64_t kChunk = 256;

/// A piece's working memory; D is the head size.
struct Work {
  b16* k;          // columns are keys, depth D
  b16* v;          // depth is keys, columns D
  b16* q;          // (kBlock, D)
  float* s;        // (kBlock, kChunk): scores
  b16* p;          // (kBlock, kChunk): probabilities, not yet divided by the sum
  float* o;        // (queries, D), not yet divided by the sum
  float* highest;  // (queries), in units of ln 2
  float* total;    // (queries, lanes): Σ 2^(score − highest), one chain per lane
};

size_t forward_scratch(const AttentionArgs& a, int64_t queries) {
  return kChunk * a.width + kBlock * a.width / 2 + kBlock * kChunk * 3 / 2 +
         whole_blocks(queries) * (a.width + 1 + kLanes);
}

Work divide(float* scratch, int64_t queries, int64_t width) {
  Carver c{scratch};
  const auto halves = [&](int64_t count) {
    return reinterpret_cast<b16*>(c.take<float>(count / 2));
  };
  const int64_t rows = whole_blocks(queries);
  return {.k = halves(kChunk * width),
          .v = halves(kChunk * width),
          .q = halves(kBlock * width),
          .s = c.take<float>(kBlock * kChunk),
          .p = halves(kBlock * kChunk),
          .o = c.take<float>(rows * width),
          .highest = c.take<float>(rows),
          .total = c.take<float>(rows * kLanes)};
}

/// One block of queries against one chunk of keys. Row r sees its first own + r + 1, at most
/// `seen`.
struct Step {
  int64_t query;  // counts from the piece's first
  int64_t own, seen;
  bool first;  // chunk of these queries: nothing has been gathered yet
  int64_t columns() const { return whole_blocks(seen); }
};

/// The maximum over the first n of s, n > 0.
SIMD_INLINE float row_top(const float* s, int64_t n) {
  F top[2] = {splat(-__builtin_inff()), splat(-__builtin_inff())};
  int64_t j = 0;
  for (; j + 2 * kLanes <= n; j += 2 * kLanes) {
    top[0] = max(top[0], load(s + j));
    top[1] = max(top[1], load(s + j + kLanes));
  }
  if (j + kLanes <= n) top[0] = max(top[0], load(s + j)), j += kLanes;
  if (j < n) {
    const __mmask16 inside = (__mmask16)((1u << (n - j)) - 1);
    top[1] = (F)_mm512_mask_max_ps((__m512)top[1], inside, (__m512)top[1], (__m512)load(s + j));
  }
  return max(max(top[0], top[1]));
}

/// s → p = 2^(s · factor − level) for the first n of `columns`, 0 for the others; adds Σ p to sums.
SIMD_INLINE F soften(b16* p, const float* s, int64_t n, int64_t columns, float factor, float level,
                     F sums) {
  const F by = splat(factor), less = splat(-level);
  int64_t j = 0;
  for (; j + kBlock <= n; j += kBlock) {
    const F a = exp2_for_bf16(fma(load(s + j), by, less));
    const F b = exp2_for_bf16(fma(load(s + j + kLanes), by, less));
    store_block(p + j, narrow(a, b));
    sums += a + b;
  }
  if (j < n) {
    const uint32_t inside = (1u << (n - j)) - 1;
    const F a = exp2_for_bf16(fma(load(s + j), by, less));
    const F b = exp2_for_bf16(fma(load(s + j + kLanes), by, less));
    const F in_a = (F)_mm512_maskz_mov_ps((__mmask16)inside, (__m512)a);
    const F in_b = (F)_mm512_maskz_mov_ps((__mmask16)(inside >> kLanes), (__m512)b);
    store_block(p + j, narrow(in_a, in_b));
    sums += in_a + in_b;
    j += kBlock;
  }
  for (; j < columns; j += kBlock) store_block(p + j, B32{});
  return sums;
}

/// w.s → w.p relative to the rows' new maxima; rescales what they have gathered so far.
void soften_rows(const AttentionArgs& a, const Work& w, const Step& step) {
  const float factor = a.scale * kLog2E;
  for (int64_t r = 0; r < kBlock; ++r) {
    const float* s = w.s + r * kChunk;
    const int64_t row = step.query + r, sees = step.own + r + 1;
    const int64_t n = sees < 0 ? 0 : sees < step.seen ? sees : step.seen;
    float& highest = w.highest[row];
    float* const total = w.total + row * kLanes;
    if (step.first) highest = -__builtin_inff(), store(total, F{});
    if (n > 0) {
      const float top = row_top(s, n) * factor;
      if (!(top <= highest)) {
        if (!step.first) {
          const F keep = exp2(splat(highest - top));
          float* const o = w.o + row * a.width;
          for (int64_t d = 0; d < a.width; d += kLanes) store(o + d, load(o + d) * keep);
          store(total, load(total) * keep);
        }
        highest = top;
      }
    }
    store(total, soften(w.p + r * kChunk, s, n, step.columns(), factor, highest, load(total)));
  }
}

void attend(const AttentionArgs& a, const Work& w, const Step& step) {
  const int64_t columns = step.columns(), d = a.width;
  for (int64_t j = 0; j < columns; j += kBlock)
    multiply<Into::Overwrite>({w.s + j, kChunk}, {w.q, d},
                              {w.k + j / kTileRows * kTile, kChunk / kTileRows * kTile},
                              d / kBlock);
  soften_rows(a, w, step);
  for (int64_t i = 0; i < d; i += kBlock) {
    const Product o{w.o + step.query * d + i, d};
    const LeftBlock p{w.p, kChunk};
    const RightBlock v{w.v + i / kTileRows * kTile, d / kTileRows * kTile};
    if (step.first)
      multiply<Into::Overwrite>(o, p, v, columns / kBlock);
    else
      multiply<Into::Add>(o, p, v, columns / kBlock);
  }
}

/// What queries [query, query + rows) of the piece have gathered → o and lse.
void finish(const AttentionArgs& a, const AttentionPiece& piece, const Work& w, int64_t query,
            int64_t rows) {
  float sums[kBlock];
  for (int64_t r = 0; r < rows; ++r) {
    const float* o = w.o + (query + r) * a.width;
    sums[r] = sum(load(w.total + (query + r) * kLanes));
    const F by = splat(1.0f / sums[r]);
    b16* to = head_row<b16>(a.o, piece.batch, piece.query_begin + query + r, piece.head, a.width);
    for (int64_t d = 0; d < a.width; d += kBlock)
      store_block(to + d, narrow(load(o + d) * by, load(o + d + kLanes) * by));
  }
  float* lse = a.lse + (piece.batch * a.heads + piece.head) * a.tq + piece.query_begin + query;
  sweep(rows, [&](int64_t r, auto part) {
    store(lse + r, fma(load(w.highest + query + r, part), splat(kLn2), log(load(sums + r, part))),
          part);
  });
}

void attention_forward(const AttentionArgs& a, const AttentionPiece& piece, float* scratch) {
  const int64_t queries = piece.query_end - piece.query_begin;
  const int64_t own = piece.query_begin + a.tk - a.tq;  // the key of the first query
  const int64_t kv_head = piece.head / (a.heads / a.kv_heads);
  const Work w = divide(scratch, queries, a.width);
  const Tiles tiles;
  for (int64_t key = 0; key < own + queries; key += kChunk) {
    const int64_t left = own + queries - key, keys = left < kChunk ? left : kChunk;
    pack_as_columns(w.k, kChunk / kTileRows * kTile,
                    stored<b16>(a, a.k, piece.batch, key, kv_head, keys));
    pack_as_depth(w.v, stored<b16>(a, a.v, piece.batch, key, kv_head, keys));
    for (int64_t query = 0; query < queries; query += kBlock) {
      const int64_t rows = queries - query < kBlock ? queries - query : kBlock;
      const int64_t sees = own + query + rows - key;
      if (sees <= 0) continue;
      pack_rows(w.q, stored<b16>(a, a.q, piece.batch, piece.query_begin + query, piece.head, rows));
      attend(a, w, {query, own + query - key, sees < keys ? sees : keys, key == 0});
      if (sees <= kChunk) finish(a, piece, w, query, rows);
    }
  }
}

}  // namespace

void fill_attention_forward(Kernels& k) {
  k.attention_tiles.forward_scratch = forward_scratch;
  k.attention_tiles.forward = attention_forward;
}

}  // namespace causeway::cpu::CAUSEWAY_ISA
