// Causal attention without options, backward, on AMX. Keys are rows and queries columns: what a
// query needs to be softened is then a vector, and pᵀ and dsᵀ stand where d_v and d_k want them.
//   pᵀ = exp(k·qᵀ − lse), dpᵀ = v·d_oᵀ, dsᵀ = pᵀ·(dpᵀ − delta)
//   d_v = pᵀ·d_o, d_k = dsᵀ·q·scale, d_qᵀ = kᵀ·dsᵀ·scale
// The derivation and the pieces are those of ../kernels/attention_backward.cpp.
#include "core/cpu/amx/attention_packing.h"
#include "core/cpu/amx/fill.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

/// Keys of a step, and queries that it takes at a time.
constexpr int64_t kKeyRows = 64, kChunk = 128;

/// A piece's working memory; T is whole blocks of queries, D the head size.
struct Work {
  b16* q_columns;    // columns are queries of one head, depth D
  b16* d_o_columns;  // the same
  b16* q_depth;      // depth is queries, columns D
  b16* d_o_depth;    // the same
  float* level;      // (T): lse in units of ln 2, +∞ beyond the last query
  float* delta;      // (T): Σ d_o·o, 0 beyond the last query
  float* d_qt;       // (T / kBlock, D, kBlock), transposed within a block of queries
  float* d_k;        // (T, D), summed over the heads of the group
  float* d_v;        // (T, D)
  b16* k;            // (kKeyRows, D): a step's keys
  b16* v;            // (kKeyRows, D)
  b16* kt;           // (D, kKeyRows)
  float* s;          // (kBlock, kBlock): scores
  float* dp;         // (kBlock, kBlock)
  b16* pt;           // (kKeyRows, kChunk)
  b16* dst;          // (kKeyRows, kChunk)
  b16* ds_depth;     // depth is keys, columns are queries: kChunk / 16 tiles in each step
};

size_t backward_scratch(const AttentionArgs& a) {
  const int64_t times = whole_blocks(a.tk), d = a.width;
  return times * (5 * d + 2) + kKeyRows * d * 3 / 2 + 2 * kBlock * kBlock +
         kKeyRows * kChunk * 3 / 2;
}

Work divide(float* scratch, int64_t times, int64_t width) {
  Carver c{scratch};
  const auto halves = [&](int64_t count) {
    return reinterpret_cast<b16*>(c.take<float>(count / 2));
  };
  return {.q_columns = halves(times * width),
          .d_o_columns = halves(times * width),
          .q_depth = halves(times * width),
          .d_o_depth = halves(times * width),
          .level = c.take<float>(times),
          .delta = c.take<float>(times),
          .d_qt = c.take<float>(times * width),
          .d_k = c.take<float>(times * width),
          .d_v = c.take<float>(times * width),
          .k = halves(kKeyRows * width),
          .v = halves(kKeyRows * width),
          .kt = halves(kKeyRows * width),
          .s = c.take<float>(kBlock * kBlock),
          .dp = c.take<float>(kBlock * kBlock),
          .pt = halves(kKeyRows * kChunk),
          .dst = halves(kKeyRows * kChunk),
          .ds_depth = halves(kKeyRows * kChunk)};
}

/// Rows of a piece, one query head of it, and what of it is asked for.
struct Head {
  int64_t batch, head, kv_head;
  Wanted wanted;
  bool first, last;  // of the group
};

/// What a row of 32 queries needs to be softened.
struct QueryRow {
  F level[2], delta[2];
};

SIMD_INLINE F masked(F x, __mmask16 inside) { return (F)_mm512_maskz_mov_ps(inside, (__m512)x); }

/// Of one key and 32 queries.
struct Row {
  B32 p, ds;
};
/// Scores and dp → p and ds; 0 where not `seen`, a bit for each query.
SIMD_INLINE Row differentiate(const float* s, const float* dp, F factor, const QueryRow& query,
                              uint32_t seen) {
  F p[2], ds[2];
  for (int h = 0; h < 2; ++h) {
    const F score = fma(load(s + h * kLanes), factor, -query.level[h]);
    p[h] = masked(exp2_for_bf16(score), (__mmask16)(seen >> (h * kLanes)));
    ds[h] = p[h] * (load(dp + h * kLanes) - query.delta[h]);
  }
  return {narrow_two(p[0], p[1]), narrow_two(ds[0], ds[1])};
}

