// A data set as a run sees it: tokens to train on, tokens to validate on, what turns them into
// text, and the hash that says whether two are the same. Read next: prepare.h (how one is made),
// loader.h (how batches are cut from it).
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/config.h"
#include "data/loader.h"
#include "data/shards.h"
#include "data/tokenizer.h"

namespace causeway {

/// dataset.json: what `data prepare` wrote.
struct DatasetInfo {
  std::string source;       ///< name of the text, for people only
  std::string source_hash;  ///< of the text
  int64_t source_bytes = 0;
  int64_t documents = 0;
  int64_t dropped_documents = 0;  ///< doubles of others
  std::string recipe;             ///< how it was made where not by default, for people and ==
  double val_fraction = 0;        ///< 0: the source had validation files of its own
  std::string tokenizer;          ///< "byte", "char", "score_bpe", "bpe"
  std::string tokenizer_hash;
  int64_t vocab_size = 0;
  std::optional<int32_t> end_of_text;
  std::vector<ShardRecord> train, val;

  int64_t train_tokens() const;
  int64_t val_tokens() const;
  /// Identity: train and validation tokens and the end-of-text id; neither names nor paths.
  std::string content_hash() const;
};

/// Reads FOLDER/dataset.json. Throws data.missing, data.corrupt.
DatasetInfo read_dataset_info(const std::filesystem::path& folder);
std::string to_json(const DatasetInfo& info);

/// Identity of tokens: the hashes of the files in order, and the end-of-text id.
std::string dataset_content_hash(const std::vector<ShardRecord>& train,
                                 const std::vector<ShardRecord>& val,
                                 std::optional<int32_t> end_of_text);

/// The .bin files of a folder by split, sorted; names that name no split (corpus.h)
/// are left out.
struct ShardPaths {
  std::vector<std::filesystem::path> train, val;
};
ShardPaths find_shards(const std::filesystem::path& folder);

struct Dataset {
  TokenFiles train, val;                 ///< val may be empty
  std::vector<MixturePart> mixture;      ///< of train, where it is several data sets
  std::unique_ptr<Tokenizer> tokenizer;  ///< null for foreign shards without data.tokenizer
  int64_t vocab_size = 0;
  std::optional<int32_t> end_of_text;  ///< separates documents, see Loader
  std::string content_hash;            ///< identity: compare this, never a path
  std::string description;             ///< one line for people
};

/// Opens config.source:
///   a text file       or a folder of them: prepared into cache_dir on the first start, found there
///                     on the next; tokenizer auto means char
///   a prepared folder as it is; config.tokenizer must be auto or agree
///   a folder of .bin  llm.c's or nanoGPT's, with train / val in their names (others are left);
///                     needs model_vocab_size
///   a .bin file       the training tokens; no validation
///   a mixture         "0.7*datasets/a + 0.3*datasets/b": any of these by weight, with one
///   tokenizer;
///                     validation is that of all, one after the other
/// Throws data.* and tokenizer.* errors that say what to change.
Dataset open_dataset(const DataConfig& config, const std::filesystem::path& cache_dir,
                     std::optional<int64_t> model_vocab_size);

/// One thing found wrong by `data verify`.
struct DatasetFault {
  std::string file;
  std::string what;
};

struct VerifyResult {
  int64_t files = 0, tokens = 0;
  std::vector<DatasetFault> faults;  ///< empty: all is well
};

/// Reads every byte of a prepared folder: sizes, hashes, tokens inside the vocabulary. Of a folder
/// of foreign shards, which carry no hashes, the sizes.
VerifyResult verify_dataset(const std::filesystem::path& folder);

}  // namespace causeway
