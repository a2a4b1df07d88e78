// Causal attention, forward, without a T × T matrix: keys are taken in blocks, and each query keeps
// a running maximum, sum and weighted value (Milakov & Gimelshein 2018, arXiv:1805.02867; Dao et
// al. 2022, arXiv:2205.14135). Read next: attention_backward.cpp, ../attention.cpp.
#include "core/cpu/kernels/attention_common.h"
#include "core/cpu/kernels/fill.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

/// A piece's working memory; Dp is the head size padded to whole vectors.
template <class E>
struct Work {
  E* q;            // (queries, Dp)
  float* o;        // (queries, Dp), not yet divided by the sum
  float* highest;  // (queries)
  float* total;    // (queries, lanes): Σ 2^(score − highest), one chain per lane
  E* k;            // (D, kKeys): a block of keys, transposed
  E* v;            // (kKeys, Dp)
  float* s;        // (kQueries, kKeys): scores, then probabilities
  E* p;            // (kQueries, kKeys): probabilities as a left operand
};

size_t attention_forward_scratch(const AttentionArgs& a, int64_t queries) {
  const int64_t dp = padded(a.width);
  return padded(queries) * (2 * dp + 1 + kLanes) + 2 * kKeys * dp + 2 * kQueries * kKeys;
}

template <class E>
Work<E> divide(float* scratch, int64_t queries, int64_t dp) {
  Carver c{scratch};
  const int64_t rows = padded(queries);
  return {.q = c.take<E>(rows * dp),
          .o = c.take<float>(rows * dp),
          .highest = c.take<float>(rows),
          .total = c.take<float>(rows * kLanes),
          .k = c.take<E>(kKeys * dp),
          .v = c.take<E>(kKeys * dp),
          .s = c.take<float>(kQueries * kKeys),
          .p = c.take<E>(kQueries * kKeys)};
}

/// Scores of one query, still to be multiplied by `factor` → probabilities relative to its new
/// maximum; rescales what the query has gathered so far. Columns outside [begin, end) get 0.
template <class Blocks>
void soften_row(float* s, float factor, int64_t begin, int64_t end, int64_t columns, float& highest,
                float* total, float* o, int64_t dp) {
  fill_outside(s, begin, end, columns, -__builtin_inff());
  F top = splat(-__builtin_inff());
  for (int64_t j = 0; j < columns; j += kLanes) top = max(top, load(s + j));
  const float block_top = max(top) * factor;
  if (!(block_top <= highest)) {
    if (highest > -__builtin_inff()) {  // something has been gathered
      const F keep = exp2(splat(highest - block_top));
      for (int64_t d = 0; d < dp; d += kLanes) store(o + d, load(o + d) * keep);
      store(total, load(total) * keep);
    }
    highest = block_top;
  }
  const F less = splat(-highest), by = splat(factor);
  F sums = load(total);
  for (int64_t j = 0; j < columns; j += kLanes) {
    const F p = power_of_two<Blocks>(fma(load(s + j), by, less));
    store(s + j, p);
    sums += p;
  }
  store(total, sums);
}

/// Queries [begin, end) of the piece against the packed block of keys that starts at key0.
template <class Blocks, class E>
void attend(const AttentionArgs& a, const AttentionPiece& piece, const Work<E>& w, Left<E> q,
            Right<E> k, Right<E> v, int64_t begin, int64_t end, int64_t key0, int64_t keys) {
  const Range any =
      visible_to_any(a, piece.batch, piece.query_begin + begin, piece.query_begin + end);
  if (any.end <= key0 || any.begin >= key0 + keys) return;
  const int64_t depth = any.end - key0 < keys ? any.end - key0 : keys;
  const int64_t columns = padded(depth), dp = padded(a.width), rows = end - begin;
  float* o = w.o + begin * dp;
  q.data += begin * q.row;
  gemm<Into::Overwrite>({w.s, kKeys}, q, k, rows, columns / kLanes, Blocks::depth(a.width));
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t query = piece.query_begin + begin + r;
    const Range range = visible(a, piece.batch, query);
    float* s = w.s + r * kKeys;
    const int64_t first = range.begin > key0 ? range.begin - key0 : 0;
    const int64_t last = range.end - key0;
    if (first >= depth || last <= 0) {  // sees nothing here
      for (int64_t j = 0; j < columns; ++j) s[j] = 0;
      continue;
    }
    const float factor = finish_scores(a, s, columns, query + a.tk - a.tq - key0, piece.head);
    soften_row<Blocks>(s, factor, first, last < depth ? last : depth, columns, w.highest[begin + r],
                       w.total + (begin + r) * kLanes, o + r * dp, dp);
  }
  gemm<Into::Add>({o, dp}, Blocks::scores(w.p, w.s, rows, columns), v, rows, dp / kLanes,
                  Blocks::depth(depth));
}

