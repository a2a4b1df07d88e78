// Causal attention, backward: the probabilities are made again, block by block, from q, k and lse.
//   p = exp(score − lse), dp = d_o·v, delta = d_o·o, ds = p·(dp − delta)
//   d_v = pᵀ·d_o, d_q = ds·k·scale, d_k = dsᵀ·q·scale
// One piece owns what it writes, and sums it in a fixed order. Derivation: docs/operations.md.
// Read next: ../attention.cpp, which cuts the pieces.
#include "core/cpu/kernels/attention_common.h"
#include "core/cpu/kernels/fill.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

/// A piece's working memory; Dp is the head size padded to whole vectors. Operands of products
/// are elements of Blocks.
template <class E>
struct Work {
  float* d_q;    // (T, Dp) of one query head
  float* d_k;    // (T, Dp), summed over the heads of the group
  float* d_v;    // (T, Dp)
  float* delta;  // (T) of one query head
  E* kt;         // (D, kKeys): a block of keys, transposed
  E* vt;         // (D, kKeys)
  E* k;          // (kKeys, Dp)
  E* q;          // (kQueries, Dp)
  E* d_o;        // (kQueries, Dp)
  float* p;      // (kQueries, kKeys)
  float* ds;     // (kQueries, kKeys)
  E* left;       // (kQueries, kKeys): p or ds as a left operand
};

size_t attention_backward_scratch(const AttentionArgs& a) {
  const int64_t dp = padded(a.width);
  return 3 * a.tk * dp + padded(a.tk) + 3 * kKeys * dp + 2 * kQueries * dp + 3 * kQueries * kKeys;
}

template <class E>
Work<E> divide(float* scratch, int64_t times, int64_t dp) {
  Carver c{scratch};
  return {.d_q = c.take<float>(times * dp),
          .d_k = c.take<float>(times * dp),
          .d_v = c.take<float>(times * dp),
          .delta = c.take<float>(padded(times)),
          .kt = c.take<E>(kKeys * dp),
          .vt = c.take<E>(kKeys * dp),
          .k = c.take<E>(kKeys * dp),
          .q = c.take<E>(kQueries * dp),
          .d_o = c.take<E>(kQueries * dp),
          .p = c.take<float>(kQueries * kKeys),
          .ds = c.take<float>(kQueries * kKeys),
          .left = c.take<E>(kQueries * kKeys)};
}

/// A block of keys, and of their values, as the products want them.
template <class E>
struct KeyBlock {
  int64_t begin, count;
  Right<E> kt, vt, k;
};

/// What a piece computes: with every query it can own keys, with every key it can own queries.
struct Wanted {
  bool queries, keys;
};

/// One query's scores → p, and dp → ds, over `columns` (whole vectors). Columns outside [first,
/// last) get 0.
template <class Blocks>
SIMD_INLINE void differentiate_row(const AttentionArgs& a, float* p, float* ds, int64_t first,
                                   int64_t last, int64_t columns, int64_t distance, int64_t head,
                                   float lse, float delta) {
  const float level = lse * kLog2E;
  const float factor = finish_scores(a, p, columns, distance, head);
  for (int64_t j = 0; j < columns; j += kLanes) {
    const F score = load(p + j);
    const F probability = power_of_two<Blocks>(fma(score, splat(factor), splat(-level)));
    F slope = probability * (load(ds + j) - delta);
    if (a.softcap > 0) {
      // score · ln 2 = c·t − ALiBi with t = tanh(…): undo the ALiBi term to find t again.
      F capped = score;
      if (a.slopes)
        for (int i = 0; i < kLanes; ++i) capped[i] += alibi(a, head, distance - j - i);
      const F t = capped * (kLn2 / a.softcap);
      slope *= 1.0f - t * t;
    }
    store(p + j, probability);
    store(ds + j, slope);
  }
  fill_outside(p, first, last, columns, 0);
  fill_outside(ds, first, last, columns, 0);
}

/// The scores of queries [begin, end) in w.p, and dp in w.ds → p and ds.
template <class Blocks, class E>
void differentiate_rows(const AttentionArgs& a, int64_t batch, int64_t head, const Work<E>& w,
                        int64_t begin, int64_t end, int64_t key0, int64_t depth) {
  const int64_t columns = padded(depth);
  const float* lse = a.lse + (batch * a.heads + head) * a.tq;
  for (int64_t query = begin; query < end; ++query) {
    const int64_t row = (query - begin) * kKeys;
    const Range range = visible(a, batch, query);
    const int64_t first = range.begin > key0 ? range.begin - key0 : 0;
    const int64_t last = range.end - key0;
    differentiate_row<Blocks>(a, w.p + row, w.ds + row, first < columns ? first : columns,
                              last < depth ? last : depth, columns, query - key0, head, lse[query],
                              w.delta[query]);
  }
}

