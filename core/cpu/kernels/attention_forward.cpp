// Causal attention, forward, without a T × T matrix: keys are taken in blocks, and each query keeps
// a level, a sum and a weighted value (Milakov & Gimelshein 2018, arXiv:1805.02867; Dao et al.
// 2022, arXiv:2205.14135). A level is lifted to the maximum only when a score outgrows it by
// kHeadroom, so that what was gathered is seldom rescaled. No query's bits depend on others.
// Read next: attention_backward.cpp, ../attention.cpp.
#include "core/cpu/kernels/attention_ahead.h"
#include "core/cpu/kernels/fill.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

constexpr int kRowsAsked = 8;                  // ahead, for 8 keys
constexpr float kNothing = -__builtin_inff();  // level of a query that has seen no key

/// A piece's working memory; Dp is the head size padded to whole vectors.
template <class E>
struct Work {
  E* q;          // by block of queries: (D, kQueries)
  float* o;      // (queries, Dp), not yet divided by the sum
  float* level;  // (queries), in units of ln 2
  float* total;  // (queries): Σ 2^(score − level)
  E* k;          // (kKeys, Dp)
  E* v;          // (kKeys, Dp)
  float* s;      // (kKeys, kQueries): scores
  E* p;          // (kKeys, kQueries): probabilities
};

size_t attention_forward_scratch(const AttentionArgs& a, int64_t queries) {
  const int64_t dp = padded(a.width);
  return in_blocks(queries) * (2 * dp + 2) + 2 * kKeys * (dp + kQueries);
}

template <class E>
Work<E> divide(float* scratch, int64_t queries, int64_t dp) {
  Carver c{scratch};
  const int64_t rows = in_blocks(queries);
  return {.q = c.take<E>(rows * dp),
          .o = c.take<float>(rows * dp),
          .level = c.take<float>(rows),
          .total = c.take<float>(rows),
          .k = c.take<E>(kKeys * dp),
          .v = c.take<E>(kKeys * dp),
          .s = c.take<float>(kKeys * kQueries),
          .p = c.take<E>(kKeys * kQueries)};
}

/// A block of keys, and of their values, as the products want them.
template <class E>
struct KeyBlock {
  Left<E> k;
  Right<E> v;
};

/// Scores in w.s, and each query's highest.
template <int V, class Blocks, class T, class E>
SIMD_INLINE void score(const AttentionArgs& a, const AttentionPiece& piece, const Work<E>& w,
                       const BlockPair& pair, Left<E> k, const Scoring& scoring, Ahead<T>& ahead,
                       F (&top)[V]) {
  const Right<E> q{w.q + (pair.begin - piece.query_begin) * padded(a.width), kQueries};
  for (F& t : top) t = splat(kNothing);
  constexpr int kRows = kLanes == 16 ? 8 : 4;  // as many sums as registers hold
  const auto score_all = [&](auto finish) {
    in_rows<kRows>(even(pair.depth), [&]<int R>(int64_t key, RowCount<R>) {
      ahead.ask(kRowsAsked);
      F s[R][V] = {};
      multiply_add(s, from_row(k, key), q, Blocks::depth(a.width));
      for (int r = 0; r < R; ++r)
        for (int v = 0; v < V; ++v) {
          s[r][v] = finish(s[r][v], key + r, v);
          store(w.s + (key + r) * kQueries + v * kLanes, s[r][v]);
          top[v] = max(top[v], s[r][v]);
        }
    });
  };
  if (scoring.plain && !pair.hides) return score_all([](F s, int64_t, int) { return s; });
  const Mask mask(a, piece.batch, pair);
  const int64_t distance = pair.begin + a.tk - a.tq - pair.key;
  score_all([&](F s, int64_t key, int v) {
    if (!scoring.plain) s = scoring(s, distance - key + v * kLanes);
    return mask(s, key, v);
  });
}

/// Some queries of a vector have scores that outgrow their levels: these become the new maxima, and
/// what has been gathered is rescaled; by 1 for the others.
void lift(F top, float* level, float* total, float* o, int64_t queries, int64_t dp) {
  const F before = load(level), after = top > before + kHeadroom ? top : before;
  float keep[kLanes];
  store(keep, before > kNothing ? exp2(before - after) : splat(1.0f));
  store(total, load(total) * load(keep));
  store(level, after);
  for (int64_t r = 0; r < queries; ++r)
    for (int64_t d = 0; d < dp; d += kLanes) store(o + r * dp + d, load(o + r * dp + d) * keep[r]);
}

