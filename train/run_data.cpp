// See run_data.h.
#include "train/run_data.h"

#include <cmath>

#include "core/config_validate.h"
#include "core/error.h"

namespace causeway {

Dataset open_run_data(const Config& config) {
  return open_dataset(config.data, "datasets/.cache", config.model.vocab_size);
}

int64_t total_steps(const Config& config, int64_t windows) {
  const TrainConfig& train = config.train;
  const int64_t batch = train.global_batch_size;
  const auto divide_up = [](int64_t a, int64_t b) { return (a + b - 1) / b; };
  if (train.max_steps) return *train.max_steps;
  if (train.max_tokens) return divide_up(*train.max_tokens, batch * config.model.block_size);
  const double sequences = train.max_epochs.value() * static_cast<double>(windows);
  return static_cast<int64_t>(std::ceil(sequences / static_cast<double>(batch)));
}

void resolve_with_data(Config& config, const Dataset& dataset) {
  if (!config.model.vocab_size) config.model.vocab_size = dataset.vocab_size;
  if (*config.model.vocab_size < dataset.vocab_size)
    throw Error(
        {.id = "config.vocab_size",
         .where = config.marks.where("model.vocab_size"),
         .what = fmt::format("model.vocab_size is {}, but {} has {} different tokens",
                             *config.model.vocab_size, config.data.source, dataset.vocab_size),
         .remedy =
             fmt::format("set model.vocab_size to auto, or to at least {}", dataset.vocab_size)});
  resolve(config);
}

void resolve_for_plan(Config& config) {
  if (config.model.vocab_size)
    resolve(config);
  else
    resolve_with_data(config, open_run_data(config));
}

std::optional<int32_t> document_separator(const Config& config, const Dataset& dataset) {
  if (!config.data.document_mask) return std::nullopt;
  if (dataset.end_of_text) return dataset.end_of_text;
  throw Error({.id = "config.document_mask",
               .where = config.marks.where("data.document_mask"),
               .what = "the data has no end-of-text token, so there are no documents to separate",
               .remedy = "set data.document_mask to false, or prepare a folder of several texts"});
}

Loader training_loader(const Config& config, const Dataset& dataset) {
  return Loader(dataset.train, config.run.seed, *config.train.micro_batch_size,
                config.model.block_size, document_separator(config, dataset), dataset.mixture);
}

void check_tokenizer_of(const std::filesystem::path& model_folder, const Dataset& dataset) {
  if (!dataset.tokenizer || !std::filesystem::exists(model_folder / "tokenizer.json")) return;
  const auto theirs = load_tokenizer(model_folder / "tokenizer.json");
  if (theirs->hash() == dataset.tokenizer->hash()) return;
  const auto name = [](const Tokenizer& tokenizer) {
    return fmt::format("{} with {} ids (hash {})", tokenizer_kind_name(tokenizer.kind()),
                       tokenizer.vocab_size(), tokenizer.hash());
  };
  throw Error({.id = "tokenizer.vocab_mismatch",
               .where = model_folder.string(),
               .what = fmt::format("these weights were trained with {}, the data was made with {}",
                                   name(*theirs), name(*dataset.tokenizer)),
               .remedy = fmt::format("prepare the data with --tokenizer {}",
                                     (model_folder / "tokenizer.json").string())});
}

}  // namespace causeway
