// See arena.h.
#include "core/arena.h"

#include <algorithm>

namespace causeway {
namespace {
// A measuring arena's addresses start here: never null (null means "absent"), never read.
char* const kNowhere = reinterpret_cast<char*>(uintptr_t{1} << 40);
constexpr size_t kAlignment = 64;
}  // namespace

Tensor Arena::alloc(std::string_view name, DType dtype, std::initializer_list<int64_t> dims) {
  char* base = measuring() ? kNowhere : static_cast<char*>(block_.data());
  Tensor t(base + used_, dtype, dims);
  const size_t bytes = (t.bytes() + kAlignment - 1) / kAlignment * kAlignment;
  used_ += bytes;
  CHECK(measuring() || used_ <= capacity_, "arena of {} bytes is exceeded by {} for {}", capacity_,
        used_ - capacity_, name);
  if (measuring()) live_.push_back({name, bytes});
  if (used_ > peak_) {
    peak_ = used_;
    if (measuring()) live_at_peak_ = live_;
  }
  return t;
}

void Arena::release(size_t used, size_t live) {
  used_ = used;
  live_.resize(live);
}

std::vector<Arena::Line> Arena::peak_lines() const {
  std::vector<Line> lines;
  for (const Line& one : live_at_peak_) {
    auto same = std::find_if(lines.begin(), lines.end(),
                             [&](const Line& line) { return line.name == one.name; });
    if (same == lines.end())
      lines.push_back(one);
    else
      same->bytes += one.bytes;
  }
  std::stable_sort(lines.begin(), lines.end(),
                   [](const Line& a, const Line& b) { return a.bytes > b.bytes; });
  return lines;
}

}  // namespace causeway
