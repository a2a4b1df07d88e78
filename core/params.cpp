// See params.h.
#include "core/params.h"

#include <cmath>
#include <numbers>

#include "core/philox.h"

namespace causeway {

namespace {
int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }
}  // namespace

ParamId ParamTable::add(ParamInfo info) {
  CHECK(find(info.name) == kNoParam, "parameter {} is registered twice", info.name);
  CHECK(info.rows > 0 && info.cols >= 0, "parameter {} has shape ({}, {})", info.name, info.rows,
        info.cols);
  if (info.valid_rows == 0) info.valid_rows = info.rows;
  const bool new_bucket = params_.empty() || params_.back().bucket != info.bucket;
  info.offset = round_up(flat_size_, new_bucket ? kBucketAlignment : kParamAlignment);
  flat_size_ = round_up(info.offset + info.numel(), kParamAlignment);
  params_.push_back(std::move(info));
  return static_cast<ParamId>(params_.size()) - 1;
}

int64_t ParamTable::count() const {
  int64_t n = 0;
  for (const ParamInfo& p : params_) n += p.valid_numel();
  return n;
}

ParamId ParamTable::find(std::string_view name) const {
  for (size_t i = 0; i < params_.size(); ++i)
    if (params_[i].name == name) return static_cast<ParamId>(i);
  return kNoParam;
}

Tensor ParamTable::view(ParamId id, const Tensor& flat) const {
  const ParamInfo& p = params_[id];
  const Tensor range = flat.slice(0, p.offset, p.numel());
  return p.is_matrix() ? range.view({p.rows, p.cols}) : range;
}

std::vector<float> initial_values(const ParamTable& table, ParamId id, uint64_t seed) {
  const ParamInfo& p = table[id];
  std::vector<float> values(p.numel(), 0.0f);
  const RandomStream stream{
      .seed = seed, .purpose = RandomPurpose::Init, .layer = static_cast<uint32_t>(id)};
  // Box–Muller in double, rounded once: each block of four words gives four normal values.
  const int64_t n = p.valid_numel();
  for (int64_t i = 0; i < n; i += 4) {
    const auto bits =
        p.init_std > 0 ? philox(stream, static_cast<uint32_t>(i / 4)) : std::array<uint32_t, 4>{};
    for (int64_t e = i; e < std::min(i + 4, n); ++e) {
      double z = 0;
      if (p.init_std > 0) {
        const int pair = (e - i) / 2 * 2;
        const double radius = std::sqrt(-2 * std::log(uniform(bits[pair])));
        const double angle = 2 * std::numbers::pi * uniform(bits[pair + 1]);
        z = radius * ((e - i) % 2 == 0 ? std::cos(angle) : std::sin(angle));
      }
      values[e] = static_cast<float>(p.init_mean + p.init_std * z);
    }
  }
  return values;
}

}  // namespace causeway
