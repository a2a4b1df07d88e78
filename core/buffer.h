// Buffer: device memory with one owner. Read next: arena.h.
#pragma once
#include <utility>

#include "core/backend.h"
#include "core/error.h"

namespace causeway {

class Buffer {
 public:
  Buffer() = default;
  /// Zeroed; throws Error "memory.*" when the device has not that much.
  Buffer(Backend& backend, size_t bytes)
      : backend_(&backend), data_(bytes ? backend.allocate(bytes) : nullptr), bytes_(bytes) {}
  Buffer(Buffer&& other) noexcept { *this = std::move(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(backend_, other.backend_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Buffer() {
    if (data_) backend_->deallocate(data_, bytes_);
  }

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  Backend* backend_ = nullptr;
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace causeway
