// `causeway data prepare`: text in, token shards + dataset.json + tokenizer.json out.
// Read next: prepare.cpp, dataset.h.
#pragma once
#include <filesystem>
#include <string>

#include "data/dataset.h"

namespace causeway {

struct PrepareOptions {
  std::filesystem::path source;    ///< a text file, a folder of them, or "-" for standard input
  std::filesystem::path output;    ///< the folder to make, e.g. datasets/austen
  std::string tokenizer = "char";  ///< byte | char | a tokenizer file or folder
  double val_fraction = 0.1;  ///< the end of the text; not used where there are files named val
};

struct PrepareResult {
  DatasetInfo info;
  std::filesystem::path folder;
  bool already_prepared = false;  ///< same text, same options: nothing was done
};

/// Every document begins with the tokenizer's end-of-text token where it has one; byte and char
/// tokenizers get one when there is more than one document. A folder is read recursively in the
/// order of its paths, hidden files left out; files named for validation are that split (corpus.h).
/// Written beside `output` and renamed, so that a half-made folder is never seen.
/// Throws data.missing, data.empty, data.too_small, data.invalid_utf8, data.exists, disk.*.
PrepareResult prepare_dataset(const PrepareOptions& options);

/// Same key, same data set: a hash of text, tokenizer and split; `output` plays no part.
std::string preparation_key(const PrepareOptions& options);

}  // namespace causeway
