// See case_tensors.h.
#include "core/cases/case_tensors.h"

#include <algorithm>
#include <cstring>

namespace causeway {
namespace {

constexpr int64_t kFenceBytes = 64;  // before and after every tensor; keeps its alignment

void store(DType dtype, void* base, int64_t i, double value) {
  switch (dtype) {
    case DType::F32:
      static_cast<float*>(base)[i] = static_cast<float>(value);
      return;
    case DType::BF16:
      static_cast<bf16*>(base)[i] = bf16(static_cast<float>(value));
      return;
    case DType::F64:
      static_cast<double*>(base)[i] = value;
      return;
    case DType::C128:
      static_cast<std::complex<double>*>(base)[i] = value;
      return;
    case DType::I32:
      static_cast<int32_t*>(base)[i] = static_cast<int32_t>(value);
      return;
  }
}

double load(DType dtype, const void* base, int64_t i) {
  switch (dtype) {
    case DType::F32:
      return static_cast<const float*>(base)[i];
    case DType::BF16:
      return static_cast<float>(static_cast<const bf16*>(base)[i]);
    case DType::F64:
      return static_cast<const double*>(base)[i];
    case DType::C128:
      return static_cast<const std::complex<double>*>(base)[i].real();
    case DType::I32:
      break;
  }
  return static_cast<const int32_t*>(base)[i];
}

double rounded(DType dtype, double value) {
  std::complex<double> scratch;  // large enough for every dtype
  store(dtype, &scratch, 0, value);
  return load(dtype, &scratch, 0);
}

/// Calls visit(e, offset) for every element in index order; offset in elements from t.data.
template <class Visit>
void for_each_element(const Tensor& t, Visit visit) {
  for (int64_t e = 0; e < t.numel(); ++e) {
    int64_t rest = e, offset = 0;
    for (int d = t.rank - 1; d >= 0; --d) {
      offset += rest % t.shape[d] * t.stride[d];
      rest /= t.shape[d];
    }
    visit(e, offset);
  }
}

/// The spec's slice of a dense tensor that is wider by the padding, at `data`.
Tensor sliced(const TensorSpec& spec, DType dtype, void* data) {
  Tensor t;
  t.data = data;
  t.dtype = dtype;
  t.rank = static_cast<int>(spec.shape.size());
  int64_t step = 1, offset = 0;
  for (int d = t.rank - 1; d >= 0; --d) {
    t.shape[d] = spec.shape[d];
    t.stride[d] = step;
    const bool padded = d == spec.padding.dim;
    if (padded) offset = spec.padding.before * step;
    step *= spec.shape[d] + (padded ? spec.padding.before + spec.padding.after : 0);
  }
  t.data = static_cast<char*>(data) + offset * int64_t(dtype_size(dtype));
  return t;
}

int64_t storage_numel(const TensorSpec& spec) {
  int64_t n = 1;
  for (int d = 0; d < static_cast<int>(spec.shape.size()); ++d)
    n *= spec.shape[d] + (d == spec.padding.dim ? spec.padding.before + spec.padding.after : 0);
  return n;
}

}  // namespace

CaseTensors::CaseTensors(Backend& backend, const OpCase& c, const Options& options)
    : backend_(backend) {
  RandomStream stream{.seed = 20, .purpose = RandomPurpose::Test};
  for (const TensorSpec& spec : c.tensors) {
    ++stream.layer;
    if (!spec.alias.empty() && options.aliasing == Aliasing::AsDeclared) {
      const Slot& shared = slot(spec.alias);  // demands that it was given before
      CHECK(shared.tensor.numel() == numel(spec), "{}: alias {} differs in shape", c.name,
            spec.name);
      alias_[spec.name] = spec.alias;
    } else {
      add(spec, options, stream);
    }
  }
}

void CaseTensors::add(const TensorSpec& spec, const Options& options, const RandomStream& stream) {
  const DType dtype = dtype_of_kind(spec.kind, options.precision);
  const int64_t size = int64_t(dtype_size(dtype)), fence = kFenceBytes / size;
  const int64_t n = storage_numel(spec) + 2 * fence;
  Slot slot{.memory = Buffer(backend_, size_t(n * size)),
            .storage = {},
            .tensor = {},
            .rounding = dtype_of_kind(spec.kind, options.rounding)};
  slot.storage = Tensor(slot.memory.data(), dtype, {n});
  slot.tensor = sliced(spec, dtype, static_cast<char*>(slot.memory.data()) + kFenceBytes);
  std::vector<char> host(size_t(n * size), char(0xff));
  if (spec.fill) {
    const int64_t row = spec.shape.back(), count = numel(spec);
    const int64_t period =
        options.repeat > 0 ? std::min(count, (options.repeat + row - 1) / row * row) : count;
    std::vector<double> values(static_cast<size_t>(period));
    for (int64_t e = 0; e < period; ++e) values[size_t(e)] = spec.fill(stream, e);
    for_each_element(slot.tensor, [&](int64_t e, int64_t offset) {
      const char* storage = static_cast<char*>(slot.storage.data);
      const int64_t first = static_cast<char*>(slot.tensor.data) - storage;
      store(dtype, host.data() + first, offset, rounded(slot.rounding, values[size_t(e % period)]));
    });
  }
  backend_.upload(slot.storage, host.data());
  slots_.emplace(spec.name, std::move(slot));
}

const CaseTensors::Slot& CaseTensors::slot(std::string_view name) const {
  const auto alias = alias_.find(name);
  const auto found = slots_.find(alias == alias_.end() ? name : std::string_view(alias->second));
  CHECK(found != slots_.end(), "no tensor {}", name);
  return found->second;
}

Tensor CaseTensors::operator[](std::string_view name) const {
  if (!slots_.count(name) && !alias_.count(name)) return {};
  return slot(name).tensor;
}

std::vector<double> CaseTensors::values(std::string_view name) const {
  const Slot& s = slot(name);
  std::vector<char> host(s.storage.bytes());
  backend_.download(host.data(), s.storage);
  const int64_t first = static_cast<char*>(s.tensor.data) - static_cast<char*>(s.storage.data);
  std::vector<double> values(static_cast<size_t>(s.tensor.numel()));
  for_each_element(s.tensor, [&](int64_t e, int64_t offset) {
    values[e] = load(s.tensor.dtype, host.data() + first, offset);
  });
  return values;
}

void CaseTensors::set(std::string_view name, const std::vector<double>& values) {
  const Slot& s = slot(name);
  CHECK(int64_t(values.size()) == s.tensor.numel(), "{} values for {}", values.size(), name);
  std::vector<char> host(s.storage.bytes());
  backend_.download(host.data(), s.storage);  // keeps what lies around the elements
  const int64_t first = static_cast<char*>(s.tensor.data) - static_cast<char*>(s.storage.data);
  for_each_element(s.tensor, [&](int64_t e, int64_t offset) {
    store(s.tensor.dtype, host.data() + first, offset, rounded(s.rounding, values[e]));
  });
  backend_.upload(s.storage, host.data());
}

std::vector<Tensor> CaseTensors::storage() const {
  std::vector<Tensor> all;
  for (const auto& [name, slot] : slots_) all.push_back(slot.storage);
  return all;
}

bool CaseTensors::fence_intact(std::string_view name) const {
  const Slot& s = slot(name);
  std::vector<char> host(s.storage.bytes());
  backend_.download(host.data(), s.storage);
  const int64_t first = static_cast<char*>(s.tensor.data) - static_cast<char*>(s.storage.data);
  const int64_t size = int64_t(dtype_size(s.tensor.dtype));
  for_each_element(s.tensor, [&](int64_t, int64_t offset) {
    std::memset(host.data() + first + offset * size, 0xff, size_t(size));
  });
  return std::all_of(host.begin(), host.end(), [](char byte) { return byte == char(0xff); });
}

}  // namespace causeway