template <class T, class E>
void finish(const AttentionArgs& a, const AttentionPiece& piece, const Work<E>& w) {
  const int64_t dp = padded(a.width), queries = piece.query_end - piece.query_begin;
  float* const sums = w.s;  // the scores are done with
  for (int64_t first = 0; first < queries; first += kQueries) {
    const int64_t rows = first + kQueries < queries ? kQueries : queries - first;
    for (int64_t r = 0; r < rows; ++r) {
      const float* o = w.o + (first + r) * dp;
      sums[r] = sum(load(w.total + (first + r) * kLanes));
      const F inverse = splat(1.0f / sums[r]);
      T* to = head_row<T>(a.o, piece.batch, piece.query_begin + first + r, piece.head, a.width);
      sweep(a.width, [&](int64_t d, auto part) { store(to + d, load(o + d) * inverse, part); });
    }
    float* lse = a.lse + (piece.batch * a.heads + piece.head) * a.tq + piece.query_begin + first;
    sweep(rows, [&](int64_t r, auto part) {
      store(lse + r, fma(load(w.highest + first + r), splat(kLn2), log(load(sums + r))), part);
    });
  }
}

template <class T>
void attention_forward(const AttentionArgs& a, const AttentionPiece& piece, const AttentionPiece&,
                       float* scratch) {
  using Blocks = BlocksOf<T>::Type;
  const int64_t queries = piece.query_end - piece.query_begin, dp = padded(a.width);
  const int64_t kv_head = piece.head / (a.heads / a.kv_heads);
  const auto w = divide<typename Blocks::Element>(scratch, queries, dp);
  const auto q =
      Blocks::left(w.q, stored<T>(a, a.q, piece.batch, piece.query_begin, piece.head, queries));
  for (int64_t i = 0; i < queries * dp; ++i) w.o[i] = 0;
  for (int64_t i = 0; i < queries; ++i) w.highest[i] = -__builtin_inff();
  for (int64_t i = 0; i < queries * kLanes; ++i) w.total[i] = 0;

  const Range keys = visible_to_any(a, piece.batch, piece.query_begin, piece.query_end);
  for (int64_t key0 = keys.begin / kKeys * kKeys; key0 < keys.end; key0 += kKeys) {
    const int64_t n = a.tk - key0 < kKeys ? a.tk - key0 : kKeys;
    const auto k = Blocks::right_transposed(w.k, stored<T>(a, a.k, piece.batch, key0, kv_head, n));
    const auto v = Blocks::right(w.v, stored<T>(a, a.v, piece.batch, key0, kv_head, n));
    if (key0 + kKeys < keys.end) {
      const int64_t left = keys.end - key0 - kKeys, count = left < kKeys ? left : kKeys;
      prefetch(stored<T>(a, a.k, piece.batch, key0 + kKeys, kv_head, count));
      prefetch(stored<T>(a, a.v, piece.batch, key0 + kKeys, kv_head, count));
    }
    for (int64_t begin = 0; begin < queries; begin += kQueries)
      attend<Blocks>(a, piece, w, q, k, v, begin,
                     begin + kQueries < queries ? begin + kQueries : queries, key0, n);
  }
  finish<T>(a, piece, w);
}

}  // namespace

void fill_attention_forward(Kernels& k) {
  for (AttentionKernels& kernels : k.attention) kernels.forward_scratch = attention_forward_scratch;
  k.attention[0].forward = attention_forward<float>;
  k.attention[1].forward = attention_forward<b16>;
}

}  // namespace causeway::cpu::CAUSEWAY_ISA
