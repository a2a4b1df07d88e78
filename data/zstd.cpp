// zstd. See byte_source.h.
#include <zstd.h>

#include <vector>

#include "data/byte_source.h"

namespace causeway {

namespace {

class Zstd final : public ByteSource {
 public:
  Zstd(std::unique_ptr<ByteSource> packed, std::string where)
      : packed_(std::move(packed)),
        where_(std::move(where)),
        storage_(ZSTD_DStreamInSize()),
        stream_(ZSTD_createDStream()) {}
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;
  ~Zstd() override { ZSTD_freeDStream(stream_); }

  size_t read(std::span<char> out) override {
    ZSTD_outBuffer made{out.data(), out.size(), 0};
    while (made.pos == 0 && !out.empty()) {
      // The library may hold bytes back, so it is asked once more when there is no more input.
      const bool more = input_.pos < input_.size || refill();
      const size_t wanted = ZSTD_decompressStream(stream_, &made, &input_);
      if (ZSTD_isError(wanted)) throw_unpack_error(where_, ZSTD_getErrorName(wanted));
      if (more) inside_frame_ = wanted != 0;
      if (made.pos > 0 || more) continue;
      if (inside_frame_) throw_truncated(where_);
      return 0;
    }
    return made.pos;
  }
  int64_t taken() const override { return packed_->taken(); }

 private:
  bool refill() {
    input_ = {storage_.data(), packed_->read(storage_), 0};
    return input_.size > 0;
  }

  std::unique_ptr<ByteSource> packed_;
  std::string where_;
  std::vector<char> storage_;
  ZSTD_DStream* stream_;
  ZSTD_inBuffer input_{};
  bool inside_frame_ = false;
};

}  // namespace

std::unique_ptr<ByteSource> unpack_zstd(std::unique_ptr<ByteSource> packed, std::string where) {
  return std::make_unique<Zstd>(std::move(packed), std::move(where));
}

}  // namespace causeway
