// See prepare.h.
#include "data/prepare.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "data/prepare_encode.h"
#include "data/prepare_split.h"
#include "data/prepare_work.h"
#include "data/utf8.h"

namespace causeway {

namespace fs = std::filesystem;

namespace {

/// The characters of the whole corpus, validation split included. Throws data.invalid_utf8.
std::vector<char32_t> alphabet_of(const Corpus& corpus) {
  std::vector<bool> seen(0x110000);
  const auto look = [&](const TextPiece& piece, std::string_view text) {
    for (size_t at = 0; at < text.size();) {
      const CodePoint c = code_point_at(text, at);
      if (c.length == 0)
        throw Error({.id = "data.invalid_utf8",
                     .where = piece.file->path.string(),
                     .what = fmt::format("no valid UTF-8 at byte {} (0x{:02X})", piece.offset + at,
                                         static_cast<unsigned char>(text[at])),
                     .remedy = "convert it (iconv -f ENCODING -t UTF-8), or use the byte "
                               "tokenizer"});
      seen[c.value] = true;
      at += c.length;
    }
  };
  DocumentReader reader(corpus.files(), corpus.options(), code_point_border);
  for (TextBatch batch; reader.next(batch);)
    for (const TextPiece& piece : batch.pieces) look(piece, batch.of(piece));
  std::vector<char32_t> alphabet;
  for (char32_t c = 0; c < seen.size(); ++c)
    if (seen[c]) alphabet.push_back(c);
  return alphabet;
}

std::unique_ptr<Tokenizer> make_tokenizer(const std::string& wanted, const Corpus& corpus) {
  const bool several = corpus.train_documents() > 1 || corpus.val_documents() > 1;
  const EndOfText end = several ? EndOfText::Yes : EndOfText::No;
  if (wanted == "byte") return make_byte_tokenizer(end);
  if (wanted == "char") return make_char_tokenizer(alphabet_of(corpus), end);
  return load_tokenizer(wanted);
}

void check_options(const PrepareOptions& options) {
  const auto refuse = [&](const char* id, const std::string& what, const char* remedy) {
    const std::string where = options.sources.empty() ? "" : options.sources.front().string();
    throw Error({.id = id, .where = where, .what = what, .remedy = remedy});
  };
  if (options.sources.empty())
    refuse("usage.source", "no text was given", "a file, a folder, a pattern, or -");
  if (!(options.val_fraction >= 0 && options.val_fraction < 1))
    refuse("usage.val_fraction", fmt::format("val_fraction is {}", options.val_fraction),
           "a share of the text is wanted, from 0 (no validation) to below 1");
  if (options.shard_tokens < 1 || options.shard_tokens > (int64_t{1} << 30))
    refuse("usage.shard_tokens", fmt::format("{} tokens per shard", options.shard_tokens),
           "from 1 to 2^30 are possible; 33554432 is the default");
}

void check_split(const DatasetInfo& info, const Corpus& corpus) {
  const bool wants_val = info.val_fraction > 0 || corpus.val_bytes() > 0;
  if (info.train_tokens() >= 2 && (!wants_val || info.val_tokens() >= 2)) return;
  throw Error({.id = "data.too_small",
               .where = corpus.name(),
               .what = fmt::format("{} bytes of text leave {} tokens for training and {} for "
                                   "validation, each needs two at the very least",
                                   corpus.bytes(), info.train_tokens(), info.val_tokens()),
               .remedy = "use more text, or another val_fraction (0: no validation)"});
}

/// What else than text, tokenizer and val_fraction decides about the tokens; "" by default.
std::string recipe_of(const Corpus& corpus, const PrepareOptions& options) {
  std::string recipe;
  const auto add = [&](const std::string& part) { recipe += (recipe.empty() ? "" : ", ") + part; };
  if (options.documents.unit == DocumentUnit::Line) add("a document per line");
  if (options.documents.unit == DocumentUnit::Separator)
    add(fmt::format("documents between \"{}\"", options.documents.separator));
  if (options.duplicates == Duplicates::Drop) add("duplicates dropped");
  const bool shuffled = options.order == DocumentOrder::Shuffled;
  const bool by_document = resolved_val_split(corpus, options) == ValSplit::Document &&
                           resolved_val_fraction(corpus, options) > 0;
  if (shuffled) add("documents shuffled");
  if (by_document) add("validation by document");
  if (shuffled || by_document) add(fmt::format("seed {}", options.seed));
  if (options.shard_tokens != PrepareOptions().shard_tokens)
    add(fmt::format("{} tokens per shard", options.shard_tokens));
  return recipe;
}

DatasetInfo describe(const Corpus& corpus, const Tokenizer& tokenizer,
                     const PrepareOptions& options) {
  DatasetInfo info;
  info.source = corpus.name();
  info.source_hash = corpus.hash();
  info.source_bytes = corpus.bytes();
  info.documents = corpus.documents();
  info.dropped_documents = corpus.dropped_documents();
  info.val_fraction = resolved_val_fraction(corpus, options);
  info.recipe = recipe_of(corpus, options);
  info.tokenizer = tokenizer_kind_name(tokenizer.kind());
  info.tokenizer_hash = tokenizer.hash();
  info.vocab_size = tokenizer.vocab_size();
  info.end_of_text = tokenizer.end_of_text();
  return info;
}

/// Fills the work folder with what its place shall hold; nothing: stopped.
std::optional<DatasetInfo> write_dataset(PrepareWork& place, const Corpus& corpus,
                                         const PrepareOptions& options) {
  const auto tokenizer = make_tokenizer(options.tokenizer, corpus);
  DatasetInfo info = describe(corpus, *tokenizer, options);
  PrepareEncoding encoding(corpus, *tokenizer, options, place, hash_hex(to_json(info)));
  if (!encoding.run()) return {};
  if (options.progress) options.progress({.phase = PreparePhase::Write});
  for (const Split split : {Split::Train, Split::Val}) {
    const bool train = split == Split::Train;
    ShardWriter shards(place.folder(), train ? "train" : "val", info.vocab_size,
                       options.shard_tokens);
    encoding.drain(split, shards);
    (train ? info.train : info.val) = shards.finish();
  }
  check_split(info, corpus);
  encoding.remove_spool();
  write_file(place.folder() / "tokenizer.json", tokenizer->to_json());
  write_file(place.folder() / "dataset.json", to_json(info));
  return info;
}

bool same_tokenizer(const DatasetInfo& info, const std::string& wanted) {
  if (wanted == "byte" || wanted == "char") return info.tokenizer == wanted;
  return info.tokenizer_hash == load_tokenizer(wanted)->hash();
}

/// What stands at `output` already, if it is what these options would make.
std::optional<DatasetInfo> existing(const Corpus& corpus, const PrepareOptions& options) {
  if (!fs::exists(options.output)) return {};
  if (fs::exists(options.output / "dataset.json")) {
    DatasetInfo info = read_dataset_info(options.output);
    if (info.source_hash == corpus.hash() && info.recipe == recipe_of(corpus, options) &&
        info.val_fraction == resolved_val_fraction(corpus, options) &&
        same_tokenizer(info, options.tokenizer))
      return info;
  }
  throw Error({.id = "data.exists",
               .where = options.output.string(),
               .what = "is there already, made from another text or with other options",
               .remedy = "choose another name, or remove it first"});
}

/// Standard input as a file, since it is read twice. Goes away with this object.
class StdinFile {
 public:
  explicit StdinFile(const fs::path& output)
      : folder_(output.parent_path() / fmt::format(".stdin-{}", getpid())) {
    make_folder(folder_);
    FileWriter file(path());
    std::string block(size_t{1} << 20, '\0');
    while (std::cin.read(block.data(), static_cast<std::streamsize>(block.size())),
           std::cin.gcount() > 0)
      file.write(std::string_view(block).substr(0, static_cast<size_t>(std::cin.gcount())));
    file.close();
  }
  StdinFile(const StdinFile&) = delete;
  StdinFile& operator=(const StdinFile&) = delete;
  ~StdinFile() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  fs::path path() const { return folder_ / "stdin"; }

