// The optimizer state in a checkpoint: one file per rank, optimizer-RRRR-of-WWWW.safetensors, with
// the parts of moments and masters that the rank keeps. A part's metadata tells which elements of
// its parameter it is ("begin:end"), so any number of ranks can load what any number has saved.
// Read next: checkpoint_files.h.
#pragma once
#include <filesystem>

#include "core/model.h"
#include "core/model_state.h"

namespace causeway {

/// Throws Error "disk.*".
void write_optimizer(const std::filesystem::path& folder, Backend& ops, const ParamTable& params,
                     const ModelState& state, int rank, int ranks);

/// Fills what state.owned keeps. Throws Error "checkpoint.optimizer" when the files hold another
/// model's state or less than the whole, and what SafetensorsFile throws.
void read_optimizer(const std::filesystem::path& folder, Backend& ops, const ParamTable& params,
                    ModelState& state);

}  // namespace causeway
