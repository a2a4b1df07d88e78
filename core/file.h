// Files that survive a power cut, and files read through a map. Read next: checkpoint.h.
#pragma once
#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace causeway {

/// The whole file. Throws Error "<family>.missing", "<family>.permission", "<family>.read" (not a
/// file), or "<family>.corrupt" (the disk cannot read it); `family` decides the exit code ("data",
/// "checkpoint", "config").
std::string read_file(const std::filesystem::path& path, std::string_view family = "data");

/// The file piece by piece, for files of any size; returns its length. Throws like read_file.
size_t read_pieces(const std::filesystem::path& path, std::string_view family,
                   const std::function<void(std::span<const std::byte>)>& take);

/// A read-only map of a file. One of the five owning types.
class FileMap {
 public:
  FileMap() = default;
  /// Throws like read_file.
  explicit FileMap(const std::filesystem::path& path, std::string_view family = "data");
  FileMap(FileMap&& other) noexcept;
  FileMap& operator=(FileMap&& other) noexcept;
  ~FileMap();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  /// Tells the system that what was read is not needed for now: resident pages go, the map stays.
  void forget() const;

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

/// Writes a new file from front to back; every error of the system is an Error "disk.*" with path,
/// cause and remedy. Destroyed before close(): the half-written file stays and is the caller's.
class FileWriter {
 public:
  explicit FileWriter(std::filesystem::path path);
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;
  ~FileWriter();

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  /// Syncs to the disk, closes, and reports what either says.
  void close();

 private:
  std::filesystem::path path_;
  int file_ = -1;
  size_t written_ = 0;
};

/// A new file, synced. Not atomic: for files in a folder that is itself renamed into place.
void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_file(const std::filesystem::path& path, std::string_view text);
/// Temporary file, sync, rename, sync of the folder: readers see the old or the new content.
void replace_file(const std::filesystem::path& path, std::string_view text);
/// Syncs a file or a folder; of a folder, the names in it. Throws Error "disk.*".
void sync_path(const std::filesystem::path& path);
/// The same under its narrower name.
inline void sync_folder(const std::filesystem::path& folder) { sync_path(folder); }
/// Renames and syncs the parent. Throws Error "disk.*".
void rename_durable(const std::filesystem::path& from, const std::filesystem::path& to);
/// Creates it with its parents. Throws Error "disk.*".
void make_folder(const std::filesystem::path& folder);

/// "disk.full" for ENOSPC and EDQUOT, else "disk.write": what went wrong with `path`, from errno.
[[noreturn]] void throw_disk_error(const std::filesystem::path& path, std::string_view doing,
                                   int error_number);

}  // namespace causeway
