// Causal attention, backward: the probabilities are made again, block by block, from q, k and lse.
//   p = exp(score − lse), dp = d_o·v, delta = d_o·o, ds = p·(dp − delta)
//   d_v = pᵀ·d_o, d_q = ds·k·scale, d_k = dsᵀ·q·scale
// One piece owns what it writes, and sums it in a fixed order. Derivation: docs/operations.md.
// Read next: ../attention.cpp, which cuts the pieces.
#include "core/cpu/kernels/attention_ahead.h"
#include "core/cpu/kernels/fill.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

constexpr int kRowsAsked = 8;  // ahead, for 4 keys

/// A piece's working memory; Dp is the head size padded to whole vectors. Operands of products
/// are elements of Blocks.
template <class E>
struct Work {
  float* d_q;      // (T, Dp) of one query head
  float* d_k;      // (T, Dp), summed over the heads of the group
  float* d_v;      // (T, Dp)
  float* level;    // (T) of one query head: lse in units of ln 2
  float* delta;    // (T) of one query head
  E* q;            // (T, Dp) of one query head
  E* d_o;          // (T, Dp)
  E* qt;           // by block of queries: (D, kQueries)
  E* d_ot;         // by block of queries: (D, kQueries)
  E* k;            // (kKeys, Dp), on the left
  E* v;            // (kKeys, Dp), on the left
  E* k_right;      // (kKeys, Dp)
  E* p;            // (kKeys, kQueries), by key
  E* ds;           // (kKeys, kQueries), by key
  E* ds_by_query;  // (kKeys, kQueries)
};

size_t attention_backward_scratch(const AttentionArgs& a) {
  const int64_t dp = padded(a.width), times = in_blocks(a.tk);
  return times * (7 * dp + 2) + 3 * kKeys * (dp + kQueries);
}

template <class Blocks, class E = typename Blocks::Element>
Work<E> divide(float* scratch, int64_t tk, int64_t dp) {
  Carver c{scratch};
  const int64_t times = in_blocks(tk);
  Work<E> w{.d_q = c.take<float>(times * dp),
            .d_k = c.take<float>(times * dp),
            .d_v = c.take<float>(times * dp),
            .level = c.take<float>(times),
            .delta = c.take<float>(times),
            .q = c.take<E>(times * dp),
            .d_o = c.take<E>(times * dp),
            .qt = c.take<E>(times * dp),
            .d_ot = c.take<E>(times * dp),
            .k = c.take<E>(kKeys * dp),
            .v = c.take<E>(kKeys * dp),
            .k_right = c.take<E>(kKeys * dp),
            .p = c.take<E>(kKeys * kQueries),
            .ds = c.take<E>(kKeys * kQueries),
            .ds_by_query = nullptr};
  w.ds_by_query = Blocks::kOneForm ? w.ds : c.take<E>(kKeys * kQueries);
  return w;
}

/// A block of keys, and of their values, as the products want them.
template <class E>
struct KeyBlock {
  Left<E> k, v;
  Right<E> k_right;
};

/// One head of queries among those of a piece.
struct Head {
  int64_t batch, head;
  Wanted wanted;
};

/// Some rows of p and ds as operands, from row `key` on.
template <class Blocks, int R, class E>
SIMD_INLINE void put(const Work<E>& w, int64_t key, const F (&p)[R][2], const F (&ds)[R][2]) {
  for (int r = 0; r < R; ++r) {
    Blocks::put_by_key(w.p, key + r, p[r]);
    Blocks::put_by_key(w.ds, key + r, ds[r]);
  }
  if constexpr (Blocks::kOneForm) return;
  for (int r = 0; r < R; r += 2)
    for (int v = 0; v < 2; ++v)
      Blocks::put_by_query(w.ds_by_query, key + r, v * kLanes, ds[r][v], ds[r + 1][v]);
}

/// p and ds of a pair of blocks.
template <class Blocks, class T, class E>
SIMD_INLINE void differentiate(const AttentionArgs& a, const Head& h, const Work<E>& w,
                               const BlockPair& pair, const KeyBlock<E>& keys, Ahead<T>& ahead) {
  constexpr int kRows = kLanes == 16 ? 4 : 2;  // as many sums as registers hold
  const Scoring scoring(a, h.head);
  const int64_t operand = pair.begin * padded(a.width);
  const Right<E> q{w.qt + operand, kQueries}, d_o{w.d_ot + operand, kQueries};
  const F factor = splat(scoring.factor);
  const float *const level = w.level + pair.begin, *const delta = w.delta + pair.begin;
  const auto differentiate_all = [&](auto finish, auto finish_slope) {
    in_rows<kRows>(even(pair.depth), [&]<int R>(int64_t key, RowCount<R>) {
      ahead.ask(kRowsAsked);
      F s[R][2] = {}, dp[R][2] = {}, p[R][2], ds[R][2];
      multiply_add(s, from_row(keys.k, key), q, dp, from_row(keys.v, key), d_o,
                   Blocks::depth(a.width));
      for (int r = 0; r < R; ++r)
        for (int v = 0; v < 2; ++v) {
          const F score = finish(s[r][v], key + r, v);
          p[r][v] = power_of_two<Blocks>(fma(score, factor, -load(level + v * kLanes)));
          const F slope = p[r][v] * (dp[r][v] - load(delta + v * kLanes));
          ds[r][v] = finish_slope(slope, score, key + r, v);
        }
      put<Blocks>(w, key, p, ds);
    });
  };
  const auto as_it_is = [](F x, auto...) { return x; };
  if (scoring.plain && !pair.hides) return differentiate_all(as_it_is, as_it_is);
  const Mask mask(a, h.batch, pair);
  if (scoring.plain) return differentiate_all(mask, as_it_is);
  const auto distance = [&](int64_t key, int v) {
    return pair.begin - pair.key - key + v * kLanes;
  };
  differentiate_all(
      [&](F s, int64_t key, int v) { return mask(scoring(s, distance(key, v)), key, v); },
      [&](F ds, F s, int64_t key, int v) {
        return scoring.softcap > 0 ? ds * scoring.softcap_slope(s, distance(key, v)) : ds;
      });
}

