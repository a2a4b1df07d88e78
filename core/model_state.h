// ModelState: the memory behind a ParamTable. Values, gradients, moments and masters are each one
// flat buffer with the same offsets, so that the optimizer, the norm and a bucket's exchange are
// loops over ranges, and a checkpoint is a list of names. Read next: train/step.h.
#pragma once
#include <string_view>
#include <vector>

#include "core/context.h"
#include "core/model_tables.h"

namespace causeway {

enum class StateUse : uint8_t { Weights, Training };

class ModelState {
 public:
  /// grad_buffers: 1 + the levels of the lane tree (train/step.h).
  ModelState(Backend& backend, const ModelConfig& config, const ParamTable& params,
             const Precision& precision, StateUse use, int grad_buffers);

  Tensor values;              ///< (flat) act
  std::vector<Tensor> grads;  ///< (flat) grad each; [0] is where a step's gradient ends up
  Tensor m, v;                ///< (flat) f32: first and second moment
  Tensor master;              ///< (flat) f32: full-precision parameters; absent when values are f32
  ModelTablesOwner tables;

  /// One line of the plan: bytes of each buffer.
  struct Line {
    std::string_view name;
    size_t bytes;
  };
  std::vector<Line> lines() const;

  /// Parameter `id` as floats (valid rows only), from the master where there is one.
  std::vector<float> read(Backend& backend, ParamId id) const;
  /// Sets parameter `id` from floats (valid rows; padding becomes zero), rounding to act.
  void write(Backend& backend, ParamId id, std::span<const float> numbers);
  /// The initial values of a fresh model.
  void initialise(Backend& backend, uint64_t seed);

 private:
  Tensor make(Backend& backend, DType dtype);

  const ParamTable& params_;
  std::vector<Buffer> memory_;
};

}  // namespace causeway
