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

template <class E>
Work<E> divide(float* scratch, int64_t tk, int64_t dp) {
  Carver c{scratch};
  const int64_t times = in_blocks(tk);
  return {.d_q = c.take<float>(times * dp),
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
          .ds_by_query = c.take<E>(kKeys * kQueries)};
}

/// A block of keys, and of their values, as the products want them.
template <class E>
struct KeyBlock {
  int64_t begin, count;
  Left<E> k, v;
  Right<E> k_right;
};

/// What a piece computes: with every query it can own keys, with every key it can own queries.
struct Wanted {
  bool queries, keys;
};

/// p and ds of a block of queries and the first `depth` keys, an even number, of a block.
template <class Blocks, class T, class E>
SIMD_INLINE void differentiate(const AttentionArgs& a, int64_t batch, int64_t head,
                               const Work<E>& w, int64_t begin, int64_t end,
                               const KeyBlock<E>& keys, int64_t depth, bool hides,
                               Ahead<T>& ahead) {
  constexpr int kRows = kLanes == 16 ? 4 : 2;  // as many sums as registers hold
  const Scoring scoring(a, head);
  const int64_t distance = begin - keys.begin;
  const Right<E> q{w.qt + begin * padded(a.width), kQueries};
  const Right<E> d_o{w.d_ot + begin * padded(a.width), kQueries};
  const F factor = splat(scoring.factor);
  const float *const level = w.level + begin, *const delta = w.delta + begin;
  const auto differentiate = [&](auto finish, auto finish_slope) {
    in_rows<kRows>(depth, [&]<int R>(int64_t key, Rows<R>) {
      ahead.ask(kRowsAsked);
      F p[R][2] = {}, ds[R][2] = {};
      const auto from_key = [&](const Left<E>& m) {
        return Left<E>{m.data + key * m.row, m.row, m.depth};
      };
      multiply_add(p, from_key(keys.k), q, ds, from_key(keys.v), d_o, Blocks::depth(a.width));
      for (int r = 0; r < R; ++r)
        for (int v = 0; v < 2; ++v) {
          const F score = finish(p[r][v], key + r, v);
          p[r][v] = power_of_two<Blocks>(fma(score, factor, -load(level + v * kLanes)));
          ds[r][v] = p[r][v] * (ds[r][v] - load(delta + v * kLanes));
          ds[r][v] = finish_slope(ds[r][v], score, key + r, v);
        }
      for (int r = 0; r < R; ++r) {
        Blocks::put_by_key(w.p, key + r, p[r]);
        Blocks::put_by_key(w.ds, key + r, ds[r]);
      }
      for (int r = 0; r < R; r += 2) {
        if constexpr (Blocks::kRounds)
          for (int v = 0; v < 2; ++v)
            Blocks::put_by_query(w.ds_by_query, key + r, v * kLanes, ds[r][v], ds[r + 1][v]);
      }
    });
  };
  const auto as_it_is = [](F x, auto...) { return x; };
  if (scoring.plain && !hides) return differentiate(as_it_is, as_it_is);
  const Mask mask(a, batch, begin, end, keys.begin);
  if (scoring.plain) return differentiate(mask, as_it_is);
  differentiate([&](F s, int64_t key,
                    int v) { return mask(scoring(s, distance - key + v * kLanes), key, v); },
                [&](F ds, F s, int64_t key, int v) {
                  return scoring.softcap > 0
                             ? ds * scoring.softcap_slope(s, distance - key + v * kLanes)
                             : ds;
                });
}

/// Queries [begin, end) of `head` against a block of keys.
template <class Blocks, class T, class E>
void add_gradients(const AttentionArgs& a, int64_t batch, int64_t head, Wanted wanted,
                   const Work<E>& w, int64_t begin, int64_t end, const KeyBlock<E>& keys,
                   Ahead<T>& ahead) {
  const Sight seen = sight(a, batch, begin, end);
  if (seen.any.end <= keys.begin || seen.any.begin >= keys.begin + keys.count) return;
  const int64_t left = seen.any.end - keys.begin, depth = left < keys.count ? left : keys.count;
  const bool hides = seen.all.begin > keys.begin || seen.all.end < keys.begin + even(depth);
  differentiate<Blocks>(a, batch, head, w, begin, end, keys, even(depth), hides, ahead);
  const int64_t rows = end - begin, dp = padded(a.width), vectors = dp / kLanes;
  if (wanted.keys) {
    const auto add = [&](float* sums, const E* weights, const E* right) {
      gemm<Into::Add>({sums + keys.begin * dp, dp}, Blocks::by_key(weights),
                      Right<E>{right + Blocks::depth(begin) * dp, dp}, depth, vectors,
                      Blocks::depth(rows));
    };
    add(w.d_v, w.p, w.d_o);
    add(w.d_k, w.ds, w.q);
  }
  if (wanted.queries)
    gemm<Into::Add>({w.d_q + begin * dp, dp},
                    Blocks::by_query(Blocks::kRounds ? w.ds_by_query : w.ds), keys.k_right, rows,
                    vectors, Blocks::depth(depth));
}

