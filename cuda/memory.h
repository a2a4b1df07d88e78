// What the CUDA backend owns: a stream, events, scratch memory, and pinned memory that uploads pass
// through. Read next: cuda_backend.h.
#pragma once
#include <array>

#include "cuda/runtime.h"

namespace causeway::cuda {

class Stream {
 public:
  Stream() : stream_(make_stream()) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { destroy(stream_); }
  operator cudaStream_t() const { return stream_; }

 private:
  cudaStream_t stream_;
};

class Event {
 public:
  Event() : event_(make_event()) {}
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { destroy(event_); }
  operator cudaEvent_t() const { return event_; }

 private:
  cudaEvent_t event_;
};

/// Device memory or Error "memory.device", which says what is free.
void* allocate_or_throw(size_t bytes);

/// One piece of device memory that the operations of a stream use in turn.
class Scratch {
 public:
  explicit Scratch(cudaStream_t stream) : stream_(stream) {}
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { deallocate(data_); }

  /// At least `bytes` of memory, whose content is anything. Waits for the stream where it must
  /// grow.
  void* reserve(size_t bytes);
  size_t bytes() const { return bytes_; }

 private:
  cudaStream_t stream_;
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

/// Two pinned buffers, filled in turn, so that an upload returns while the device still copies.
class Staging {
 public:
  Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  ~Staging();

  /// `host` may be changed as soon as this returns.
  void upload(void* dst, const void* host, size_t bytes, cudaStream_t stream);

 private:
  struct Slot {
    void* data = nullptr;
    Event free;  ///< recorded after the copy out of `data`
  };
  std::array<Slot, 2> slots_;
  int turn_ = 0;
};

}  // namespace causeway::cuda