/// Queries [begin, end) of `head` against a block of keys.
template <class Blocks, class T, class E>
void differentiate(const AttentionArgs& a, int64_t batch, int64_t head, Wanted wanted,
                   const Work<E>& w, int64_t begin, int64_t end, const KeyBlock<E>& keys) {
  const Range any = visible_to_any(a, batch, begin, end);
  if (any.end <= keys.begin || any.begin >= keys.begin + keys.count) return;
  const int64_t depth = any.end - keys.begin < keys.count ? any.end - keys.begin : keys.count;
  const int64_t columns = padded(depth), dp = padded(a.width), rows = end - begin;
  const auto q = Blocks::two_sided(w.q, stored<T>(a, a.q, batch, begin, head, rows));
  const auto d_o = Blocks::two_sided(w.d_o, stored<T>(a, a.d_o, batch, begin, head, rows));
  const int64_t width = Blocks::depth(a.width);
  gemm<Into::Overwrite>({w.p, kKeys}, q.left, keys.kt, rows, columns / kLanes, width);
  gemm<Into::Overwrite>({w.ds, kKeys}, d_o.left, keys.vt, rows, columns / kLanes, width);
  differentiate_rows<Blocks>(a, batch, head, w, begin, end, keys.begin, depth);
  const int64_t vectors = dp / kLanes;
  if (wanted.keys) {
    const auto add = [&](float* sums, const float* scores, Right<E> right) {
      gemm<Into::Add>({sums + keys.begin * dp, dp},
                      Blocks::transposed_scores(w.left, scores, rows, columns), right, depth,
                      vectors, Blocks::depth(rows));
    };
    add(w.d_v, w.p, d_o.right);
    add(w.d_k, w.ds, q.right);
  }
  if (wanted.queries)
    gemm<Into::Add>({w.d_q + begin * dp, dp}, Blocks::scores(w.left, w.ds, rows, columns), keys.k,
                    rows, vectors, Blocks::depth(depth));
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
template <class Blocks, class T, class E>
void backward_head(const AttentionArgs& a, const AttentionPiece& piece, int64_t head, Wanted wanted,
                   const Work<E>& w) {
  const int64_t dp = padded(a.width), kv_head = head / (a.heads / a.kv_heads);
  // Queries before the first key of the piece see none of it.
  const int64_t first = piece.query_begin > piece.key_begin ? piece.query_begin : piece.key_begin;
  dot_outputs<T>(a, piece.batch, head, w.delta, first, piece.query_end);
  if (wanted.queries)
    for (int64_t i = piece.query_begin * dp; i < piece.query_end * dp; ++i) w.d_q[i] = 0;
  const int64_t key_end = piece.key_end < piece.query_end ? piece.key_end : piece.query_end;
  for (int64_t key0 = piece.key_begin; key0 < key_end; key0 += kKeys) {
    const int64_t n = piece.key_end - key0 < kKeys ? piece.key_end - key0 : kKeys;
    const auto k = stored<T>(a, a.k, piece.batch, key0, kv_head, n);
    const auto v = stored<T>(a, a.v, piece.batch, key0, kv_head, n);
    const KeyBlock<E> keys{key0, n, Blocks::right_transposed(w.kt, k),
                           Blocks::right_transposed(w.vt, v), Blocks::right(w.k, k)};
    const int64_t begin = piece.query_begin > key0 ? piece.query_begin : key0;
    for (int64_t query = begin; query < piece.query_end; query += kQueries)
      differentiate<Blocks, T>(
          a, piece.batch, head, wanted, w, query,
          query + kQueries < piece.query_end ? query + kQueries : piece.query_end, keys);
  }
  if (wanted.queries)
    store_rows<T>(a.d_q, piece.batch, head, a.width, w.d_q, piece.query_begin, piece.query_end,
                  a.scale);
}

template <class T>
void attention_backward(const AttentionArgs& a, const AttentionPiece& piece, float* scratch) {
  using Blocks = BlocksOf<T>::Type;
  const int64_t dp = padded(a.width), group = a.heads / a.kv_heads;
  const auto w = divide<typename Blocks::Element>(scratch, a.tk, dp);
  const Wanted wanted{piece.key_begin == 0 && piece.key_end == a.tk,
                      piece.query_begin == 0 && piece.query_end == a.tq};
  if (wanted.keys)
    for (int64_t i = piece.key_begin * dp; i < piece.key_end * dp; ++i) w.d_k[i] = 0, w.d_v[i] = 0;
  for (int64_t g = 0; g < group; ++g)
    backward_head<Blocks, T>(a, piece, piece.head * group + g, wanted, w);
  if (!wanted.keys) return;
  store_rows<T>(a.d_k, piece.batch, piece.head, a.width, w.d_k, piece.key_begin, piece.key_end,
                a.scale);
  store_rows<T>(a.d_v, piece.batch, piece.head, a.width, w.d_v, piece.key_begin, piece.key_end,
                1.0f);
}

}  // namespace

void fill_attention_backward(Kernels& k) {
  for (AttentionKernels& kernels : k.attention)
    kernels.backward_scratch = attention_backward_scratch;
  k.attention[0].backward = attention_backward<float>;
  k.attention[1].backward = attention_backward<b16>;
}

}  // namespace causeway::cpu::CAUSEWAY_ISA
