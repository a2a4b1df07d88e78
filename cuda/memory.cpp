// See memory.h.
#include "cuda/memory.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"

namespace causeway::cuda {
namespace {

/// A micro-batch of 64 × 1024 tokens is 256 KiB.
constexpr size_t kSlotBytes = size_t{1} << 20;

}  // namespace

void* allocate_or_throw(size_t bytes) {
  void* const data = allocate(std::max<size_t>(bytes, 1));
  if (data) return data;
  const MemoryInfo info = memory_info();
  constexpr double kMiB = 1 << 20;
  throw Error({.id = "memory.device",
               .where = "",
               .what = fmt::format("the GPU refused {:.1f} MiB; {:.1f} of its {:.1f} MiB are free",
                                   bytes / kMiB, info.free / kMiB, info.total / kMiB),
               .remedy =
                   "make train.micro_batch_size or the model smaller, or set train.recompute; "
                   "causeway plan shows what a run needs, by category"});
}

void* Scratch::reserve(size_t bytes) {
  if (bytes <= bytes_) return data_;
  synchronize(stream_);  // what runs may still use the smaller piece
  deallocate(data_);
  data_ = nullptr, bytes_ = 0;
  data_ = allocate_or_throw(bytes);
  bytes_ = bytes;
  return data_;
}

Staging::Staging() {
  for (Slot& slot : slots_) {
    slot.data = allocate_pinned(kSlotBytes);
    if (!slot.data)
      throw Error({.id = "memory.host",
                   .where = "",
                   .what = fmt::format("the system refused {} bytes of pinned memory", kSlotBytes),
                   .remedy = "raise the limit of locked memory (ulimit -l)"});
  }
}

Staging::~Staging() {
  for (Slot& slot : slots_) deallocate_pinned(slot.data);
}

void Staging::upload(void* dst, const void* host, size_t bytes, cudaStream_t stream) {
  for (size_t done = 0; done < bytes; done += kSlotBytes, turn_ ^= 1) {
    const size_t piece = std::min(kSlotBytes, bytes - done);
    Slot& slot = slots_[turn_];
    wait(slot.free);
    std::memcpy(slot.data, static_cast<const char*>(host) + done, piece);
    copy(static_cast<char*>(dst) + done, slot.data, piece, stream);
    record(slot.free, stream);
  }
}

}  // namespace causeway::cuda