 private:
  fs::path folder_;
};

/// Leaves a survey, of which nothing is kept.
struct SurveyStopped {};

/// Throws SurveyStopped.
Corpus survey(const PrepareOptions& options) {
  return Corpus(options.sources, options.documents, options.duplicates,
                [&](int64_t taken, int64_t total) {
                  if (options.progress) options.progress({.taken = taken, .total = total});
                  if (options.stop && options.stop()) throw SurveyStopped();
                });
}

PrepareResult prepare_files(const PrepareOptions& options) {
  const Corpus corpus = survey(options);
  if (auto info = existing(corpus, options))
    return {std::move(*info), options.output, PrepareOutcome::Found};
  const fs::path output = fs::absolute(options.output).lexically_normal();
  PrepareWork place(output);
  auto info = write_dataset(place, corpus, options);
  if (!info) {
    place.keep();
    return {{}, options.output, PrepareOutcome::Interrupted};
  }
  try {
    place.publish(output);
  } catch (const Error&) {
    // Another process may have made the same meanwhile; else existing() finds nothing.
    auto made = existing(corpus, options);
    if (!made) throw;
    return {std::move(*made), options.output, PrepareOutcome::Found};
  }
  return {std::move(*info), options.output, PrepareOutcome::Made};
}

}  // namespace

std::string preparation_key(const PrepareOptions& options) {
  const Corpus corpus = survey(options);
  const bool by_name = options.tokenizer == "byte" || options.tokenizer == "char";
  return hash_hex(
      fmt::format("2 {} {} {} {}", corpus.hash(), options.val_fraction, recipe_of(corpus, options),
                  by_name ? options.tokenizer : load_tokenizer(options.tokenizer)->hash()));
}

PrepareResult prepare_dataset(const PrepareOptions& options) {
  check_options(options);
  PrepareOptions with_files = options;
  std::optional<StdinFile> input;
  for (fs::path& source : with_files.sources) {
    if (source != "-") continue;
    if (!input) input.emplace(fs::absolute(options.output).lexically_normal());
    source = input->path();
  }
  try {
    return prepare_files(with_files);
  } catch (const SurveyStopped&) {
    return {{}, options.output, PrepareOutcome::Interrupted};
  }
}

}  // namespace causeway
