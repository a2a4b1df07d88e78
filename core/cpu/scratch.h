// Working memory of the CPU backend: one block, a part for each thread and a part they share. It
// grows when a shape is seen for the first time and is never returned. Read next: cpu_backend.h.
#pragma once
#include <algorithm>

#include "core/buffer.h"

namespace causeway::cpu {

class Scratch {
 public:
  Scratch(Backend& backend, int slots) : backend_(backend), slots_(slots) {}

  /// At least `slot_bytes` for every thread and `shared_bytes` for all; contents are lost on
  /// growth.
  void reserve(size_t slot_bytes, size_t shared_bytes) {
    if (slot_bytes <= slot_bytes_ && shared_bytes <= shared_bytes_) return;
    slot_bytes_ = std::max(round_up(slot_bytes), slot_bytes_);
    shared_bytes_ = std::max(round_up(shared_bytes), shared_bytes_);
    block_ = Buffer();  // first free, then allocate: never both
    block_ = Buffer(backend_, bytes());
  }
  size_t bytes() const { return shared_bytes_ + slot_bytes_ * slots_; }

  template <class T = float>
  T* shared() const {
    return static_cast<T*>(block_.data());
  }
  template <class T = float>
  T* slot(int slot) const {
    return reinterpret_cast<T*>(static_cast<char*>(block_.data()) + shared_bytes_ +
                                slot * slot_bytes_);
  }

 private:
  /// Whole pages, so that no two threads write to one cache line.
  static size_t round_up(size_t bytes) { return (bytes + 4095) / 4096 * 4096; }

  Backend& backend_;
  size_t slots_;
  Buffer block_;
  size_t slot_bytes_ = 0, shared_bytes_ = 0;
};

}  // namespace causeway::cpu
