// Ten training steps of tiny models on any backend, for tests that compare backends. Read next:
// step_test.cpp, train/step.h.
#pragma once
#include <cstddef>
#include <memory>
#include <vector>

#include "core/backend.h"
#include "core/comm.h"
#include "core/config.h"
#include "train/step.h"

namespace causeway {

constexpr int kTrainingSteps = 10;
constexpr double kTrainingRate = 1e-3;

Config tiny_gpt2(PrecisionChoice precision);
Config tiny_llama(PrecisionChoice precision);

struct TrainingRun {
  std::vector<StepResult> steps;
  std::vector<float> moments;      ///< Adam's, at the end; this rank's
  std::vector<std::byte> weights;  ///< at the end, in working precision
};

/// Trains on tokens that follow each other by a rule, at a constant rate; the second one alone.
TrainingRun train_ten_steps(Backend& ops, Communicator& comm, const Config& config);
TrainingRun train_ten_steps(std::unique_ptr<Backend> ops, const Config& config);

}  // namespace causeway