/// What a pair of blocks adds to the gradients.
template <class Blocks, class E>
void gather(const AttentionArgs& a, const Head& h, const Work<E>& w, const BlockPair& pair,
            Right<E> k) {
  const int64_t dp = padded(a.width), vectors = dp / kLanes;
  if (h.wanted.keys) {
    const auto add = [&](float* sums, const E* weights, const E* right) {
      gemm({sums + pair.key * dp, dp}, Blocks::by_key(weights),
           Right<E>{right + Blocks::depth(pair.begin) * dp, dp}, pair.depth, vectors,
           Blocks::depth(pair.queries()));
    };
    add(w.d_v, w.p, w.d_o);
    add(w.d_k, w.ds, w.q);
  }
  if (h.wanted.queries)
    gemm({w.d_q + pair.begin * dp, dp}, Blocks::by_query(w.ds_by_query), k, pair.queries(), vectors,
         Blocks::depth(pair.depth));
}

/// Queries [begin, end): their deltas, Σ d_o·o, and levels.
template <class T, class E>
void prepare_rows(const AttentionArgs& a, const Head& h, const Work<E>& w, int64_t begin,
                  int64_t end) {
  const float* lse = a.lse + (h.batch * a.heads + h.head) * a.tq;
  for (int64_t query = begin; query < end; ++query) {
    const T* o = head_row<T>(a.o, h.batch, query, h.head, a.width);
    const T* d_o = head_row<T>(a.d_o, h.batch, query, h.head, a.width);
    w.delta[query] = sum_over(
        a.width, [&](int64_t d, auto part) { return load(o + d, part) * load(d_o + d, part); });
    w.level[query] = lse[query] * kLog2E;
  }
  for (int64_t query = end; query < in_blocks(end); ++query) w.delta[query] = w.level[query] = 0;
}

/// A block of queries as operands.
template <class Blocks, class T, class E>
void pack_queries(const AttentionArgs& a, const Head& h, const Work<E>& w, int64_t query,
                  int64_t rows) {
  const int64_t dp = padded(a.width), right = Blocks::depth(query) * dp;
  const auto q = stored<T>(a, a.q, h.batch, query, h.head, rows);
  const auto d_o = stored<T>(a, a.d_o, h.batch, query, h.head, rows);
  Blocks::right_transposed(w.qt + query * dp, q);
  Blocks::right_transposed(w.d_ot + query * dp, d_o);
  Blocks::right(w.q + right, q);
  Blocks::right(w.d_o + right, d_o);
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
void backward_head(const AttentionArgs& a, const AttentionPiece& piece, const Head& h,
                   const Work<E>& w, Ahead<T>& ahead) {
  const int64_t dp = padded(a.width), kv_head = h.head / (a.heads / a.kv_heads);
  const auto rows_at = [&](int64_t query) { return one_block(piece.query_end - query); };
  // Queries before the first key of the piece see none of it. Pieces begin with whole blocks.
  const int64_t first = piece.query_begin > piece.key_begin ? piece.query_begin : piece.key_begin;
  prepare_rows<T>(a, h, w, first, piece.query_end);
  for (int64_t query = first; query < piece.query_end; query += kQueries)
    pack_queries<Blocks, T>(a, h, w, query, rows_at(query));
  if (h.wanted.queries)
    for (int64_t i = piece.query_begin * dp; i < piece.query_end * dp; ++i) w.d_q[i] = 0;
  const int64_t key_end = piece.key_end < piece.query_end ? piece.key_end : piece.query_end;
  for (int64_t key = piece.key_begin; key < key_end; key += kKeys) {
    const int64_t n = piece.key_end - key < kKeys ? piece.key_end - key : kKeys;
    const auto k = stored<T>(a, a.k, h.batch, key, kv_head, n);
    const auto v = stored<T>(a, a.v, h.batch, key, kv_head, n);
    const KeyBlock<E> keys{Blocks::left(w.k, k), Blocks::left(w.v, v), Blocks::right(w.k_right, k)};
    for (int64_t query = first > key ? first : key; query < piece.query_end; query += kQueries) {
      const BlockPair pair = block_pair(a, h.batch, query, query + rows_at(query), key, n);
      if (pair.depth == 0) continue;
      differentiate<Blocks>(a, h, w, pair, keys, ahead);
      gather<Blocks>(a, h, w, pair, keys.k_right);
    }
  }
  if (h.wanted.queries)
    store_rows<T>(a.d_q, h.batch, h.head, a.width, w.d_q, piece.query_begin, piece.query_end,
                  a.scale);
}

template <class T>
void attention_backward(const AttentionArgs& a, const AttentionPiece& piece,
                        const AttentionPiece& next, float* scratch) {
  using Blocks = typename BlocksOf<T>::Type;
  const int64_t dp = padded(a.width), group = a.heads / a.kv_heads;
  const auto w = divide<Blocks>(scratch, a.tk, dp);
  const Wanted wanted(a, piece);
  Ahead<T> ahead = beside<T>(a, piece, wanted, next);
  if (wanted.keys)
    for (int64_t i = piece.key_begin * dp; i < piece.key_end * dp; ++i) w.d_k[i] = 0, w.d_v[i] = 0;
  for (int64_t g = 0; g < group; ++g)
    backward_head<Blocks>(a, piece, {piece.batch, piece.head * group + g, wanted}, w, ahead);
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
