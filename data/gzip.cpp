// gzip, through zlib. See byte_source.h.
#include <zlib.h>

#include <vector>

#include "core/error.h"
#include "data/byte_source.h"

namespace causeway {

namespace {

class Gzip final : public ByteSource {
 public:
  Gzip(std::unique_ptr<ByteSource> packed, std::string where)
      : packed_(std::move(packed)), where_(std::move(where)), input_(size_t{1} << 16) {
    constexpr int kGzipOnly = 15 + 16;  // the largest window, and gzip's header wanted
    CHECK(inflateInit2(&stream_, kGzipOnly) == Z_OK, "zlib refuses to begin");
  }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;
  ~Gzip() override { inflateEnd(&stream_); }

  size_t read(std::span<char> out) override {
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    while (stream_.avail_out == out.size() && !out.empty()) {
      if (stream_.avail_in == 0 && !refill()) {
        if (inside_member_) throw_truncated(where_);
        return 0;
      }
      step();
    }
    return out.size() - stream_.avail_out;
  }
  int64_t taken() const override { return packed_->taken(); }

 private:
  bool refill() {
    stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
    stream_.avail_in = static_cast<uInt>(packed_->read(input_));
    return stream_.avail_in > 0;
  }

  void step() {
    inside_member_ = true;
    const int result = inflate(&stream_, Z_NO_FLUSH);
    if (result == Z_STREAM_END) {
      inside_member_ = false;
      inflateReset(&stream_);
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      throw_unpack_error(where_, stream_.msg ? stream_.msg : "not gzip");
    }
  }

  std::unique_ptr<ByteSource> packed_;
  std::string where_;
  std::vector<char> input_;
  z_stream stream_{};
  bool inside_member_ = false;
};

}  // namespace

std::unique_ptr<ByteSource> unpack_gzip(std::unique_ptr<ByteSource> packed, std::string where) {
  return std::make_unique<Gzip>(std::move(packed), std::move(where));
}

}  // namespace causeway