/// delta = Σ d_o·o of queries [begin, end), and their levels.
template <class T, class E>
void prepare_rows(const AttentionArgs& a, int64_t batch, int64_t head, const Work<E>& w,
                  int64_t begin, int64_t end) {
  const float* lse = a.lse + (batch * a.heads + head) * a.tq;
  for (int64_t query = begin; query < end; ++query) {
    const T* o = head_row<T>(a.o, batch, query, head, a.width);
    const T* d_o = head_row<T>(a.d_o, batch, query, head, a.width);
    w.delta[query] = sum_over(
        a.width, [&](int64_t d, auto part) { return load(o + d, part) * load(d_o + d, part); });
    w.level[query] = lse[query] * kLog2E;
  }
  for (int64_t query = end; query < in_blocks(end); ++query) w.delta[query] = w.level[query] = 0;
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
                   const Work<E>& w, Ahead<T>& ahead) {
  const int64_t dp = padded(a.width), kv_head = head / (a.heads / a.kv_heads);
  const auto block_end = [&](int64_t query) {
    return query + kQueries < piece.query_end ? query + kQueries : piece.query_end;
  };
  // Queries before the first key of the piece see none of it.
  const int64_t first =
      (piece.query_begin > piece.key_begin ? piece.query_begin : piece.key_begin) / kQueries *
      kQueries;
  prepare_rows<T>(a, piece.batch, head, w, first, piece.query_end);
  for (int64_t query = first; query < piece.query_end; query += kQueries) {
    const int64_t rows = block_end(query) - query, at = query * dp;
    const auto q = stored<T>(a, a.q, piece.batch, query, head, rows);
    const auto d_o = stored<T>(a, a.d_o, piece.batch, query, head, rows);
    Blocks::right_transposed(w.qt + at, q), Blocks::right_transposed(w.d_ot + at, d_o);
    Blocks::right(w.q + Blocks::depth(query) * dp, q);
    Blocks::right(w.d_o + Blocks::depth(query) * dp, d_o);
  }
  if (wanted.queries)
    for (int64_t i = piece.query_begin * dp; i < piece.query_end * dp; ++i) w.d_q[i] = 0;
  const int64_t key_end = piece.key_end < piece.query_end ? piece.key_end : piece.query_end;
  for (int64_t key = piece.key_begin; key < key_end; key += kKeys) {
    const int64_t n = piece.key_end - key < kKeys ? piece.key_end - key : kKeys;
    const auto k = stored<T>(a, a.k, piece.batch, key, kv_head, n);
    const auto v = stored<T>(a, a.v, piece.batch, key, kv_head, n);
    const KeyBlock<E> keys{key, n, Blocks::left(w.k, k), Blocks::left(w.v, v),
                           Blocks::right(w.k_right, k)};
    for (int64_t query = first > key ? first : key / kQueries * kQueries; query < piece.query_end;
         query += kQueries)
      add_gradients<Blocks>(a, piece.batch, head, wanted, w, query, block_end(query), keys, ahead);
  }
  if (wanted.queries)
    store_rows<T>(a.d_q, piece.batch, head, a.width, w.d_q, piece.query_begin, piece.query_end,
                  a.scale);
}

template <class T>
void attention_backward(const AttentionArgs& a, const AttentionPiece& piece,
                        const AttentionPiece& next, float* scratch) {
  Ahead<T> ahead = beside<T>(a, piece, next);
  using Blocks = BlocksOf<T>::Type;
  const int64_t dp = padded(a.width), group = a.heads / a.kv_heads;
  const auto w = divide<typename Blocks::Element>(scratch, a.tk, dp);
  const Wanted wanted{piece.key_begin == 0 && piece.key_end == a.tk,
                      piece.query_begin == 0 && piece.query_end == a.tq};
  if (wanted.keys)
    for (int64_t i = piece.key_begin * dp; i < piece.key_end * dp; ++i) w.d_k[i] = 0, w.d_v[i] = 0;
  for (int64_t g = 0; g < group; ++g)
    backward_head<Blocks>(a, piece, piece.head * group + g, wanted, w, ahead);
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
