// What the tests of checkpoints share: a folder in memory, tiny checkpoints, bytes to flip.
#pragma once
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "core/checkpoint.h"
#include "core/error.h"
#include "core/file.h"
#include "core/safetensors.h"

namespace causeway::test {

/// A folder of one test's own, removed at its end; in memory where that is possible, since these
/// tests sync thousands of times and ask about order, not about disks.
struct Scratch {
  std::filesystem::path path;

  Scratch() {
    const bool memory = ::access("/dev/shm", W_OK) == 0;
    const std::filesystem::path base = memory ? "/dev/shm" : std::filesystem::temp_directory_path();
    path = base / fmt::format("causeway-checkpoint-test-{}", ::getpid());
    std::filesystem::remove_all(path);
    make_folder(path);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { std::filesystem::remove_all(path); }
};

/// The files of a tiny checkpoint; `content` tells one save from another.
inline void write_tiny(const std::filesystem::path& folder, const std::string& content) {
  SafetensorsWriter writer(folder / "model.safetensors",
                           {{.name = "a", .dtype = DType::F32, .shape = {2, 3}},
                            {.name = "b", .dtype = DType::BF16, .shape = {5}}});
  const std::string a(24, content[0]), b(10, 'b');
  writer.write(std::as_bytes(std::span(a)));
  writer.write(std::as_bytes(std::span(b)));
  writer.close();
  write_file(folder / "state.json", std::string_view("{\"content\": \"" + content + "\"}\n"));
  write_file(folder / "empty.txt", std::string_view());
}

inline CheckpointInfo save_tiny(CheckpointStore& store, int64_t step, const std::string& content,
                                std::optional<double> val_loss = std::nullopt) {
  return store.save(step, val_loss, [&](const auto& folder) { write_tiny(folder, content); });
}

inline bool holds(const std::filesystem::path& folder, const std::string& content) {
  return read_file(folder / "state.json").find("\"" + content + "\"") != std::string::npos;
}

inline std::vector<std::string> names(const std::filesystem::path& folder) {
  std::vector<std::string> all;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    all.push_back(entry.path().filename().string());
  std::sort(all.begin(), all.end());
  return all;
}

/// Changes one byte of a file.
inline void flip(const std::filesystem::path& file, size_t offset, int mask) {
  std::string text = read_file(file);
  text[offset] = static_cast<char>(text[offset] ^ mask);
  write_file(file, std::string_view(text));
}

/// Newest first.
inline std::vector<int64_t> steps(const CheckpointStore& store) {
  std::vector<int64_t> all;
  for (const CheckpointInfo& info : store.list()) all.push_back(info.step);
  return all;
}

}  // namespace causeway::test
