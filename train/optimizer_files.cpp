// See optimizer_files.h.
#include "train/optimizer_files.h"

#include <charconv>
#include <map>

#include "core/error.h"
#include "core/safetensors.h"

namespace causeway {
namespace fs = std::filesystem;
namespace {

std::string file_name(int rank, int ranks) {
  return fmt::format("optimizer-{:04}-of-{:04}.safetensors", rank, ranks);
}

/// The buffers of owned parts by the prefix of their tensors' names.
struct OwnedBuffer {
  std::string prefix;
  Tensor kept;
};
std::vector<OwnedBuffer> owned_buffers(const ModelState& state) {
  std::vector<OwnedBuffer> buffers{{"m.", state.m}, {"v.", state.v}};
  if (state.master) buffers.push_back({"master.", state.master});
  return buffers;
}

/// The real elements of a parameter, without vocabulary padding.
Range valid_range(const ParamInfo& p) { return {p.offset, p.offset + p.valid_numel()}; }

/// What `owned` keeps of a parameter: at most one part, since a parameter lies within one bucket.
struct Part {
  Range range;  ///< of the flat buffer
  int64_t local = 0;
};
Part part_of(const OwnedParts& owned, const ParamInfo& p) {
  Part part;
  owned.visit(valid_range(p), [&](const Range& range, int64_t local) {
    CHECK(part.range.empty(), "{} is kept in two parts", p.name);
    part = {range, local};
  });
  return part;
}

[[noreturn]] void refuse(const fs::path& path, std::string what) {
  throw Error({.id = "checkpoint.optimizer",
               .where = path.string(),
               .what = std::move(what),
               .remedy =
                   "the checkpoint belongs to another model or is incomplete; start a new run "
                   "with run.init_from to use its weights"});
}

/// "begin:end", elements of the parameter.
Range parse_range(const std::string& text, const fs::path& path, const std::string& name) {
  Range range;
  const char* end = text.data() + text.size();
  const auto begin = std::from_chars(text.data(), end, range.begin);
  if (begin.ec == std::errc() && begin.ptr != end && *begin.ptr == ':') {
    const auto last = std::from_chars(begin.ptr + 1, end, range.end);
    if (last.ec == std::errc() && last.ptr == end && range.begin >= 0 && range.end >= range.begin)
      return range;
  }
  refuse(path, fmt::format("the range of {} is \"{}\", no begin:end", name, text));
}

/// All files of one save, rank by rank.
std::vector<fs::path> files_in(const fs::path& folder) {
  constexpr int kMostRanks = 8192;  // a power of two, as all numbers of ranks
  std::vector<int> saves;           // numbers of ranks: one, unless files of two saves were mixed
  for (int ranks = 1; ranks <= kMostRanks; ranks *= 2)
    if (fs::exists(folder / file_name(0, ranks))) saves.push_back(ranks);
  if (saves.size() != 1)
    refuse(folder, fmt::format("holds the optimizer state of {} saves", saves.size()));
  std::vector<fs::path> files;
  for (int r = 0; r < saves[0]; ++r) files.push_back(folder / file_name(r, saves[0]));
  return files;
}

/// Takes what this rank keeps of one entry. Returns which elements of the parameter the entry has.
Range take(const SafetensorsFile& file, const TensorEntry& entry, const ParamInfo& p,
           const Tensor& kept, const ModelState& state, Backend& ops) {
  const auto text = file.metadata().find(entry.name);
  if (text == file.metadata().end()) refuse(file.path(), entry.name + " has no range");
  const Range stored = parse_range(text->second, file.path(), entry.name);
  if (entry.dtype != kept.dtype || stored.end > p.valid_numel() ||
      entry.size_bytes() != stored.size() * dtype_size(entry.dtype))
    refuse(file.path(), fmt::format("{} holds {} bytes of {} for elements {} of {} in {}",
                                    entry.name, entry.size_bytes(), dtype_name(entry.dtype),
                                    text->second, p.valid_numel(), dtype_name(kept.dtype)));
  const Range flat{p.offset + stored.begin, p.offset + stored.end};
  state.owned.visit(flat, [&](const Range& range, int64_t local) {
    const auto skip = (range.begin - flat.begin) * dtype_size(entry.dtype);
    ops.upload(kept.slice(0, local, range.size()), file.bytes(entry).data() + skip);
  });
  return stored;
}

}  // namespace

void write_optimizer(const fs::path& folder, Backend& ops, const ParamTable& params,
                     const ModelState& state, int rank, int ranks) {
  const auto buffers = owned_buffers(state);
  std::vector<TensorEntry> entries;
  SafetensorsMetadata metadata;
  for (const OwnedBuffer& buffer : buffers)
    for (const ParamInfo& p : params.all()) {
      const Range range = part_of(state.owned, p).range;
      if (range.empty()) continue;
      const std::string name = buffer.prefix + p.name;
      entries.push_back({.name = name, .dtype = buffer.kept.dtype, .shape = {range.size()}});
      metadata[name] = fmt::format("{}:{}", range.begin - p.offset, range.end - p.offset);
    }
  SafetensorsWriter writer(folder / file_name(rank, ranks), entries, metadata);
  std::vector<std::byte> bytes;
  for (const OwnedBuffer& buffer : buffers)
    for (const ParamInfo& p : params.all()) {
      const Part part = part_of(state.owned, p);
      if (part.range.empty()) continue;
      const Tensor values = buffer.kept.slice(0, part.local, part.range.size());
      bytes.resize(values.bytes());
      ops.download(bytes.data(), values);
      writer.write(bytes);
    }
  writer.close();
}

void read_optimizer(const fs::path& folder, Backend& ops, const ParamTable& params,
                    ModelState& state) {
  const auto buffers = owned_buffers(state);
  std::map<std::string, int64_t> done;  // elements of each tensor so far: parts must join
  for (const fs::path& path : files_in(folder)) {
    const SafetensorsFile file(path);
    for (const OwnedBuffer& buffer : buffers)
      for (const ParamInfo& p : params.all()) {
        const TensorEntry* entry = file.find(buffer.prefix + p.name);
        if (!entry) continue;
        const Range part = take(file, *entry, p, buffer.kept, state, ops);
        int64_t& end = done[entry->name];
        if (part.begin != end)
          refuse(path, fmt::format("{} goes on at element {} instead of {}", entry->name,
                                   part.begin, end));
        end = part.end;
      }
    file.forget();
  }
  for (const OwnedBuffer& buffer : buffers)
    for (const ParamInfo& p : params.all())
      if (done[buffer.prefix + p.name] != p.valid_numel())
        refuse(folder, fmt::format("{} has {} of {} elements", buffer.prefix + p.name,
                                   done[buffer.prefix + p.name], p.valid_numel()));
}

}  // namespace causeway
