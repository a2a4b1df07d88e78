// See file.h.
#include "core/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "core/error.h"

namespace causeway {
namespace {

/// A file descriptor that closes itself.
struct Descriptor {
  int number = -1;
  explicit Descriptor(int number) : number(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

[[noreturn]] void throw_read_error(const std::filesystem::path& path, std::string_view family,
                                   int error_number) {
  if (error_number == ENOENT) {
    std::error_code ignored;
    throw Error({.id = fmt::format("{}.missing", family),
                 .where = path.string(),
                 .what = "no such file",
                 .remedy = fmt::format("looked from {}; check the path",
                                       std::filesystem::current_path(ignored).string())});
  }
  // A sector that cannot be read is damage to the content; the rest is about access.
  const bool damaged = error_number == EIO;
  const bool forbidden = error_number == EACCES || error_number == EPERM;
  throw Error({.id = fmt::format("{}.{}", family,
                                 damaged     ? "corrupt"
                                 : forbidden ? "permission"
                                             : "read"),
               .where = path.string(),
               .what = fmt::format("cannot be read: {}", std::strerror(error_number)),
               .remedy = damaged ? "the disk fails to read it: use another copy"
                                 : "check its permissions and that it is a file"});
}

/// Opens for reading and returns the size; refuses what is not a regular file.
size_t open_size(const Descriptor& file, const std::filesystem::path& path,
                 std::string_view family) {
  struct stat info {};
  if (file.number < 0 || ::fstat(file.number, &info) != 0) throw_read_error(path, family, errno);
  if (!S_ISREG(info.st_mode))
    throw_read_error(path, family, S_ISDIR(info.st_mode) ? EISDIR : EINVAL);
  return static_cast<size_t>(info.st_size);
}

/// Up to buffer.size() bytes; fewer only at the end of the file.
size_t read_full(const Descriptor& file, std::span<char> buffer, const std::filesystem::path& path,
                 std::string_view family) {
  size_t done = 0;
  while (done < buffer.size()) {
    const ssize_t n = ::read(file.number, buffer.data() + done, buffer.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_read_error(path, family, errno);
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  return done;
}

constexpr size_t kPieceBytes = size_t{1} << 20;

}  // namespace

std::string read_file(const std::filesystem::path& path, std::string_view family) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text(open_size(file, path, family), '\0');
  text.resize(read_full(file, text, path, family));  // it may have shrunk meanwhile
  return text;
}

size_t read_pieces(const std::filesystem::path& path, std::string_view family,
                   const std::function<void(std::span<const std::byte>)>& take) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::vector<char> buffer(std::min(open_size(file, path, family) + 1, kPieceBytes));
  size_t total = 0;
  while (const size_t n = read_full(file, buffer, path, family)) {
    take(std::as_bytes(std::span(buffer)).first(n));
    total += n;
  }
  return total;
}

FileMap::FileMap(const std::filesystem::path& path, std::string_view family) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  size_ = open_size(file, path, family);
  if (size_ == 0) return;  // an empty map is no map
  void* map = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.number, 0);
  if (map == MAP_FAILED) throw_read_error(path, family, errno);
  data_ = static_cast<const std::byte*>(map);
}

FileMap::FileMap(FileMap&& other) noexcept { *this = std::move(other); }

FileMap& FileMap::operator=(FileMap&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

FileMap::~FileMap() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
}

void FileMap::forget() const {
  // A private map that nobody writes to holds nothing that the file does not.
  if (data_) ::madvise(const_cast<std::byte*>(data_), size_, MADV_DONTNEED);
}

FileWriter::FileWriter(std::filesystem::path path) : path_(std::move(path)) {
  file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file_ < 0) throw_disk_error(path_, "opened", errno);
}

FileWriter::~FileWriter() {
  if (file_ >= 0) ::close(file_);
}

void FileWriter::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(file_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      throw_disk_error(
          path_, fmt::format("written (wanted {} bytes more at byte {})", bytes.size(), written_),
          errno);
    written_ += static_cast<size_t>(n);
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
}

void FileWriter::close() {
  if (::fsync(file_) != 0) throw_disk_error(path_, "synced", errno);
  // Network file systems report a failed write as late as here.
  if (::close(std::exchange(file_, -1)) != 0) throw_disk_error(path_, "closed", errno);
}

void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  FileWriter writer(path);
  writer.write(bytes);
  writer.close();
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  write_file(path, std::as_bytes(std::span(text)));
}

void replace_file(const std::filesystem::path& path, std::string_view text) {
  std::filesystem::path temporary = path;
  temporary += fmt::format(".tmp-{}", ::getpid());
  try {
    write_file(temporary, text);
    rename_durable(temporary, path);
  } catch (const Error&) {
    ::unlink(temporary.c_str());
    throw;
  }
}

void sync_path(const std::filesystem::path& path) {
  const std::filesystem::path name = path.empty() ? "." : path;
  const Descriptor file(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number < 0 || ::fsync(file.number) != 0) throw_disk_error(name, "synced", errno);
}

void rename_durable(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) throw_disk_error(to, "renamed into place", errno);
  sync_path(to.parent_path());
}

void make_folder(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::error_code error;
  // A new folder's name lives in its parent, which must be synced for the folder to survive.
  std::vector<fs::path> parents;
  for (fs::path p = fs::absolute(folder, error);
       !error && !fs::exists(p, error) && p.has_relative_path(); p = p.parent_path())
    parents.push_back(p.parent_path());
  error.clear();
  fs::create_directories(folder, error);
  if (error) throw_disk_error(folder, "created", error.value());
  for (const fs::path& parent : parents) sync_path(parent);
}

void throw_disk_error(const std::filesystem::path& path, std::string_view doing, int error_number) {
  const bool full = error_number == ENOSPC || error_number == EDQUOT;
  throw Error({.id = full ? "disk.full" : "disk.write",
               .where = path.string(),
               .what = fmt::format("cannot be {}: {}", doing, std::strerror(error_number)),
               .remedy = full ? "free some space (df -h shows where), or point run.dir elsewhere"
                              : "check that the folder exists and may be written by this user"});
}

}  // namespace causeway
