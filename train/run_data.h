// A run's data, and what only it can tell: how many steps there are, and the last `auto` values.
// Read next: trainer.cpp.
#pragma once
#include "core/config.h"
#include "data/dataset.h"
#include "data/loader.h"

namespace causeway {

/// The data set of the config's data section; a text is prepared on its first use, in a cache.
Dataset open_run_data(const Config& config);

/// Optimizer steps of the run, from whichever of max_steps, max_tokens and max_epochs is given
/// (rounded up). `windows`: sequences per epoch. `config` resolved but for decay_steps.
int64_t total_steps(const Config& config, int64_t windows);

/// Fills model.vocab_size from the data set, then everything resolve() can. Throws Error
/// "config.vocab_size" when the config asks for fewer tokens than the data has.
void resolve_with_data(Config& config, const Dataset& dataset);

/// resolve() for what starts no run: with model.vocab_size given no data is needed, so that a model
/// for another machine's corpus can be planned here; else as resolve_with_data().
void resolve_for_plan(Config& config);

/// The token that begins a document, where data.document_mask asks for separate ones. Throws Error
/// "config.document_mask" when the data has none.
std::optional<int32_t> document_separator(const Config& config, const Dataset& dataset);

/// Cuts the run's micro-batches from `dataset`, which must outlive it. `config` resolved. Throws as
/// document_separator() and Loader do.
Loader training_loader(const Config& config, const Dataset& dataset);

/// Weights from `model_folder` mean tokens of its own tokenizer, where it has one. Throws Error
/// "tokenizer.vocab_mismatch" when the data's is another, naming both.
void check_tokenizer_of(const std::filesystem::path& model_folder, const Dataset& dataset);

}  // namespace causeway
