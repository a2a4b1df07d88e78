// Opening what data.source names: a text, a prepared folder, or foreign shards. Read next:
// loader.h.
#include <algorithm>

#include "core/error.h"
#include "core/hash.h"
#include "data/corpus.h"
#include "data/dataset.h"
#include "data/mixture.h"
#include "data/prepare.h"

namespace causeway {

namespace fs = std::filesystem;

namespace {

constexpr int64_t kGpt2Vocab = 50257;
constexpr int32_t kGpt2EndOfText = 50256;

/// Reads the beginning of a split now: tokens of another vocabulary should not wait for the run's
/// middle to be found.
void check_beginning(const TokenFiles& files) {
  std::vector<int32_t> tokens(static_cast<size_t>(std::min<int64_t>(files.size(), 1 << 20)));
  files.read(0, tokens);
}

/// What a foreign file is, without reading hundreds of gigabytes at each start: its size and 64
/// spread blocks of 1 MiB. A file up to 64 MiB is read whole.
std::string fingerprint(const Shard& shard) {
  constexpr size_t kBlock = size_t{1} << 20, kBlocks = 64;
  const auto data = shard.contents();
  if (data.size() <= kBlock * kBlocks) return hash_hex(data);
  Hasher hasher;
  for (size_t i = 0; i < kBlocks; ++i)
    hasher.update(data.subspan((data.size() - kBlock) / (kBlocks - 1) * i, kBlock));
  hasher.update(std::to_string(data.size()));
  return hasher.hex();
}

std::vector<ShardRecord> records_of(const TokenFiles& files) {
  std::vector<ShardRecord> records;
  for (const Shard& shard : files.shards())
    records.push_back({.name = fs::path(shard.path()).filename().string(),
                       .tokens = shard.tokens(),
                       .bytes = static_cast<int64_t>(shard.contents().size()),
                       .hash = fingerprint(shard)});
  return records;
}

std::unique_ptr<Tokenizer> foreign_tokenizer(const DataConfig& config) {
  const std::string& wanted = config.tokenizer;
  if (wanted == "auto") return nullptr;
  if (wanted == "byte") return make_byte_tokenizer(EndOfText::No);
  if (wanted != "char") return load_tokenizer(wanted);
  throw Error({.id = "data.tokenizer_mismatch",
               .where = config.source,
               .what = "these are tokens already made, and data.tokenizer is char",
               .remedy = "give the tokenizer file they were made with, or auto for none"});
}

/// The end-of-text id of foreign tokens: their tokenizer's; llm.c's uint16 shards are GPT-2's.
std::optional<int32_t> foreign_end_of_text(const Dataset& data) {
  if (data.tokenizer) return data.tokenizer->end_of_text();
  const bool gpt2 = data.train.shards().front().layout() == ShardLayout::U16;
  if (gpt2 && data.vocab_size >= kGpt2Vocab) return kGpt2EndOfText;
  return {};
}

Dataset open_foreign(const ShardPaths& paths, const DataConfig& config,
                     std::optional<int64_t> model_vocab_size) {
  Dataset data;
  data.tokenizer = foreign_tokenizer(config);
  if (!model_vocab_size && !data.tokenizer)
    throw Error({.id = "data.vocab_size",
                 .where = config.source,
                 .what = "token files do not say how large their vocabulary is",
                 .remedy = "set model.vocab_size (GPT-2: 50257), or data.tokenizer"});
  data.vocab_size = model_vocab_size ? *model_vocab_size : data.tokenizer->vocab_size();
  data.train = TokenFiles(paths.train, data.vocab_size);
  data.val = TokenFiles(paths.val, data.vocab_size);
  check_beginning(data.train);
  check_beginning(data.val);
  data.end_of_text = foreign_end_of_text(data);
  data.content_hash =
      dataset_content_hash(records_of(data.train), records_of(data.val), data.end_of_text);
  data.description =
      fmt::format("{}: {} + {} token files", config.source, paths.train.size(), paths.val.size());
  return data;
}

void check_tokenizer(const DatasetInfo& info, const std::string& wanted, const fs::path& folder) {
  if (wanted == "auto" || wanted == info.tokenizer) return;
  const bool by_name = wanted == "byte" || wanted == "char";
  if (!by_name && load_tokenizer(wanted)->hash() == info.tokenizer_hash) return;
  throw Error({.id = "data.tokenizer_mismatch",
               .where = folder.string(),
               .what = fmt::format("prepared with a {} tokenizer, data.tokenizer is {}",
                                   info.tokenizer, wanted),
               .remedy = "set data.tokenizer: auto, or prepare the text again under another name"});
}

std::vector<fs::path> paths_of(const fs::path& folder, const std::vector<ShardRecord>& records) {
  std::vector<fs::path> paths;
  for (const ShardRecord& record : records) paths.push_back(folder / record.name);
  return paths;
}

void check_counts(const TokenFiles& files, const std::vector<ShardRecord>& records) {
  for (size_t i = 0; i < records.size(); ++i) {
    const Shard& shard = files.shards()[i];
    if (shard.tokens() == records[i].tokens) continue;
    throw Error(
        {.id = "data.corrupt",
         .where = shard.path(),
         .what = fmt::format("{} tokens, dataset.json says {}", shard.tokens(), records[i].tokens),
         .remedy = "copy the folder again, or make it anew with `causeway data prepare`"});
  }
}

Dataset open_prepared(const fs::path& folder, const DataConfig& config,
                      std::optional<int64_t> model_vocab_size) {
  const DatasetInfo info = read_dataset_info(folder);
  check_tokenizer(info, config.tokenizer, folder);
  if (model_vocab_size && *model_vocab_size < info.vocab_size)
    throw Error({.id = "data.vocab_size",
                 .where = folder.string(),
                 .what = fmt::format("model.vocab_size is {}, the tokenizer has {} tokens",
                                     *model_vocab_size, info.vocab_size),
                 .remedy = "set model.vocab_size: auto"});
  Dataset data;
  data.tokenizer = load_tokenizer(folder / "tokenizer.json");
  data.vocab_size = info.vocab_size;
  data.train = TokenFiles(paths_of(folder, info.train), info.vocab_size);
  data.val = TokenFiles(paths_of(folder, info.val), info.vocab_size);
  check_counts(data.train, info.train);
  check_counts(data.val, info.val);
  data.end_of_text = info.end_of_text;
  data.content_hash = info.content_hash();
  data.description = fmt::format("{}: {} tokenizer", info.source, info.tokenizer);
  return data;
}

Dataset open_text(const DataConfig& config, const fs::path& cache_dir,
                  std::optional<int64_t> model_vocab_size) {
  PrepareOptions options{.sources = {config.source},
                         .output = {},
                         .tokenizer = config.tokenizer == "auto" ? "char" : config.tokenizer,
                         .val_fraction = config.val_fraction};
  options.output = cache_dir / preparation_key(options);
  prepare_dataset(options);
  return open_prepared(options.output, config, model_vocab_size);
}

Dataset open_source(const DataConfig& config, const fs::path& cache_dir,
                    std::optional<int64_t> model_vocab_size) {
  const fs::path source = config.source;
  if (config.source.empty() || !fs::exists(source))
    throw Error({.id = "data.missing",
                 .where = config.source,
                 .what = config.source.empty() ? "data.source is not set" : "there is no such file",
                 .remedy = "a text file, a prepared folder or token files are wanted; "
                           "scripts/prepare_austen makes datasets/austen.txt to begin with"});
  if (fs::exists(source / "dataset.json")) return open_prepared(source, config, model_vocab_size);
  if (source.extension() == ".bin")
    return open_foreign({.train = {source}, .val = {}}, config, model_vocab_size);
  if (fs::is_directory(source)) {
    const ShardPaths paths = find_shards(source);
    if (!paths.train.empty()) return open_foreign(paths, config, model_vocab_size);
  }
  return open_text(config, cache_dir, model_vocab_size);
}

}  // namespace

ShardPaths find_shards(const fs::path& folder) {
  ShardPaths paths;
  if (!fs::is_directory(folder))
    throw Error({.id = "data.missing",
                 .where = folder.string(),
                 .what = "no such folder",
                 .remedy = "give the folder of a prepared data set, or of .bin token files"});
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".bin" || !entry.is_regular_file()) continue;
    const auto split = split_in_name(entry.path().filename());
    if (split == Split::Val) paths.val.push_back(entry.path());
    if (split == Split::Train) paths.train.push_back(entry.path());
  }
  std::sort(paths.train.begin(), paths.train.end());
  std::sort(paths.val.begin(), paths.val.end());
  return paths;
}

Dataset open_dataset(const DataConfig& config, const fs::path& cache_dir,
                     std::optional<int64_t> model_vocab_size) {
  const std::vector<MixtureSource> mixture = mixture_in(config.source);
  Dataset data = mixture.empty() ? open_source(config, cache_dir, model_vocab_size)
                                 : open_mixture(mixture, config, [&](const DataConfig& one) {
                                     return open_source(one, cache_dir, model_vocab_size);
                                   });
  if (config.document_mask && !data.end_of_text)
    throw Error({.id = "data.no_end_of_text",
                 .where = config.source,
                 .what = "data.document_mask needs an end-of-text token between documents, and "
                         "this data has none",
                 .remedy = "prepare a folder with one file per document, or set "
                           "data.document_mask: false"});
  return data;
}

}  // namespace causeway
