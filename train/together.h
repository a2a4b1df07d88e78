// What ranks do together and either all succeed in or all fail. Read next: core/comm.h,
// core/checkpoint.h (the protocol of a save).
#pragma once
#include <cstring>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "core/checkpoint.h"
#include "core/comm.h"

namespace causeway {

/// Every rank runs `action` (it may do nothing on some); afterwards all go on, or all throw the
/// Error of the first rank that failed, so that all take the same decision about it.
void together(Communicator& comm, const std::function<void()>& action);

/// The same for work of any length that touches neither device nor communicator, such as reading
/// files. It runs on a thread of its own; meanwhile the ranks tell each other several times a
/// second that they live, and `beat` is called each time all of them have.
void together_alive(Communicator& comm, const std::function<void()>& action,
                    const std::function<void()>& beat);

/// Rank 0's `action` returns a text that every rank gets; its Error is thrown by all.
std::string from_leader(Communicator& comm, const std::function<std::string()>& action);

/// Every rank's values, by rank, on every rank.
template <class T>
std::vector<std::vector<T>> gather_values(Communicator& comm, const std::vector<T>& values) {
  static_assert(std::is_trivially_copyable_v<T>);
  const size_t bytes = values.size() * sizeof(T);
  std::vector<std::vector<T>> all;
  for (const std::string& raw :
       comm.gather(std::string(reinterpret_cast<const char*>(values.data()), bytes))) {
    all.emplace_back(raw.size() / sizeof(T));
    if (!raw.empty()) std::memcpy(all.back().data(), raw.data(), raw.size());
  }
  return all;
}

/// Saves a step by the protocol (DESIGN 5): rank 0 begins and publishes, every rank writes its
/// files with `write_files`. Throws the same Error on every rank; then nothing of it is left.
void save_together(Communicator& comm, CheckpointStore& store, int64_t step,
                   std::optional<double> val_loss, const CheckpointStore::WriteFiles& write_files);

/// Throws Error "disk.not_shared" unless every rank sees in `folder` what rank 0 writes there.
void require_shared_folder(Communicator& comm, const std::filesystem::path& folder);

}  // namespace causeway