/// The 32 × 32 block of keys `row` and queries `column` of a step.
void differentiate_block(const Work& w, float factor, const QueryRow& queries, int64_t row,
                         int64_t column, bool diagonal) {
  for (int64_t r = 0; r < kBlock; r += 2) {
    const uint32_t seen = diagonal ? ~uint32_t{0} << r : ~uint32_t{0};
    const uint32_t seen_by_next = diagonal ? seen & (seen << 1) : seen;
    const Row a = differentiate(w.s + r * kBlock, w.dp + r * kBlock, splat(factor), queries, seen);
    const Row b = differentiate(w.s + (r + 1) * kBlock, w.dp + (r + 1) * kBlock, splat(factor),
                                queries, seen_by_next);
    const int64_t at = (row + r) * kChunk + column;
    store_block(w.pt + at, a.p), store_block(w.pt + at + kChunk, b.p);
    store_block(w.dst + at, a.ds), store_block(w.dst + at + kChunk, b.ds);
    const Interleaved pairs = interleave(a.ds, b.ds);
    b16* const depth = w.ds_depth + column * kKeyRows + row / kBlock * kStep + r / 2 * kBlock;
    store_block(depth, pairs.first), store_block(depth + kTile, pairs.second);
  }
}

/// A step: keys [key, key + keys) against queries [query, query + queries), in whole blocks.
struct Step {
  int64_t key, keys, query, queries;
  /// The first of the step's queries that see keys from key + row on.
  int64_t from(int64_t row) const { return key + row > query ? key + row - query : 0; }
};

/// pᵀ and dsᵀ of the blocks in which any query sees a key.
void differentiate_step(const AttentionArgs& a, const Work& w, const Step& step) {
  const int64_t d = a.width;
  for (int64_t row = 0; row < step.keys; row += kBlock)
    for (int64_t column = step.from(row); column < step.queries; column += kBlock) {
      const int64_t query = step.query + column;
      multiply<Into::Overwrite>({w.s, kBlock}, {w.k + row * d, d}, {w.q_columns + query * d},
                                d / kBlock);
      multiply<Into::Overwrite>({w.dp, kBlock}, {w.v + row * d, d}, {w.d_o_columns + query * d},
                                d / kBlock);
      const QueryRow queries{{load(w.level + query), load(w.level + query + kLanes)},
                             {load(w.delta + query), load(w.delta + query + kLanes)}};
      differentiate_block(w, a.scale * kLog2E, queries, row, column, query == step.key + row);
    }
}

/// d_v and d_k. `overwrite`: nothing has been gathered for these keys before their own queries.
void gather_keys(const AttentionArgs& a, const Work& w, const Step& step, bool overwrite) {
  const int64_t d = a.width;
  for (int64_t row = 0; row < step.keys; row += kBlock) {
    const int64_t from = step.from(row), steps = (step.queries - from) / kBlock;
    if (steps <= 0) continue;
    const Into into = overwrite && step.query == step.key ? Into::Overwrite : Into::Add;
    for (int64_t i = 0; i < d; i += kBlock) {
      const int64_t out = (step.key + row) * d + i, left = row * kChunk + from;
      const int64_t right = i * whole_blocks(a.tk) + (step.query + from) * kBlock;
      multiply(into, {w.d_v + out, d}, {w.pt + left, kChunk}, {w.d_o_depth + right}, steps);
      multiply(into, {w.d_k + out, d}, {w.dst + left, kChunk}, {w.q_depth + right}, steps);
    }
  }
}

/// d_qᵀ.
void gather_queries(const AttentionArgs& a, const Work& w, const Step& step, Into into) {
  const int64_t d = a.width;
  for (int64_t column = 0; column < step.queries; column += kBlock) {
    const int64_t query = step.query + column, sees = query + kBlock - step.key;
    const int64_t steps = (sees < step.keys ? sees : step.keys) / kBlock;
    for (int64_t i = 0; i < d; i += kBlock)
      multiply(into, {w.d_qt + query * d + i * kBlock, kBlock}, {w.kt + i * kKeyRows, kKeyRows},
               {w.ds_depth + column * kKeyRows}, steps);
  }
}

/// lse and Σ d_o·o of queries [begin, end), in whole blocks.
void prepare_rows(const AttentionArgs& a, const Head& h, const Work& w, int64_t begin,
                  int64_t end) {
  const float* lse = a.lse + (h.batch * a.heads + h.head) * a.tq;
  for (int64_t t = begin; t < whole_blocks(end); ++t) {
    w.level[t] = t < end ? lse[t] * kLog2E : __builtin_inff();
    w.delta[t] = 0;
    if (t >= end) continue;
    const b16* o = head_row<b16>(a.o, h.batch, t, h.head, a.width);
    const b16* d_o = head_row<b16>(a.d_o, h.batch, t, h.head, a.width);
    F dots{};
    for (int64_t d = 0; d < a.width; d += kBlock)
      dots = (F)_mm512_dpbf16_ps((__m512)dots, (__m512bh)load_block(o + d),
                                 (__m512bh)load_block(d_o + d));
    w.delta[t] = sum(dots);
  }
}

