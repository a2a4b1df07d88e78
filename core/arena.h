// Arena: where activations live. The same code runs twice: first against a measuring arena, which
// hands out addresses of nothing and remembers the peak; then against one committed block of
// exactly that size. So the bytes of a run are known before it starts, and a step never allocates.
// Read next: model.cpp (who allocates), plan_backend.h (the backend of the measuring pass).
#pragma once
#include <string_view>
#include <vector>

#include "core/buffer.h"

namespace causeway {

class Arena {
 public:
  /// Bytes under one name at the moment of the peak.
  struct Line {
    std::string_view name;
    size_t bytes;
  };

  Arena() = default;  ///< measuring
  Arena(Backend& backend, size_t bytes) : block_(backend, bytes), capacity_(bytes) {}

  /// An uninitialised tensor, 64-byte aligned. `name` is a literal such as "attention.qkv"; equal
  /// names are added up in the report. Throws when a committed arena is exceeded.
  Tensor alloc(std::string_view name, DType dtype, std::initializer_list<int64_t> dims);

  /// Frees in reverse order of allocation: everything allocated during the scope.
  class Scope {
   public:
    explicit Scope(Arena& arena) : arena_(arena), used_(arena.used_), live_(arena.live_.size()) {}
    ~Scope() { arena_.release(used_, live_); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Arena& arena_;
    size_t used_, live_;
  };

  bool measuring() const { return capacity_ == 0; }
  size_t peak() const { return peak_; }
  /// What was live at the peak, largest first (measuring arenas only).
  std::vector<Line> peak_lines() const;

 private:
  void release(size_t used, size_t live);

  Buffer block_;
  size_t capacity_ = 0;
  size_t used_ = 0;
  size_t peak_ = 0;
  std::vector<Line> live_;  // in order of allocation
  std::vector<Line> live_at_peak_;
};

}  // namespace causeway
