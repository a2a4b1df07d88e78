// dataset.json and the check of what it lists. Read next: open_dataset.cpp.
#include "data/dataset.h"

#include <algorithm>

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/json.h"

namespace causeway {

namespace fs = std::filesystem;

namespace {

constexpr const char* kFormat = "causeway-dataset";
constexpr int kVersion = 1;

int64_t total_tokens(const std::vector<ShardRecord>& records) {
  int64_t total = 0;
  for (const ShardRecord& record : records) total += record.tokens;
  return total;
}

Json records_json(const std::vector<ShardRecord>& records) {
  Json list = Json::array();
  for (const ShardRecord& r : records)
    list.push_back({{"name", r.name}, {"tokens", r.tokens}, {"bytes", r.bytes}, {"xxh3", r.hash}});
  return list;
}

[[noreturn]] void corrupt(const std::string& where, const std::string& what) {
  throw Error({.id = "data.corrupt",
               .where = where,
               .what = what,
               .remedy = "copy the folder again, or make it anew with `causeway data prepare`"});
}

std::vector<ShardRecord> records_from(const Json& list, const std::string& where) {
  std::vector<ShardRecord> records;
  for (const Json& item : list) {
    ShardRecord r{.name = json_get<std::string>(item, "name", where),
                  .tokens = json_get<int64_t>(item, "tokens", where),
                  .bytes = json_get<int64_t>(item, "bytes", where),
                  .hash = json_get<std::string>(item, "xxh3", where)};
    // A name with a folder in it could reach outside the data set.
    if (r.name.empty() || fs::path(r.name).filename() != r.name || r.tokens < 0 || r.bytes < 0)
      corrupt(where,
              fmt::format("\"{}\" with {} tokens is no file of a data set", r.name, r.tokens));
    records.push_back(std::move(r));
  }
  return records;
}

}  // namespace

int64_t DatasetInfo::train_tokens() const { return total_tokens(train); }
int64_t DatasetInfo::val_tokens() const { return total_tokens(val); }

std::string DatasetInfo::content_hash() const {
  return dataset_content_hash(train, val, end_of_text);
}

std::string dataset_content_hash(const std::vector<ShardRecord>& train,
                                 const std::vector<ShardRecord>& val,
                                 std::optional<int32_t> end_of_text) {
  Hasher hasher;
  for (const ShardRecord& r : train) hasher.update("train " + r.hash + "\n");
  for (const ShardRecord& r : val) hasher.update("val " + r.hash + "\n");
  hasher.update(fmt::format("end of text {}", end_of_text.value_or(-1)));
  return hasher.hex();
}

std::string to_json(const DatasetInfo& info) {
  const Json json = {
      {"format", kFormat},
      {"version", kVersion},
      {"source", {{"name", info.source}, {"bytes", info.source_bytes}, {"xxh3", info.source_hash}}},
      {"documents", info.documents},
      {"dropped_documents", info.dropped_documents},
      {"recipe", info.recipe},
      {"val_fraction", info.val_fraction},
      {"tokenizer",
       {{"kind", info.tokenizer},
        {"vocab_size", info.vocab_size},
        {"end_of_text", info.end_of_text ? Json(*info.end_of_text) : Json(nullptr)},
        {"xxh3", info.tokenizer_hash}}},
      {"train_tokens", info.train_tokens()},
      {"val_tokens", info.val_tokens()},
      {"train", records_json(info.train)},
      {"val", records_json(info.val)}};
  // A file's name may be no UTF-8; it is for people only.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

DatasetInfo read_dataset_info(const fs::path& folder) {
  const fs::path path = folder / "dataset.json";
  const std::string where = path.string();
  const Json json = parse_json(read_file(path), where);
  if (!json.is_object() || json_get<std::string>(json, "format", where) != kFormat)
    corrupt(where, fmt::format("\"format\" is not \"{}\"", kFormat));
  if (json_get<int>(json, "version", where) != kVersion)
    corrupt(where, fmt::format("version {} of this format, we know {}",
                               json_get<int>(json, "version", where), kVersion));
  const auto source = json_get<Json>(json, "source", where);
  const auto tokenizer = json_get<Json>(json, "tokenizer", where);
  DatasetInfo info;
  info.source = json_get<std::string>(source, "name", where);
  info.source_bytes = json_get<int64_t>(source, "bytes", where);
  info.source_hash = json_get<std::string>(source, "xxh3", where);
  info.documents = json_get<int64_t>(json, "documents", where);
  info.dropped_documents = json_get_or<int64_t>(json, "dropped_documents", 0, where);
  info.recipe = json_get_or<std::string>(json, "recipe", "", where);
  info.val_fraction = json_get<double>(json, "val_fraction", where);
  info.tokenizer = json_get<std::string>(tokenizer, "kind", where);
  info.tokenizer_hash = json_get<std::string>(tokenizer, "xxh3", where);
  info.vocab_size = json_get<int64_t>(tokenizer, "vocab_size", where);
  const auto end = json_get<Json>(tokenizer, "end_of_text", where);
  if (!end.is_null()) info.end_of_text = json_get<int32_t>(tokenizer, "end_of_text", where);
  info.train = records_from(json_get<Json>(json, "train", where), where);
  info.val = records_from(json_get<Json>(json, "val", where), where);
  if (info.vocab_size < 1 || info.train.empty()) corrupt(where, "it lists no tokens to train on");
  return info;
}

namespace {

/// Every token of a shard against the vocabulary.
void check_tokens(const fs::path& path, int64_t vocab_size) {
  const TokenFiles file({path}, vocab_size);
  std::vector<int32_t> tokens(1 << 16);
  for (int64_t at = 0; at < file.size(); at += static_cast<int64_t>(tokens.size())) {
    const auto left = static_cast<size_t>(file.size() - at);
    file.read(at, std::span(tokens).first(std::min(left, tokens.size())));
  }
}

void verify_shard(const fs::path& path, const ShardRecord& record, int64_t vocab_size) {
  const Shard shard(path);
  if (shard.tokens() != record.tokens)
    corrupt(path.string(),
            fmt::format("{} tokens, dataset.json says {}", shard.tokens(), record.tokens));
  const std::string hash = hash_hex(shard.contents());
  if (hash != record.hash)
    corrupt(path.string(),
            fmt::format("content hash is {}, dataset.json says {}", hash, record.hash));
  check_tokens(path, vocab_size);
}

/// Runs one check; what it throws becomes a fault.
template <class Check>
void collect(VerifyResult& result, const std::string& file, Check check) {
  ++result.files;
  try {
    check();
  } catch (const Error& error) {
    result.faults.push_back({file, error.info().what});
  }
}

}  // namespace

VerifyResult verify_dataset(const fs::path& folder) {
  VerifyResult result;
  if (!fs::exists(folder / "dataset.json")) {
    // Foreign shards carry no hashes: their sizes are all there is to check.
    const ShardPaths paths = find_shards(folder);
    for (const auto* split : {&paths.train, &paths.val})
      for (const fs::path& path : *split)
        collect(result, path.filename().string(), [&] { result.tokens += Shard(path).tokens(); });
    return result;
  }
  const DatasetInfo info = read_dataset_info(folder);
  for (const auto* split : {&info.train, &info.val})
    for (const ShardRecord& record : *split)
      collect(result, record.name, [&] {
        verify_shard(folder / record.name, record, info.vocab_size);
        result.tokens += record.tokens;
      });
  collect(result, "tokenizer.json", [&] {
    const auto tokenizer = load_tokenizer(folder / "tokenizer.json");
    if (tokenizer->hash() != info.tokenizer_hash)
      corrupt((folder / "tokenizer.json").string(), "it is not the tokenizer of these tokens");
  });
  return result;
}

}  // namespace causeway