/// The d_qᵀ of a block of queries → d_q.
void store_queries(const AttentionArgs& a, const Head& h, const Work& w, int64_t query,
                   int64_t rows) {
  const F by = splat(a.scale);
  for (int64_t i = 0; i < a.width; i += kBlock) {
    const float* const from = w.d_qt + query * a.width + i * kBlock;
    const auto pairs = [&](int64_t k) {
      const float* const row = from + 2 * k * kBlock;
      return interleave(narrow_two(load(row) * by, load(row + kLanes) * by),
                        narrow_two(load(row + kBlock) * by, load(row + kBlock + kLanes) * by));
    };
    rows_of_pairs(pairs, [&](int64_t r, B32 numbers) {
      if (r < rows)
        store_block(head_row<b16>(a.d_q, h.batch, query + r, h.head, a.width) + i, numbers);
    });
  }
}

/// Keys [begin, end) of sums (T, D) → out.
void store_keys(const AttentionArgs& a, const Heads& out, const Head& h, const float* sums,
                int64_t begin, int64_t end, float factor) {
  const F by = splat(factor);
  for (int64_t t = begin; t < end; ++t) {
    b16* const to = head_row<b16>(out, h.batch, t, h.kv_head, a.width);
    const float* const from = sums + t * a.width;
    for (int64_t d = 0; d < a.width; d += kBlock)
      store_block(to + d, narrow_two(load(from + d) * by, load(from + d + kLanes) * by));
  }
}

/// Queries [begin, end) as operands.
void pack_queries(const AttentionArgs& a, const Head& h, const Work& w, int64_t begin,
                  int64_t end) {
  const auto q = stored<b16>(a, a.q, h.batch, begin, h.head, end - begin);
  const auto d_o = stored<b16>(a, a.d_o, h.batch, begin, h.head, end - begin);
  pack_as_columns(w.q_columns + begin * a.width, q);
  pack_as_columns(w.d_o_columns + begin * a.width, d_o);
  if (!h.wanted.keys) return;
  const int64_t times = whole_blocks(a.tk);
  pack_as_depth(w.q_depth + begin * kBlock, times, q);
  pack_as_depth(w.d_o_depth + begin * kBlock, times, d_o);
}

/// One query head against all keys of the piece.
void backward_head(const AttentionArgs& a, const AttentionPiece& piece, const Head& h,
                   const Work& w) {
  // Queries before the first key of the piece see none of it.
  const int64_t first = piece.query_begin > piece.key_begin ? piece.query_begin : piece.key_begin;
  const int64_t end = whole_blocks(piece.query_end);
  for (int64_t query = first; query < piece.query_end; query += kBlock) {
    const int64_t rows = piece.query_end - query < kBlock ? piece.query_end - query : kBlock;
    prepare_rows(a, h, w, query, query + rows);
    pack_queries(a, h, w, query, query + rows);
  }
  const int64_t key_end = piece.key_end < piece.query_end ? piece.key_end : piece.query_end;
  for (int64_t key = piece.key_begin; key < key_end; key += kKeyRows) {
    const int64_t n = key_end - key < kKeyRows ? key_end - key : kKeyRows;
    const auto k = stored<b16>(a, a.k, piece.batch, key, h.kv_head, n);
    pack_rows(w.k, k);
    pack_rows(w.v, stored<b16>(a, a.v, piece.batch, key, h.kv_head, n));
    if (h.wanted.queries) pack_transposed(w.kt, kKeyRows, k);
    const int64_t begin = first > key ? first : key;
    for (int64_t query = begin; query < end; query += kChunk) {
      const Step step{key, whole_blocks(n), query, end - query < kChunk ? end - query : kChunk};
      differentiate_step(a, w, step);
      if (h.wanted.keys) gather_keys(a, w, step, h.first);
      if (h.wanted.queries)
        gather_queries(a, w, step, key == piece.key_begin ? Into::Overwrite : Into::Add);
    }
    if (h.wanted.keys && h.last) {
      store_keys(a, a.d_k, h, w.d_k, key, key + n, a.scale);
      store_keys(a, a.d_v, h, w.d_v, key, key + n, 1.0f);
    }
  }
  if (!h.wanted.queries) return;
  for (int64_t query = first; query < piece.query_end; query += kBlock)
    store_queries(a, h, w, query,
                  piece.query_end - query < kBlock ? piece.query_end - query : kBlock);
}

void attention_backward(const AttentionArgs& a, const AttentionPiece& piece, const AttentionPiece&,
                        float* scratch) {
  const int64_t group = a.heads / a.kv_heads;
  const Work w = divide(scratch, whole_blocks(a.tk), a.width);
  const Wanted wanted(a, piece);
  const Tiles tiles;
  for (int64_t g = 0; g < group; ++g)
    backward_head(a, piece,
                  {.batch = piece.batch,
                   .head = piece.head * group + g,
                   .kv_head = piece.head,
                   .wanted = wanted,
                   .first = g == 0,
                   .last = g == group - 1},
                  w);
}

}  // namespace

void fill_attention_backward(Kernels& k) {
  k.attention_tiles.backward_scratch = backward_scratch;
  k.attention_tiles.backward = attention_backward;
}

}  // namespace causeway::cpu::CAUSEWAY_ISA
