// What a run puts into a checkpoint folder and takes out of it again: weights (as a Hugging Face
// model), tokenizer, optimizer state, and where the run was. The protocol around it, which makes a
// folder appear whole or not at all, is core/checkpoint.h. Read next: trainer.cpp.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "core/config.h"
#include "core/model.h"
#include "core/model_state.h"
#include "data/tokenizer.h"

namespace causeway {

/// Where the run was when it was saved: state.json.
struct RunPosition {
  int64_t step = 0;    ///< finished steps
  int64_t tokens = 0;  ///< consumed so far
  uint64_t seed = 0;
  int64_t skipped = 0;  ///< steps without update (guard.non_finite: skip)
  std::optional<double> best_val_loss;
  std::string data_hash;        ///< Dataset::content_hash
  std::string resolved_config;  ///< YAML
};

struct CheckpointParts {
  Backend& ops;
  const Model& model;
  ModelState& state;
  DType precision;             ///< of the weights in model.safetensors
  const Tokenizer* tokenizer;  ///< null: the run has none
  int rank = 0, ranks = 1;
};

/// Writes this rank's part of the optimizer state, and on rank 0 all the rest. Throws Error
/// "disk.*".
void write_checkpoint_files(const std::filesystem::path& folder, const CheckpointParts& parts,
                            const RunPosition& position);

/// Restores everything this rank keeps, bit for bit, from a save of any number of ranks. Throws
/// Error "checkpoint.*".
RunPosition read_checkpoint_files(const std::filesystem::path& folder, CheckpointParts& parts);

/// state.json alone.
RunPosition read_position(const std::filesystem::path& folder);

}  // namespace causeway
