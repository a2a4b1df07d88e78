// See prepare.h.
#include "data/prepare.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "data/corpus.h"
#include "data/utf8.h"

namespace causeway {

namespace fs = std::filesystem;

namespace {

/// The characters of the whole corpus, validation split included. Throws data.invalid_utf8.
std::vector<char32_t> alphabet_of(const Corpus& corpus) {
  std::vector<bool> seen(0x110000);
  corpus.visit([&](const Document& document, std::string_view text) {
    for (size_t at = 0; at < text.size();) {
      const CodePoint c = code_point_at(text, at);
      if (c.length == 0)
        throw Error({.id = "data.invalid_utf8",
                     .where = document.path.string(),
                     .what = fmt::format("no valid UTF-8 at byte {} (0x{:02X})", at,
                                         static_cast<unsigned char>(text[at])),
                     .remedy = "convert it (iconv -f ENCODING -t UTF-8), or use the byte "
                               "tokenizer"});
      seen[c.value] = true;
      at += c.length;
    }
  });
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

/// Encodes documents one after the other and sends each token to its split.
class TokenSink {
 public:
  TokenSink(const fs::path& folder, const Tokenizer& tokenizer, int64_t train_bytes)
      : tokenizer_(tokenizer),
        train_(folder, "train", tokenizer.vocab_size()),
        val_(folder, "val", tokenizer.vocab_size()),
        train_left_(train_bytes) {}

  void add(const Document& document, std::string_view text) {
    const auto end = tokenizer_.end_of_text();
    if (document.split == Split::Val) return write(val_, document, text, 0, end);
    // Where the split falls into this document, its rest is validation: the end of the text.
    const auto left = static_cast<size_t>(std::max<int64_t>(0, train_left_));
    const size_t cut = code_point_border(text, std::min(left, text.size()));
    train_left_ -= static_cast<int64_t>(text.size());
    write(train_, document, text.substr(0, cut), 0, end);
    write(val_, document, text.substr(cut), cut, cut == 0 ? end : std::nullopt);
  }

  void finish(DatasetInfo& info) {
    info.train = train_.finish();
    info.val = val_.finish();
  }

 private:
  void write(ShardWriter& writer, const Document& document, std::string_view text, size_t offset,
             std::optional<int32_t> begin) {
    if (text.empty()) return;
    if (begin) writer.append({&*begin, 1});
    // Bytes and characters may be encoded piecewise, which bounds the memory; pairs may not.
    const bool piecewise = tokenizer_.kind() != TokenizerKind::ScoreBpe;
    constexpr size_t kPiece = size_t{16} << 20;
    for (size_t at = 0; at < text.size();) {
      const size_t end =
          piecewise ? code_point_border(text, std::min(at + kPiece, text.size())) : text.size();
      writer.append(
          tokenizer_.encode(text.substr(at, end - at), {document.path.string(), offset + at}));
      at = end;
    }
  }

  const Tokenizer& tokenizer_;
  ShardWriter train_, val_;
  int64_t train_left_;  // bytes of text that still go to the training split
};

void check_options(const PrepareOptions& options) {
  if (options.val_fraction >= 0 && options.val_fraction < 1) return;
  throw Error({.id = "usage.val_fraction",
               .where = options.source.string(),
               .what = fmt::format("val_fraction is {}", options.val_fraction),
               .remedy = "a share of the text is wanted, from 0 (no validation) to below 1"});
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

/// The bytes of text before the split, where the corpus has no validation files of its own.
int64_t train_bytes(const Corpus& corpus, double val_fraction) {
  if (corpus.val_bytes() > 0) return corpus.train_bytes();
  // nanoGPT's int(n · 0.9): the same split of the same text.
  return static_cast<int64_t>(static_cast<double>(corpus.bytes()) * (1 - val_fraction));
}

DatasetInfo write_dataset(const fs::path& folder, const Corpus& corpus,
                          const PrepareOptions& options) {
  const auto tokenizer = make_tokenizer(options.tokenizer, corpus);
  TokenSink sink(folder, *tokenizer, train_bytes(corpus, options.val_fraction));
  corpus.visit([&](const Document& document, std::string_view text) { sink.add(document, text); });
  DatasetInfo info;
  sink.finish(info);
  info.source = corpus.name();
  info.source_hash = corpus.hash();
  info.source_bytes = corpus.bytes();
  info.documents = corpus.train_documents() + corpus.val_documents();
  info.val_fraction = corpus.val_bytes() > 0 ? 0 : options.val_fraction;
  info.tokenizer = tokenizer_kind_name(tokenizer->kind());
  info.tokenizer_hash = tokenizer->hash();
  info.vocab_size = tokenizer->vocab_size();
  info.end_of_text = tokenizer->end_of_text();
  check_split(info, corpus);
  write_file(folder / "tokenizer.json", tokenizer->to_json());
  write_file(folder / "dataset.json", to_json(info));
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
    const double fraction = corpus.val_bytes() > 0 ? 0 : options.val_fraction;
    if (info.source_hash == corpus.hash() && info.val_fraction == fraction &&
        same_tokenizer(info, options.tokenizer))
      return info;
  }
  throw Error({.id = "data.exists",
               .where = options.output.string(),
               .what = "is there already, made from another text or with other options",
               .remedy = "choose another name, or remove it first"});
}

/// A folder that goes away unless it is renamed.
struct TemporaryFolder {
  fs::path path;
  explicit TemporaryFolder(fs::path where) : path(std::move(where)) {
    fs::remove_all(path);
    make_folder(path);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

}  // namespace

std::string preparation_key(const PrepareOptions& options) {
  const Corpus corpus(options.source);
  const bool by_name = options.tokenizer == "byte" || options.tokenizer == "char";
  return hash_hex(
      fmt::format("1 {} {} {}", corpus.hash(), options.val_fraction,
                  by_name ? options.tokenizer : load_tokenizer(options.tokenizer)->hash()));
}

PrepareResult prepare_dataset(const PrepareOptions& options) {
  check_options(options);
  const Corpus corpus(options.source);
  if (auto info = existing(corpus, options)) return {std::move(*info), options.output, true};
  const fs::path output = fs::absolute(options.output).lexically_normal();
  const std::string hidden = fmt::format(".tmp-{}-{}", output.filename().string(), getpid());
  const TemporaryFolder temporary(output.parent_path() / hidden);
  DatasetInfo info = write_dataset(temporary.path, corpus, options);
  sync_folder(temporary.path);
  try {
    rename_durable(temporary.path, output);
  } catch (const Error&) {
    // Another process may have made the same meanwhile; else existing() finds nothing.
    auto made = existing(corpus, options);
    if (!made) throw;
    return {std::move(*made), options.output, true};
  }
  return {std::move(info), options.output, false};
}

}  // namespace causeway
