// Where a data set is made, beside the place it will have: a folder with a lock and a note of how
// far it is. Read next: prepare.cpp.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace causeway {

/// What is done: whole batches of text, and the sizes of the spool's files behind the last of them.
struct PrepareNote {
  int64_t batches = 0;
  std::vector<int64_t> sizes;
};

class PrepareWork {
 public:
  /// `.partial-NAME` beside `output`, or a folder of this process alone where another process has
  /// that one. Throws disk.*.
  explicit PrepareWork(const std::filesystem::path& output);
  PrepareWork(const PrepareWork&) = delete;
  PrepareWork& operator=(const PrepareWork&) = delete;
  /// Removes the folder, unless it was kept or published.
  ~PrepareWork();

  const std::filesystem::path& folder() const { return folder_; }

  /// The note that an interrupted preparation with this key left here, or an empty one.
  PrepareNote note(const std::string& key) const;
  void write_note(const std::string& key, const PrepareNote& note);
  /// The folder stays for the next time.
  void keep() { kept_ = true; }
  /// Renames the folder to `output`. Throws disk.*.
  void publish(const std::filesystem::path& output);

 private:
  std::filesystem::path folder_;
  int lock_ = -1;
  bool kept_ = false;
};

}  // namespace causeway
