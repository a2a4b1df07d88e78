// See mixture.h.
#include "data/mixture.h"

#include <charconv>
#include <cmath>

#include "core/error.h"
#include "core/hash.h"

namespace causeway {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw Error({.id = "data.mixture",
               .where = where,
               .what = what,
               .remedy = "write data.source: 0.7*datasets/a + 0.3*datasets/b, of folders prepared "
                         "with one tokenizer"});
}

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(' ');
  return begin == std::string::npos ? ""
                                    : text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

MixtureSource parse_part(const std::string& part, const std::string& whole) {
  MixtureSource result;
  const size_t star = part.find('*');
  if (star == std::string::npos) refuse(whole, fmt::format("\"{}\" has no weight", part));
  const std::string weight = trimmed(part.substr(0, star));
  const char* end = weight.data() + weight.size();
  const auto read = std::from_chars(weight.data(), end, result.weight);
  if (read.ec != std::errc() || read.ptr != end || !std::isfinite(result.weight) ||
      result.weight <= 0)
    refuse(whole, fmt::format("\"{}\" is no weight above 0", weight));
  result.source = trimmed(part.substr(star + 1));
  return result;
}

std::vector<fs::path> paths_of(const TokenFiles& files) {
  std::vector<fs::path> paths;
  for (const Shard& shard : files.shards()) paths.emplace_back(shard.path());
  return paths;
}

std::string tokenizer_hash(const Dataset& data) {
  return data.tokenizer ? data.tokenizer->hash() : "none";
}

void check_same_tokens(const Dataset& first, const Dataset& other) {
  if (tokenizer_hash(first) == tokenizer_hash(other) && first.vocab_size == other.vocab_size &&
      first.end_of_text == other.end_of_text)
    return;
  refuse(other.description,
         fmt::format("its tokenizer is not that of {}: vocabulary {} and {}, hash {} and {}",
                     first.description, other.vocab_size, first.vocab_size, tokenizer_hash(other),
                     tokenizer_hash(first)));
}

}  // namespace

std::vector<MixtureSource> mixture_in(const std::string& source) {
  constexpr std::string_view kPlus = " + ";
  if (source.find(kPlus) == std::string::npos || source.find('*') == std::string::npos ||
      fs::exists(source))
    return {};
  std::vector<MixtureSource> parts;
  for (size_t at = 0; at <= source.size();) {
    const size_t end = std::min(source.find(kPlus, at), source.size());
    parts.push_back(parse_part(source.substr(at, end - at), source));
    at = end + kPlus.size();
  }
  return parts;
}

Dataset open_mixture(const std::vector<MixtureSource>& mixture, const DataConfig& config,
                     const std::function<Dataset(const DataConfig&)>& open) {
  Dataset all;
  std::vector<fs::path> train, val;
  std::string identity;
  for (size_t i = 0; i < mixture.size(); ++i) {
    DataConfig one = config;
    one.source = mixture[i].source;
    Dataset data = open(one);
    if (i > 0) check_same_tokens(all, data);
    for (const fs::path& path : paths_of(data.train)) train.push_back(path);
    for (const fs::path& path : paths_of(data.val)) val.push_back(path);
    const int64_t begin = i > 0 ? all.mixture.back().end : 0;
    std::vector<MixturePart> parts = std::move(all.mixture);
    parts.push_back({begin, begin + data.train.size(), mixture[i].weight});
    identity += fmt::format("{} {}\n", mixture[i].weight, data.content_hash);
    if (i == 0) all = std::move(data);
    all.mixture = std::move(parts);
  }
  all.train = TokenFiles(train, all.vocab_size);
  all.val = TokenFiles(val, all.vocab_size);
  all.content_hash = hash_hex(identity);
  all.description = fmt::format("mixture of {} data sets: {}", mixture.size(), config.source);
  return all;
}

}  // namespace causeway
