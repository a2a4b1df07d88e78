// See byte_source.h.
#include "data/byte_source.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/error.h"

namespace causeway {

namespace {

class PlainFile final : public ByteSource {
 public:
  explicit PlainFile(const std::filesystem::path& path)
      : path_(path), file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (file_ < 0) fail(errno == ENOENT ? "data.missing" : "data.read");
  }
  PlainFile(const PlainFile&) = delete;
  PlainFile& operator=(const PlainFile&) = delete;
  ~PlainFile() override { ::close(file_); }

  size_t read(std::span<char> out) override {
    ssize_t count = 0;
    do {
      count = ::read(file_, out.data(), out.size());
    } while (count < 0 && errno == EINTR);
    if (count < 0) fail("data.read");
    taken_ += count;
    return static_cast<size_t>(count);
  }
  int64_t taken() const override { return taken_; }

 private:
  [[noreturn]] void fail(const char* id) const {
    throw Error({.id = id,
                 .where = path_.string(),
                 .what = fmt::format("cannot be read: {}", std::strerror(errno)),
                 .remedy = "check the path and its permissions"});
  }

  std::filesystem::path path_;
  int file_;
  int64_t taken_ = 0;
};

/// Gives back first what was read to look at it.
class Peeked final : public ByteSource {
 public:
  Peeked(std::string held, std::unique_ptr<ByteSource> rest)
      : held_(std::move(held)), rest_(std::move(rest)) {}

  size_t read(std::span<char> out) override {
    if (held_.empty()) return rest_->read(out);
    const size_t count = std::min(out.size(), held_.size());
    std::copy_n(held_.begin(), count, out.begin());
    held_.erase(0, count);
    return count;
  }
  int64_t taken() const override { return rest_->taken(); }

 private:
  std::string held_;
  std::unique_ptr<ByteSource> rest_;
};

}  // namespace

std::unique_ptr<ByteSource> open_bytes(const std::filesystem::path& path) {
  constexpr std::string_view kGzip = "\x1F\x8B", kZstd = "\x28\xB5\x2F\xFD";
  std::unique_ptr<ByteSource> file = std::make_unique<PlainFile>(path);
  std::string first(kZstd.size(), '\0');
  size_t held = 0;
  for (size_t more = 1; held < first.size() && more > 0; held += more)
    more = file->read(std::span(first).subspan(held));
  first.resize(held);
  const bool gzip = first.starts_with(kGzip), zstd = first.starts_with(kZstd);
  auto source = std::make_unique<Peeked>(std::move(first), std::move(file));
  if (gzip) return unpack_gzip(std::move(source), path.string());
  if (zstd) return unpack_zstd(std::move(source), path.string());
  return source;
}

void throw_truncated(const std::string& where) {
  throw Error({.id = "data.truncated",
               .where = where,
               .what = "the packed file ends before its text does",
               .remedy = "copy it again"});
}

void throw_unpack_error(const std::string& where, const std::string& why) {
  throw Error({.id = "data.corrupt",
               .where = where,
               .what = fmt::format("cannot be unpacked: {}", why),
               .remedy = "copy it again"});
}

}  // namespace causeway
