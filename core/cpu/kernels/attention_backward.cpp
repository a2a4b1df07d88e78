// Causal attention, backward: the probabilities are made again, block by block, from q, k and lse.
//   p = exp(score − lse), dp = d_o·v, delta = d_o·o, ds = p·(dp − delta)
//   d_v = pᵀ·d_o, d_q = ds·k·scale, d_k = dsᵀ·q·scale
// One piece owns what it writes, and sums it in a fixed order. Derivation: docs/operations.md.
// Read next: ../attention.cpp, which cuts the pieces.
#include "core/cpu/kernels/attention_common.h"
#include "core/cpu/kernels/fill.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

/// A piece's working memory; Dp is the head size padded to whole vectors.
struct Work {
  float* d_q;    // (T, Dp) of one query head
  float* d_k;    // (T, Dp), summed over the heads of the group
  float* d_v;    // (T, Dp)
  float* delta;  // (T) of one query head
  float* kt;     // (D, kKeys): a block of keys, transposed
  float* vt;     // (D, kKeys)
  float* k;      // (kKeys, Dp)
  float* q;      // (kQueries, Dp), times scale
  float* d_o;    // (kQueries, Dp)
  float* p;      // (kQueries, kKeys)
  float* ds;     // (kQueries, kKeys)
};

size_t attention_backward_scratch(const AttentionArgs& a) {
  const int64_t dp = padded(a.width);
  return 3 * a.tk * dp + padded(a.tk) + 3 * kKeys * dp + 2 * kQueries * dp + 2 * kQueries * kKeys;
}

Work divide(float* p, int64_t times, int64_t dp) {
  Work w;
  w.d_q = p, p += times * dp;
  w.d_k = p, p += times * dp;
  w.d_v = p, p += times * dp;
  w.delta = p, p += padded(times);
  w.kt = p, p += kKeys * dp;
  w.vt = p, p += kKeys * dp;
  w.k = p, p += kKeys * dp;
  w.q = p, p += kQueries * dp;
  w.d_o = p, p += kQueries * dp;
  w.p = p, p += kQueries * kKeys;
  w.ds = p;
  return w;
}

/// What a piece computes: with every query it can own keys, with every key it can own queries.
struct Wanted {
  bool queries, keys;
};

/// One query's scores → p, and dp → ds, over `columns` (whole vectors). Columns outside [first,
/// last) get 0.
SIMD_INLINE void differentiate_row(const AttentionArgs& a, float* p, float* ds, int64_t first,
                                   int64_t last, int64_t columns, int64_t distance, int64_t head,
                                   float lse, float delta) {
  finish_scores(a, p, columns, distance, head);
  for (int64_t j = 0; j < columns; j += kLanes) {
    const F score = load(p + j);
    const F probability = exp(score - lse);
    F slope = probability * (load(ds + j) - delta);
    if (a.softcap > 0) {
      // score = c·t − ALiBi with t = tanh(…): undo the ALiBi term to find t again.
      F capped = score;
      if (a.slopes)
        for (int i = 0; i < kLanes; ++i)
          capped[i] += a.slopes[head] * static_cast<float>(distance - j - i);
      const F t = capped / a.softcap;
      slope *= 1.0f - t * t;
    }
    store(p + j, probability);
    store(ds + j, slope);
  }
  for (int64_t j = 0; j < first; ++j) p[j] = 0, ds[j] = 0;
  for (int64_t j = last > 0 ? last : 0; j < columns; ++j) p[j] = 0, ds[j] = 0;
}

/// Queries [begin, end) of `head` against the packed block of keys that starts at key0.
template <class T>
void differentiate(const AttentionArgs& a, int64_t batch, int64_t head, Wanted wanted,
                   const Work& w, int64_t begin, int64_t end, int64_t key0, int64_t keys) {
  const Range any = visible_to_any(a, batch, begin, end);
  if (any.end <= key0 || any.begin >= key0 + keys) return;
  const int64_t depth = any.end - key0 < keys ? any.end - key0 : keys;
  const int64_t columns = padded(depth), dp = padded(a.width), rows = end - begin;
  pack_rows<T>(w.q, dp, head_row<T>(a.q, batch, begin, head, a.width), a.q.t, rows, a.width,
               a.scale);
  pack_rows<T>(w.d_o, dp, head_row<T>(a.d_o, batch, begin, head, a.width), a.d_o.t, rows, a.width,
               1.0f);
  gemm<Into::Overwrite>({w.p, kKeys}, {w.q, dp, 1}, {w.kt, kKeys}, rows, columns / kLanes, a.width);
  gemm<Into::Overwrite>({w.ds, kKeys}, {w.d_o, dp, 1}, {w.vt, kKeys}, rows, columns / kLanes,
                        a.width);
  const float* lse = a.lse + (batch * a.heads + head) * a.tq;
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t query = begin + r;
    const Range range = visible(a, batch, query);
    const int64_t first = range.begin > key0 ? range.begin - key0 : 0;
    const int64_t last = range.end - key0;
    differentiate_row(a, w.p + r * kKeys, w.ds + r * kKeys, first < columns ? first : columns,
                      last < depth ? last : depth, columns, query - key0, head, lse[query],
                      w.delta[query]);
  }
  const int64_t vectors = dp / kLanes;
  if (wanted.keys) {
    gemm<Into::Add>({w.d_v + key0 * dp, dp}, {w.p, 1, kKeys}, {w.d_o, dp}, depth, vectors, rows);
    gemm<Into::Add>({w.d_k + key0 * dp, dp}, {w.ds, 1, kKeys}, {w.q, dp}, depth, vectors, rows);
  }
  if (wanted.queries)
    gemm<Into::Add>({w.d_q + begin * dp, dp}, {w.ds, kKeys, 1}, {w.k, dp}, rows, vectors, depth);
}

