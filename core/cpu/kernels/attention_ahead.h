// Memory of attention that is asked for early: rows lie far apart, where no hardware prefetcher
// looks. Read next: attention_forward.cpp.
#pragma once
#include "core/cpu/kernels/attention_common.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

/// Rows of several tensors that will be wanted later, asked for one by one between other work: many
/// at once would hold up all loads.
template <class T>
class Ahead {
 public:
  void read(const Stored<T>& rows) { wanted_[count_++] = {rows, false}; }
  void write(const Stored<T>& rows) { wanted_[count_++] = {rows, true}; }

  /// The next row of the next tensor.
  void ask() {
    const Asked& w = wanted_[turn_];
    if (row_ < w.rows.rows) {
      const T* const row = w.rows.data + row_ * w.rows.stride;
      for (int64_t i = 0; i < w.rows.width; i += kLine)
        if (w.write)
          __builtin_prefetch(row + i, 1);
        else
          __builtin_prefetch(row + i, 0, 2);
    }
    if (++turn_ == count_) turn_ = 0, ++row_;
  }
  void ask(int times) {
    for (int i = 0; i < times; ++i) ask();
  }

 private:
  static constexpr int64_t kLine = 64 / sizeof(T);
  struct Asked {
    Stored<T> rows;
    bool write;
  };
  Asked wanted_[8];
  int count_ = 0, turn_ = 0;
  int64_t row_ = 0;
};

/// Keys between two occasions to ask.
constexpr int64_t kChunk = 256;
SIMD_INLINE int64_t at_most_a_chunk(int64_t rows) { return rows < kChunk ? rows : kChunk; }

/// What the forward wants after the chunk of keys before `key`: the next one, or where there is
/// none the next piece's first.
template <class T>
Ahead<T> after(const AttentionArgs& a, const AttentionPiece& piece, int64_t key, int64_t key_end,
               const AttentionPiece& next) {
  const int64_t group = a.heads / a.kv_heads;
  Ahead<T> ahead;
  const auto read_keys = [&](const AttentionPiece& of, Range keys) {
    const int64_t count = at_most_a_chunk(keys.end - keys.begin);
    ahead.read(stored<T>(a, a.k, of.batch, keys.begin, of.head / group, count));
    ahead.read(stored<T>(a, a.v, of.batch, keys.begin, of.head / group, count));
  };
  if (key < key_end) {
    read_keys(piece, {key, key_end});
    return ahead;
  }
  read_keys(next, sight(a, next.batch, next.query_begin, next.query_end).any);
  const int64_t queries = next.query_end - next.query_begin;
  ahead.read(stored<T>(a, a.q, next.batch, next.query_begin, next.head, queries));
  ahead.write(stored<T>(a, a.o, next.batch, next.query_begin, next.head, queries));
  return ahead;
}

/// What the backward wants while a piece of it is at work: where its results go, and of the next
/// piece's operands what its first products read.
template <class T>
Ahead<T> beside(const AttentionArgs& a, const AttentionPiece& piece, const Wanted& wanted,
                const AttentionPiece& next) {
  const int64_t group = a.heads / a.kv_heads;
  const auto queries = [&](const Heads& heads, const AttentionPiece& of) {
    const int64_t begin = of.query_begin > of.key_begin ? of.query_begin : of.key_begin;
    return stored<T>(a, heads, of.batch, begin, of.head * group,
                     at_most_a_chunk(of.query_end - begin));
  };
  const auto keys = [&](const Heads& heads, const AttentionPiece& of) {
    return stored<T>(a, heads, of.batch, of.key_begin, of.head,
                     at_most_a_chunk(of.key_end - of.key_begin));
  };
  Ahead<T> ahead;
  ahead.read(queries(a.q, next)), ahead.read(queries(a.d_o, next)), ahead.read(queries(a.o, next));
  ahead.read(keys(a.k, next)), ahead.read(keys(a.v, next));
  if (wanted.queries) ahead.write(queries(a.d_q, piece));
  if (wanted.keys) ahead.write(keys(a.d_k, piece)), ahead.write(keys(a.d_v, piece));
  return ahead;
}

}  // namespace
}  // namespace causeway::cpu::CAUSEWAY_ISA
