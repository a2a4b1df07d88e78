// See gemm_table.h.
#include "cuda/gemm_table.h"

#include <charconv>
#include <optional>
#include <vector>

#include "core/error.h"
#include "gemm_table_text.h"

namespace causeway::cuda {
namespace {

constexpr size_t kDigits = 16;  // of a word

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::optional<GemmAlgorithm> read_algorithm(std::string_view text) {
  GemmAlgorithm algorithm{};
  const std::vector<std::string_view> words = split(text, ' ');
  if (words.size() != algorithm.size()) return std::nullopt;
  for (size_t i = 0; i < words.size(); ++i) {
    const char* const end = words[i].data() + words[i].size();
    const auto [stop, error] = std::from_chars(words[i].data(), end, algorithm[i], 16);
    if (words[i].size() != kDigits || error != std::errc{} || stop != end) return std::nullopt;
  }
  return algorithm;
}

[[noreturn]] void refuse(const std::string& where, size_t line, std::string what) {
  throw Error({.id = "device.gemm_table",
               .where = fmt::format("{}:{}", where, line),
               .what = std::move(what),
               .remedy = "take the line out, or write it again by causeway bench gemm --tune"});
}

}  // namespace

GemmTable::GemmTable(std::string_view text, const std::string& where) {
  const std::vector<std::string_view> lines = split(text, '\n');
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].empty() || lines[i][0] == '#') continue;
    const std::vector<std::string_view> parts = split(lines[i], '\t');
    if (parts.size() != 4)
      refuse(where, i + 1,
             fmt::format("expected 4 parts with tabs between them, got {}", parts.size()));
    const GemmKey key{std::string(parts[0]), std::string(parts[1]), std::string(parts[2])};
    const auto algorithm = read_algorithm(parts[3]);
    if (key.gpu.empty() || key.library.empty() || key.product.empty() || !algorithm)
      refuse(where, i + 1,
             fmt::format("expected a GPU, a library, a product and eight words of {} hexadecimal "
                         "digits, got \"{}\", \"{}\", \"{}\" and \"{}\"",
                         kDigits, key.gpu, key.library, key.product, parts[3]));
    if (!rows_.emplace(key, *algorithm).second)
      refuse(where, i + 1, fmt::format("a second row for {}", key.product));
  }
}

const GemmAlgorithm* GemmTable::find(const GemmKey& key) const {
  const auto found = rows_.find(key);
  return found == rows_.end() ? nullptr : &found->second;
}

GemmTable committed_gemm_table() { return {kCommittedGemmTable, "cuda/gemm_table.tsv"}; }

std::string gemm_row(const GemmKey& key, const GemmAlgorithm& algorithm) {
  std::string row = fmt::format("{}\t{}\t{}", key.gpu, key.library, key.product);
  for (size_t i = 0; i < algorithm.size(); ++i)
    row += fmt::format("{}{:016x}", i == 0 ? '\t' : ' ', algorithm[i]);
  return row;
}

}  // namespace causeway::cuda