/// delta = Σ d_o·o of queries [begin, end).
template <class T>
void dot_outputs(const AttentionArgs& a, int64_t batch, int64_t head, float* delta, int64_t begin,
                 int64_t end) {
  for (int64_t query = begin; query < end; ++query) {
    const T* o = head_row<T>(a.o, batch, query, head, a.width);
    const T* d_o = head_row<T>(a.d_o, batch, query, head, a.width);
    delta[query] = sum_over(
        a.width, [&](int64_t d, auto part) { return load(o + d, part) * load(d_o + d, part); });
  }
}

template <class T>
void store_rows(const Heads& out, int64_t batch, int64_t head, int64_t width, const float* rows,
                int64_t begin, int64_t end, float factor) {
  for (int64_t t = begin; t < end; ++t) {
    T* to = head_row<T>(out, batch, t, head, width);
    const float* from = rows + t * padded(width);
    sweep(width, [&](int64_t d, auto part) { store(to + d, load(from + d) * factor, part); });
  }
}

/// One query head against all key blocks of the piece.
template <class T>
void backward_head(const AttentionArgs& a, const AttentionPiece& piece, int64_t head, Wanted wanted,
                   const Work& w) {
  const int64_t dp = padded(a.width), kv_head = head / (a.heads / a.kv_heads);
  // Queries before the first key of the piece see none of it.
  const int64_t first = piece.query_begin > piece.key_begin ? piece.query_begin : piece.key_begin;
  dot_outputs<T>(a, piece.batch, head, w.delta, first, piece.query_end);
  if (wanted.queries)
    for (int64_t i = piece.query_begin * dp; i < piece.query_end * dp; ++i) w.d_q[i] = 0;
  const int64_t key_end = piece.key_end < piece.query_end ? piece.key_end : piece.query_end;
  for (int64_t key0 = piece.key_begin; key0 < key_end; key0 += kKeys) {
    const int64_t n = piece.key_end - key0 < kKeys ? piece.key_end - key0 : kKeys;
    const T* k = head_row<T>(a.k, piece.batch, key0, kv_head, a.width);
    pack_columns<T>(w.kt, k, a.k.t, n, a.width);
    pack_rows<T>(w.k, dp, k, a.k.t, n, a.width, 1.0f);
    pack_columns<T>(w.vt, head_row<T>(a.v, piece.batch, key0, kv_head, a.width), a.v.t, n, a.width);
    const int64_t begin = piece.query_begin > key0 ? piece.query_begin : key0;
    for (int64_t query = begin; query < piece.query_end; query += kQueries)
      differentiate<T>(a, piece.batch, head, wanted, w, query,
                       query + kQueries < piece.query_end ? query + kQueries : piece.query_end,
                       key0, n);
  }
  if (wanted.queries)
    store_rows<T>(a.d_q, piece.batch, head, a.width, w.d_q, piece.query_begin, piece.query_end,
                  a.scale);
}

template <class T>
void attention_backward(const AttentionArgs& a, const AttentionPiece& piece, float* scratch) {
  const int64_t dp = padded(a.width), group = a.heads / a.kv_heads;
  const Work w = divide(scratch, a.tk, dp);
  const Wanted wanted{piece.key_begin == 0 && piece.key_end == a.tk,
                      piece.query_begin == 0 && piece.query_end == a.tq};
  if (wanted.keys)
    for (int64_t i = piece.key_begin * dp; i < piece.key_end * dp; ++i) w.d_k[i] = 0, w.d_v[i] = 0;
  for (int64_t g = 0; g < group; ++g) backward_head<T>(a, piece, piece.head * group + g, wanted, w);
  if (!wanted.keys) return;
  store_rows<T>(a.d_k, piece.batch, piece.head, a.width, w.d_k, piece.key_begin, piece.key_end,
                1.0f);
  store_rows<T>(a.d_v, piece.batch, piece.head, a.width, w.d_v, piece.key_begin, piece.key_end,
                1.0f);
}

}  // namespace

void fill_attention_backward(Kernels& k) {
  k.attention_backward_scratch = attention_backward_scratch;
  k.attention_backward[0] = attention_backward<float>;
  k.attention_backward[1] = attention_backward<b16>;
}

}  // namespace causeway::cpu::CAUSEWAY_ISA
