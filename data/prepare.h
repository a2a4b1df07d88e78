// `causeway data prepare`: text in, token shards + dataset.json + tokenizer.json out.
// Read next: prepare.cpp, dataset.h.
#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "data/corpus.h"
#include "data/dataset.h"
#include "data/in_order.h"
#include "data/token_spool.h"

namespace causeway {

/// How the validation split is chosen where no files are named for it.
enum class ValSplit : uint8_t {
  Auto,      ///< Document where files hold several or they are shuffled, else End
  End,       ///< the end of the text, inside a document if need be
  Document,  ///< each document by a random number of (seed, document)
};

enum class PreparePhase : uint8_t { Survey, Encode, Write };

/// Where a preparation is: bytes of its files, packed as they are.
struct PrepareProgress {
  PreparePhase phase = PreparePhase::Survey;
  int64_t taken = 0, total = 0;
  int64_t tokens = 0;
};

struct PrepareOptions {
  std::vector<std::filesystem::path>
      sources;                     ///< text files, folders, patterns; "-": standard input
  std::filesystem::path output;    ///< the folder to make, e.g. datasets/austen
  std::string tokenizer = "char";  ///< byte | char | a tokenizer file or folder
  double val_fraction = 0.1;       ///< of bytes or documents; not used where files are named val
  ValSplit val_split = ValSplit::Auto;
  DocumentOptions documents;
  DocumentOrder order = DocumentOrder::AsIs;
  uint64_t seed = 1337;  ///< of the order and of a split by document
  Duplicates duplicates = Duplicates::Keep;
  int64_t shard_tokens = int64_t{1} << 25;
  int threads = default_threads();
  std::function<void(const PrepareProgress&)> progress;
  std::function<bool()> stop;  ///< true: keep what is done for the next time, and return
};

enum class PrepareOutcome : uint8_t {
  Made,
  Found,        ///< same text, same options: nothing was done
  Interrupted,  ///< by stop(); the same call continues
};

struct PrepareResult {
  DatasetInfo info;
  std::filesystem::path folder;
  PrepareOutcome outcome = PrepareOutcome::Made;
};

/// Every document begins with the tokenizer's end-of-text token where it has one; byte and char
/// tokenizers get one when there is more than one document. The text is read twice, packed or not,
/// and never held whole; tokens wait beside `output`, four bytes each, until they are sorted into
/// shards, and the folder is renamed when it is complete: a half-made one is never seen. The result
/// does not depend on `threads` or on stops. Throws data.*, tokenizer.*, usage.*, disk.*.
PrepareResult prepare_dataset(const PrepareOptions& options);

/// Same key, same data set: a hash of text, tokenizer and options; `output` plays no part.
std::string preparation_key(const PrepareOptions& options);

}  // namespace causeway