/// Scores of one vector of queries, still to be multiplied by `factor` → probabilities relative
/// to their levels, added up in `total`.
template <class Blocks, class E>
SIMD_INLINE void soften(const Work<E>& w, int64_t lane, int64_t keys, float factor, F level,
                        float* total) {
  const F by = splat(factor), less = level > kNothing ? -level : F{};
  F sums[2] = {};
  for (int64_t key = 0; key < keys; key += 2) {
    F p[2];
    for (int r = 0; r < 2; ++r) {
      const F score = load(w.s + (key + r) * kQueries + lane);
      p[r] = power_of_two<Blocks>(fma(score, by, less));
      sums[r] += p[r];
    }
    Blocks::put_by_query(w.p, key, lane, p[0], p[1]);
  }
  store(total, load(total) + (sums[0] + sums[1]));
}

/// V vectors of queries.
template <int V, class Blocks, class T, class E>
void attend(const AttentionArgs& a, const AttentionPiece& piece, const Work<E>& w,
            const BlockPair& pair, const KeyBlock<E>& keys, Ahead<T>& ahead) {
  const int64_t dp = padded(a.width), own = pair.begin - piece.query_begin;
  const Scoring scoring(a, piece.head);
  const float factor = scoring.factor;
  F top[V];
  score<V, Blocks>(a, piece, w, pair, keys.k, scoring, ahead, top);
  for (int v = 0; v < V; ++v) {
    const int64_t first = own + v * kLanes, left = pair.queries() - v * kLanes;
    if (any(top[v] * factor > load(w.level + first) + kHeadroom))
      lift(top[v] * factor, w.level + first, w.total + first, w.o + first * dp,
           left < kLanes ? left : kLanes, dp);
    soften<Blocks>(w, v * kLanes, even(pair.depth), factor, load(w.level + first), w.total + first);
  }
  gemm({w.o + own * dp, dp}, Blocks::by_query(w.p), keys.v, pair.queries(), dp / kLanes,
       Blocks::depth(pair.depth));
}

template <class T, class E>
void finish(const AttentionArgs& a, const AttentionPiece& piece, const Work<E>& w) {
  const int64_t dp = padded(a.width), queries = piece.query_end - piece.query_begin;
  for (int64_t r = 0; r < queries; ++r) {
    const float* o = w.o + r * dp;
    const F inverse = splat(1.0f / w.total[r]);
    T* to = head_row<T>(a.o, piece.batch, piece.query_begin + r, piece.head, a.width);
    sweep(a.width, [&](int64_t d, auto part) { store(to + d, load(o + d) * inverse, part); });
  }
  float* lse = a.lse + (piece.batch * a.heads + piece.head) * a.tq + piece.query_begin;
  sweep(queries, [&](int64_t r, auto part) {
    store(lse + r, fma(load(w.level + r), splat(kLn2), log(load(w.total + r))), part);
  });
}

template <class T>
void attention_forward(const AttentionArgs& a, const AttentionPiece& piece,
                       const AttentionPiece& next, float* scratch) {
  using Blocks = typename BlocksOf<T>::Type;
  const int64_t queries = piece.query_end - piece.query_begin, dp = padded(a.width);
  const int64_t kv_head = piece.head / (a.heads / a.kv_heads);
  const auto w = divide<typename Blocks::Element>(scratch, queries, dp);
  for (int64_t q = 0; q < queries; q += kQueries)
    Blocks::right_transposed(w.q + q * dp, stored<T>(a, a.q, piece.batch, piece.query_begin + q,
                                                     piece.head, one_block(queries - q)));
  for (int64_t i = 0; i < queries * dp; ++i) w.o[i] = 0;
  for (int64_t i = 0; i < in_blocks(queries); ++i) w.level[i] = kNothing, w.total[i] = 0;

  Ahead<T> ahead;
  const Range keys = sight(a, piece.batch, piece.query_begin, piece.query_end).any;
  for (int64_t key = keys.begin / kKeys * kKeys; key < keys.end; key += kKeys) {
    if (key % kChunk == 0 || key <= keys.begin)
      ahead = after<T>(a, piece, (key / kChunk + 1) * kChunk, keys.end, next);
    const int64_t n = a.tk - key < kKeys ? a.tk - key : kKeys;
    const KeyBlock<typename Blocks::Element> block{
        Blocks::left(w.k, stored<T>(a, a.k, piece.batch, key, kv_head, n)),
        Blocks::right(w.v, stored<T>(a, a.v, piece.batch, key, kv_head, n))};
    for (int64_t q = piece.query_begin; q < piece.query_end; q += kQueries) {
      const int64_t end = q + one_block(piece.query_end - q);
      const BlockPair pair = block_pair(a, piece.batch, q, end, key, n);
      if (pair.depth == 0) continue;
      if (pair.queries() > kLanes)
        attend<2, Blocks>(a, piece, w, pair, block, ahead);
      else
        attend<1, Blocks>(a, piece, w, pair, block, ahead);
    }
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
