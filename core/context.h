// What a layer needs to run: the backend, memory, parameters and the micro-batch at hand.
// Read next: layers.h.
#pragma once
#include <functional>

#include "core/arena.h"
#include "core/backend.h"
#include "core/config.h"
#include "core/params.h"

namespace causeway {

/// Which dtype stands behind "act", "stat", "grad" and scalars of a run.
struct Precision {
  DType act = DType::F32;     ///< parameters as the matmuls read them, activations, their gradients
  DType stat = DType::F32;    ///< rstd, lse, row losses
  DType grad = DType::F32;    ///< parameter gradients
  DType scalar = DType::F64;  ///< losses and norms of a step

  static Precision of(PrecisionChoice choice) {
    return {.act = choice == PrecisionChoice::Bf16 ? DType::BF16 : DType::F32};
  }
  /// Everything in one dtype: the reference backend's f64 or c128.
  static Precision all(DType t) { return {t, t, t, t}; }
};

enum class Phase : uint8_t { Train, Eval };

class KvCache;

/// Constant tables of a model, uploaded once.
struct ModelTables {
  Tensor rope;          ///< (block_size, D) stat: cos, then sin; rope only
  Tensor sinusoid;      ///< (block_size, C) act; sinusoidal positions only
  Tensor alibi_slopes;  ///< (H) stat; alibi only
};

struct Batch {
  int64_t B = 0, T = 0;
  Tensor tokens;         ///< (B, T) i32
  Tensor targets;        ///< (B, T) i32, −1 ignored; absent when generating
  Tensor position;       ///< (B, T) i32, optional
  Tensor segment_start;  ///< (B, T) i32, optional
  int64_t rows() const { return B * T; }
};

struct Context {
  Backend& ops;
  Arena& arena;
  const ParamTable& params;
  Precision precision;
  Tensor values;  ///< flat parameters, act
  Tensor grads;   ///< flat gradients, grad; absent outside training
  ModelTables tables;
  Batch batch;
  GradMode grad_mode = GradMode::Overwrite;
  Phase phase = Phase::Train;
  uint64_t seed = 0;          ///< of dropout
  uint64_t micro_batch = 0;   ///< global index: step · M + i
  double gradient_scale = 1;  ///< d total loss / d row loss
  KvCache* cache = nullptr;   ///< generation: keys and values so far
  /// Called as soon as the gradients of a bucket (ParamInfo::bucket) are whole.
  const std::function<void(int bucket)>* bucket_done = nullptr;

  Tensor value(ParamId id) const { return params.view(id, values); }
  Tensor grad(ParamId id) const { return params.view(id, grads); }
  void finish_bucket(int bucket) const {
    if (bucket_done) (*bucket_done)(bucket);
  }
  /// The parameter, or nothing when the layer has none.
  Tensor optional_value(ParamId id) const { return id == kNoParam ? Tensor{} : value(id); }
  Tensor optional_grad(ParamId id) const { return id == kNoParam ? Tensor{} : grad(id); }
  /// An activation of the micro-batch.
  Tensor act(std::string_view name, std::initializer_list<int64_t> dims) const {
    return arena.alloc(name, precision.act, dims);
  }
  Tensor stat(std::string_view name, std::initializer_list<int64_t> dims) const {
    return arena.alloc(name, precision.stat, dims);
  }
};

}  // namespace causeway
