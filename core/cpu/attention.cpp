// Causal attention: how work is cut, by shape alone. The arithmetic is in kernels/attention_*.cpp.
#include "core/cpu/cpu_backend.h"
#include "core/ops_check.h"

namespace causeway::cpu {
namespace {

/// (batch, head) pairs from which on there is work enough without cutting finer.
constexpr int64_t kEnoughHeads = 8;
/// Queries of one forward piece: many, so that packed keys are reused; few where heads are few.
constexpr int64_t kQueriesLong = 256, kQueriesShort = 64;
/// Queries or keys of one backward piece where heads are few.
constexpr int64_t kBackwardChunk = 128;

Heads heads_of(const Tensor& t) { return {.data = t.data, .b = t.stride[0], .t = t.stride[1]}; }

AttentionArgs arguments(const AttentionOptions& options, const Tensor& q, const Tensor& k,
                        const Tensor& v, const Tensor& o, const Tensor& lse) {
  return {.tq = q.shape[1],
          .tk = k.shape[1],
          .heads = q.shape[2],
          .kv_heads = k.shape[2],
          .width = q.shape[3],
          .scale = static_cast<float>(options.scale),
          .softcap = static_cast<float>(options.softcap),
          .window = options.window,
          .slopes = static_cast<const float*>(options.alibi_slopes.data),
          .segment_start = static_cast<const int32_t*>(options.segment_start.data),
          .q = heads_of(q),
          .k = heads_of(k),
          .v = heads_of(v),
          .o = heads_of(o),
          .d_q = {},
          .d_k = {},
          .d_v = {},
          .d_o = {},
          .lse = lse.as<float>()};
}

AttentionArgs arguments(const AttentionForward& op) {
  return arguments(op.options, op.q, op.k, op.v, op.o, op.lse);
}

AttentionArgs arguments(const AttentionBackward& op) {
  AttentionArgs args = arguments(op.options, op.q, op.k, op.v, op.o, op.lse);
  args.d_q = heads_of(op.d_q), args.d_k = heads_of(op.d_k), args.d_v = heads_of(op.d_v);
  args.d_o = heads_of(op.d_o);
  return args;
}

int64_t queries_per_piece(const AttentionForward& op) {
  const int64_t pairs = op.q.shape[0] * op.q.shape[2];
  return std::min(op.q.shape[1], pairs >= kEnoughHeads ? kQueriesLong : kQueriesShort);
}

/// Whole tiles, and more queries than a step of generation has.
bool suits_tiles(const AttentionArgs& a, DType dtype) {
  constexpr int64_t kTileWidth = 32, kMostWidth = 256, kFewestQueries = 16;
  return dtype == DType::BF16 && a.width % kTileWidth == 0 && a.width <= kMostWidth &&
         a.tq >= kFewestQueries && a.scale > 0 && a.softcap == 0 && a.window == 0 && !a.slopes &&
         !a.segment_start;
}

const AttentionKernels& choose(const Kernels& kernels, const AttentionArgs& a, DType dtype) {
  const int act = act_index(dtype, "attention");
  return kernels.attention_tiles.forward && suits_tiles(a, dtype) ? kernels.attention_tiles
                                                                  : kernels.attention[act];
}

}  // namespace

void CpuBackend::prepare(const AttentionForward& op) {
  check(op);
  const AttentionArgs args = arguments(op);
  const AttentionKernels& kernel = choose(kernels_, args, op.q.dtype);
  scratch_.reserve(kernel.forward_scratch(args, queries_per_piece(op)) * sizeof(float), 0);
}

void CpuBackend::prepare(const AttentionBackward& op) {
  check(op);
  const AttentionArgs args = arguments(op);
  const AttentionKernels& kernel = choose(kernels_, args, op.q.dtype);
  scratch_.reserve(kernel.backward_scratch(args) * sizeof(float), 0);
}

void CpuBackend::attention_forward(const AttentionForward& op) {
  prepare(op);
  const AttentionArgs args = arguments(op);
  const AttentionKernels& kernel = choose(kernels_, args, op.q.dtype);
  const int64_t pairs = op.q.shape[0] * args.heads;
  const int64_t chunk = queries_per_piece(op);
  if (pairs == 0 || chunk == 0) return;
  const int64_t chunks = (args.tq + chunk - 1) / chunk;
  const int64_t count = pairs * chunks;
  const auto piece = [&](int64_t i) -> AttentionPiece {
    // Late queries see most keys: the long pieces go first, the short ones fill the gaps.
    const int64_t c = chunks - 1 - i / pairs, pair = i % pairs;
    return {.batch = pair / args.heads,
            .head = pair % args.heads,
            .query_begin = c * chunk,
            .query_end = std::min(args.tq, (c + 1) * chunk)};
  };
  pool_.run(count, [&](int64_t i, int slot) {
    const int64_t next = std::min(i + pool_.threads(), count - 1);
    kernel.forward(args, piece(i), piece(next), scratch_.slot(slot));
  });
}

void CpuBackend::attention_backward(const AttentionBackward& op) {
  prepare(op);
  const AttentionArgs args = arguments(op);
  const AttentionKernels& kernel = choose(kernels_, args, op.q.dtype);
  const int64_t pairs = op.q.shape[0] * args.kv_heads, times = args.tq;
  if (pairs == 0 || times == 0) return;
  // One piece per key/value head does five products per block; where heads are few, pieces that own
  // keys and pieces that own queries do seven between them, but there are many of them.
  const bool whole = pairs >= kEnoughHeads || times <= kBackwardChunk;
  const int64_t chunks = whole ? 1 : (times + kBackwardChunk - 1) / kBackwardChunk;
  const int64_t count = pairs * (whole ? 1 : 2 * chunks);
  const auto piece = [&](int64_t i) {
    const int64_t pair = i % pairs, c = i / pairs;
    AttentionPiece piece{.batch = pair / args.kv_heads,
                         .head = pair % args.kv_heads,
                         .query_begin = 0,
                         .query_end = times,
                         .key_begin = 0,
                         .key_end = times};
    if (!whole && c < chunks) {  // early keys are seen by most queries
      piece.key_begin = c * kBackwardChunk;
      piece.key_end = std::min(times, piece.key_begin + kBackwardChunk);
    } else if (!whole) {
      piece.query_begin = (2 * chunks - 1 - c) * kBackwardChunk;
      piece.query_end = std::min(times, piece.query_begin + kBackwardChunk);
    }
    return piece;
  };
  pool_.run(count, [&](int64_t i, int slot) {
    const int64_t next = std::min(i + pool_.threads(), count - 1);
    kernel.backward(args, piece(i), piece(next), scratch_.slot(slot));
  });
}

}  // namespace causeway::cpu
