// Causal attention without options, forward, on AMX: 32 queries against 64 keys at a time, small
// enough that scores and probabilities stay in the first-level cache. A row's level is lifted only
// when a score outgrows it by kHeadroom, so that what was gathered is seldom rescaled: p stays
// below 2^kHeadroom, where bf16 is as exact as below 1. Read next: attention_backward.cpp.
#include "core/cpu/amx/attention_packing.h"
#include "core/cpu/amx/fill.h"
#include "core/cpu/kernels/attention_ahead.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

/// Of the kChunk keys that are packed at a time, the keys of one step.
constexpr int64_t kStepKeys = 64;
constexpr int64_t kSquare = kBlock * kBlock;

/// A piece's working memory; D is the head size.
struct Work {
  b16* k;        // columns are keys, depth D
  b16* v;        // depth is keys, columns D
  b16* q;        // (kBlock, D)
  float* s;      // (2, kBlock, kBlock): scores of a step, by blocks of keys
  b16* p;        // (kBlock, kStepKeys): probabilities, not yet divided by the sum
  float* o;      // (queries, D), not yet divided by the sum
  float* level;  // (queries), in units of ln 2
  float* total;  // (queries, lanes): Σ 2^(score − level), one chain per lane
};

size_t forward_scratch(const AttentionArgs& a, int64_t queries) {
  return kChunk * a.width + kBlock * a.width / 2 + 3 * kSquare +
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
          .s = c.take<float>(2 * kSquare),
          .p = halves(2 * kSquare),
          .o = c.take<float>(rows * width),
          .level = c.take<float>(rows),
          .total = c.take<float>(rows * kLanes)};
}

/// One block of queries against kStepKeys keys. Row r sees the first own + r + 1 of them.
struct Step {
  int64_t query;  // counts from the piece's first
  int64_t own;
  int64_t columns;  // one or two blocks
  bool first;       // step of these queries: nothing has been gathered yet
};

/// The 64 scores of a row, -∞ where a key is not seen.
struct Scores {
  F x[4];
};
SIMD_INLINE Scores row_of(const float* s, int64_t r, uint64_t seen) {
  Scores row;
  for (int h = 0; h < 4; ++h) {
    const float* from = s + h / 2 * kSquare + r * kBlock + h % 2 * kLanes;
    row.x[h] = (F)_mm512_mask_loadu_ps((__m512)splat(-__builtin_inff()),
                                       (__mmask16)(seen >> (h * kLanes)), from);
  }
  return row;
}

/// A score has outgrown the row's level: the level becomes the new maximum, and what has been
/// gathered is rescaled.
void lift(const AttentionArgs& a, const Work& w, const Step& step, int64_t row, float top) {
  if (!step.first) {
    const F keep = exp2(splat(w.level[row] - top));
    float* const o = w.o + row * a.width;
    for (int64_t d = 0; d < a.width; d += kLanes) store(o + d, load(o + d) * keep);
    float* const total = w.total + row * kLanes;
    store(total, load(total) * keep);
  }
  w.level[row] = top;
}

/// w.s → w.p relative to the rows' levels; the step has kHalves blocks of keys.
template <int kHalves>
void soften_rows(const AttentionArgs& a, const Work& w, const Step& step, Ahead<b16>& ahead) {
  const F factor = splat(a.scale * kLog2E);
  for (int64_t r = 0; r < kBlock; ++r) {
    const int64_t row = step.query + r, sees = step.own + r + 1;
    const uint64_t seen = sees >= kStepKeys ? ~uint64_t{0}
                          : sees <= 0       ? 0
                                            : (uint64_t{1} << sees) - 1;
    ahead.ask(2);
    const Scores scores = row_of(w.s, r, seen);
    F top = max(scores.x[0], scores.x[1]);
    if (kHalves == 2) top = max(top, max(scores.x[2], scores.x[3]));
    top *= factor;
    float* const total = w.total + row * kLanes;
    if (step.first) w.level[row] = -__builtin_inff(), store(total, F{});
    const F limit = splat(w.level[row] + kHeadroom);
    if (_mm512_cmp_ps_mask((__m512)top, (__m512)limit, _CMP_NLE_UQ)) [[unlikely]]
      lift(a, w, step, row, max(top));
    const F less = splat(-w.level[row]);
    F sums = load(total);
    for (int h = 0; h < kHalves; ++h) {
      const F x = exp2_for_bf16(fma(scores.x[2 * h], factor, less));
      const F y = exp2_for_bf16(fma(scores.x[2 * h + 1], factor, less));
      store_block(w.p + r * kStepKeys + h * kBlock, narrow_two(x, y));
      sums += x + y;
    }
    store(total, sums);
  }
}

void attend(const AttentionArgs& a, const Work& w, const Step& step, const b16* k, const b16* v,
            Ahead<b16>& ahead) {
  const int64_t d = a.width;
  for (int64_t j = 0; j < step.columns; j += kBlock)
    multiply<Into::Overwrite>({w.s + j * kBlock, kBlock}, {w.q, d}, {k + j * d}, d / kBlock);
  if (step.columns == kStepKeys)
    soften_rows<2>(a, w, step, ahead);
  else
    soften_rows<1>(a, w, step, ahead);
  for (int64_t i = 0; i < d; i += kBlock)
    multiply(step.first ? Into::Overwrite : Into::Add, {w.o + step.query * d + i, d},
             {w.p, kStepKeys}, {v + i * kChunk}, step.columns / kBlock);
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
      store_block(to + d, narrow_two(load(o + d) * by, load(o + d + kLanes) * by));
  }
  float* lse = a.lse + (piece.batch * a.heads + piece.head) * a.tq + piece.query_begin + query;
  sweep(rows, [&](int64_t r, auto part) {
    store(lse + r, fma(load(w.level + query + r, part), splat(kLn2), log(load(sums + r, part))),
          part);
  });
}

void attention_forward(const AttentionArgs& a, const AttentionPiece& piece,
                       const AttentionPiece& next, float* scratch) {
  const int64_t queries = piece.query_end - piece.query_begin;
  const int64_t own = piece.query_begin + a.tk - a.tq;  // the key of the first query
  const int64_t kv_head = piece.head / (a.heads / a.kv_heads), key_end = own + queries;
  const Work w = divide(scratch, queries, a.width);
  const Tiles tiles;
  for (int64_t key = 0; key < key_end; key += kChunk) {
    const int64_t keys = at_most_a_chunk(key_end - key);
    pack_as_columns(w.k, stored<b16>(a, a.k, piece.batch, key, kv_head, keys));
    pack_as_depth(w.v, kChunk, stored<b16>(a, a.v, piece.batch, key, kv_head, keys));
    Ahead<b16> ahead = after<b16>(a, piece, key + kChunk, key_end, next);
    for (int64_t query = 0; query < queries; query += kBlock) {
      const int64_t rows = queries - query < kBlock ? queries - query : kBlock;
      const int64_t sees = own + query + rows - key, from = piece.query_begin + query;
      if (sees <= 0) continue;
      pack_rows(w.q, stored<b16>(a, a.q, piece.batch, from, piece.head, rows));
      const int64_t seen = whole_blocks(sees < keys ? sees : keys);
      for (int64_t j = 0; j < seen; j += kStepKeys) {
        const int64_t columns = seen - j < kStepKeys ? seen - j : kStepKeys;
        attend(a, w, {query, own + query - key - j, columns, key + j == 0}, w.k + j * a.width,
               w.v + j * kBlock, ahead);
      }
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
