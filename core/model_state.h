// ModelState: the memory behind a ParamTable. Values and gradients are each one flat buffer with
// the same offsets, and so are moments and masters on one rank; with more, each rank keeps its part
// of these (ZeRO-1: Rajbhandari et al. 2020, arXiv:1910.02054). So the optimizer, the norm and a
// bucket's exchange are loops over ranges, and a checkpoint is a list of names. Read next:
// train/step.h.
#pragma once
#include <string_view>
#include <vector>

#include "core/buckets.h"
#include "core/context.h"
#include "core/model_tables.h"

namespace causeway {

/// None: bf16 parameters are all there is (AdamWSlice::rounds_stochastically).
enum class Masters : uint8_t { Kept, None };

class ModelState {
 public:
  /// For inference: values and tables alone.
  ModelState(Backend& backend, const ModelConfig& config, const ParamTable& params,
             const Precision& precision);
  /// For training. grad_buffers: 1 + the levels of this rank's lane tree (train/step.h); `kept`:
  /// whose optimizer state this rank keeps.
  ModelState(Backend& backend, const ModelConfig& config, const ParamTable& params,
             const Precision& precision, int grad_buffers, OwnedParts owned,
             Masters masters = Masters::Kept);
  /// For training on one rank.
  ModelState(Backend& backend, const ModelConfig& config, const ParamTable& params,
             const Precision& precision, int grad_buffers)
      : ModelState(backend, config, params, precision, grad_buffers,
                   OwnedParts({{0, params.flat_size()}})) {}

  Tensor values;              ///< (flat) act
  std::vector<Tensor> grads;  ///< (flat) grad each; [0] is where a step's gradient ends up
  OwnedParts owned;           ///< the ranges of a flat buffer that m, v and master hold
  Tensor m, v;                ///< (owned) f32: first and second moment
  Tensor master;  ///< (owned) f32: full-precision parameters; absent when values are f32, or
                  ///< Masters::None
  ModelTablesOwner tables;

  /// One line of the plan: bytes of each buffer.
  struct Line {
    std::string_view name;
    size_t bytes;
  };
  std::vector<Line> lines() const;

  /// Parameter `id` as floats (valid rows only), in working precision.
  std::vector<float> read(Backend& backend, ParamId id) const;
  /// Sets parameter `id` from floats (valid rows; padding becomes zero), rounding to act.
  void write(Backend& backend, ParamId id, std::span<const float> numbers);
  /// The initial values of a fresh model.
  void initialise(Backend& backend, uint64_t seed);

 private:
  Tensor make(Backend& backend, DType dtype, int64_t elements);

  const ParamTable& params_;
  std::vector<Buffer> memory_;
};

}  // namespace causeway
