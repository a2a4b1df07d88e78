// See model_state.h.
#include "core/model_state.h"

#include "core/convert.h"

namespace causeway {

ModelState::ModelState(Backend& backend, const ModelConfig& config, const ParamTable& params,
                       const Precision& precision)
    : owned({}), tables(backend, config, precision), params_(params) {
  values = make(backend, precision.act, params.flat_size());
}

ModelState::ModelState(Backend& backend, const ModelConfig& config, const ParamTable& params,
                       const Precision& precision, int grad_buffers, OwnedParts kept,
                       Masters masters)
    : ModelState(backend, config, params, precision) {
  owned = std::move(kept);
  for (int i = 0; i < grad_buffers; ++i)
    grads.push_back(make(backend, precision.grad, params.flat_size()));
  // Moments and masters have the gradients' precision: f32 in products, f64 in the reference.
  m = make(backend, precision.grad, owned.size());
  v = make(backend, precision.grad, owned.size());
  if (precision.act != precision.grad && masters == Masters::Kept)
    master = make(backend, precision.grad, owned.size());
}

Tensor ModelState::make(Backend& backend, DType dtype, int64_t elements) {
  memory_.emplace_back(backend, static_cast<size_t>(elements) * dtype_size(dtype));
  return Tensor(memory_.back().data(), dtype, {elements});
}

std::vector<ModelState::Line> ModelState::lines() const {
  std::vector<Line> lines{{"parameters", values.bytes()}};
  if (tables.memory.bytes() > 0) lines.push_back({"position tables", tables.memory.bytes()});
  if (grads.empty()) return lines;
  lines.push_back({"gradients", grads[0].bytes()});
  if (grads.size() > 1) lines.push_back({"gradient lanes", grads[0].bytes() * (grads.size() - 1)});
  lines.push_back({"optimizer moments", m.bytes() + v.bytes()});
  if (master) lines.push_back({"master parameters", master.bytes()});
  return lines;
}

std::vector<float> ModelState::read(Backend& backend, ParamId id) const {
  const ParamInfo& p = params_[id];
  const Tensor range = values.slice(0, p.offset, p.valid_numel());
  std::vector<std::byte> bytes(range.bytes());
  backend.download(bytes.data(), range);
  return to_floats(bytes, range.dtype);
}

void ModelState::write(Backend& backend, ParamId id, std::span<const float> numbers) {
  const ParamInfo& p = params_[id];
  CHECK(static_cast<int64_t>(numbers.size()) == p.valid_numel(), "{} has {} values, got {}", p.name,
        p.valid_numel(), numbers.size());
  backend.zero(values.slice(0, p.offset, p.numel()));  // padding too
  backend.upload(values.slice(0, p.offset, p.valid_numel()), convert(numbers, values.dtype).data());
  if (!master) return;
  owned.visit({p.offset, p.offset + p.numel()}, [&](const Range& range, int64_t local) {
    backend.zero(master.slice(0, local, range.size()));
  });
  owned.visit({p.offset, p.offset + p.valid_numel()}, [&](const Range& range, int64_t local) {
    const auto kept = numbers.subspan(range.begin - p.offset, range.size());
    backend.upload(master.slice(0, local, range.size()), convert(kept, master.dtype).data());
  });
}

void ModelState::initialise(Backend& backend, uint64_t seed) {
  for (ParamId id = 0; id < static_cast<ParamId>(params_.all().size()); ++id) {
    std::vector<float> numbers = initial_values(params_, id, seed);
    numbers.resize(params_[id].valid_numel());
    write(backend, id, numbers);
  }
}

}  // namespace causeway
