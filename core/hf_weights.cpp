// Saving and loading as loops over the table of hf_tensors.h. See hf.h.
#include <algorithm>

#include "core/convert.h"
#include "core/file.h"
#include "core/hf_config.h"
#include "core/hf_fields.h"
#include "core/hf_source.h"
#include "core/hf_tensors.h"

namespace causeway {
namespace {

/// out (cols, rows) = in (rows, cols), transposed.
std::vector<float> transposed(std::span<const float> in, int64_t rows, int64_t cols) {
  std::vector<float> out(in.size());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c) out[c * rows + r] = in[r * cols + c];
  return out;
}

/// The tensor's numbers in the file's order, from the whole parameter's.
std::vector<float> to_file(const HfTensor& t, std::span<const float> parameter) {
  if (t.layout == HfLayout::Zeros) return std::vector<float>(t.numel());
  const int64_t width = std::max<int64_t>(t.cols, 1);
  const auto rows = parameter.subspan(t.first_row * width, t.numel());
  if (t.layout == HfLayout::Transposed) return transposed(rows, t.rows, t.cols);
  return {rows.begin(), rows.end()};
}

/// Puts the tensor's rows into their place in the parameter.
void from_file(const HfTensor& t, std::vector<float> numbers, std::span<float> parameter) {
  if (t.layout == HfLayout::Transposed) numbers = transposed(numbers, t.cols, t.rows);
  const int64_t first = t.first_row * std::max<int64_t>(t.cols, 1);
  std::copy(numbers.begin(), numbers.end(), parameter.begin() + first);
}

void write_weights(const std::filesystem::path& path, const std::vector<HfTensor>& tensors,
                   const ParamTable& params, DType dtype, const ParamReader& read) {
  std::vector<TensorEntry> entries;
  for (const HfTensor& t : tensors)
    entries.push_back({.name = t.name, .dtype = dtype, .shape = t.shape()});
  SafetensorsWriter writer(path, std::move(entries));
  std::vector<float> parameter;
  ParamId held = kNoParam;  // the pieces of a parameter stand together: it is read once
  for (const HfTensor& t : tensors) {
    if (t.param != kNoParam && t.param != held) {
      held = t.param;
      parameter = read(held);
      CHECK(static_cast<int64_t>(parameter.size()) == params[held].valid_numel(),
            "{} has {} values, got {}", params[held].name, params[held].valid_numel(),
            parameter.size());
    }
    writer.write(convert(std::span<const float>(to_file(t, parameter)), dtype));
  }
  writer.close();
}

std::string shape_text(const std::vector<int64_t>& shape) {
  return fmt::format("({})", fmt::join(shape, ", "));
}

/// "a, b, c and 7 more".
std::string some_of(const std::vector<std::string>& names) {
  constexpr size_t kShown = 3;
  const size_t shown = std::min(names.size(), kShown);
  std::string text = fmt::format("{}", fmt::join(names.begin(), names.begin() + shown, ", "));
  if (names.size() > shown) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

[[noreturn]] void fail(const char* id, const std::string& where, std::string what) {
  throw Error({.id = id,
               .where = where,
               .what = std::move(what),
               .remedy = "config.json and the weights must belong to one model: copy the folder "
                         "again, or export it again"});
}

void check_names(const HfSource& source, const std::vector<HfTensor>& tensors,
                 const ModelConfig& config, const std::string& where) {
  std::vector<std::string> missing, extra;
  std::map<std::string_view, const HfTensor*> wanted;
  for (const HfTensor& t : tensors) {
    wanted[without_prefix(t.name)] = &t;
    if (!source.find(t.name)) missing.push_back(t.name);
  }
  for (const auto& [name, found] : source.all())
    if (!wanted.count(name) && !is_harmless_extra(found.entry->name, config))
      extra.push_back(found.entry->name);
  if (!missing.empty()) fail("checkpoint.missing_tensor", where, "without " + some_of(missing));
  if (!extra.empty())
    fail("checkpoint.extra_tensor", where,
         "the model of config.json has no place for " + some_of(extra));
}

void check_tensor(const TensorEntry& entry, const HfTensor& t, const std::string& where) {
  if (entry.shape != t.shape())
    fail("checkpoint.shape", where,
         fmt::format("{} has shape {}, by config.json it must be {}", entry.name,
                     shape_text(entry.shape), shape_text(t.shape())));
  if (entry.dtype != DType::F32 && entry.dtype != DType::BF16)
    fail("checkpoint.dtype", where,
         fmt::format("{} holds {}, weights must be f32 or bf16", entry.name,
                     dtype_name(entry.dtype)));
}

/// A bias that the model does not have must not have been trained.
void check_zeros(const std::vector<float>& numbers, const std::string& name,
                 const std::string& where) {
  if (std::all_of(numbers.begin(), numbers.end(), [](float x) { return x == 0; })) return;
  throw Error({.id = "checkpoint.unsupported",
               .where = where,
               .what = fmt::format("{} is not zero, but config.json says bias: false in "
                                   "causeway.model",
                                   name),
               .remedy = "the weights were changed by another tool; set bias to true there"});
}

}  // namespace

void write_hf_model(const std::filesystem::path& folder, const ModelConfig& config,
                    const ParamTable& params, DType dtype, const ParamReader& read,
                    const HfTokenIds& ids) {
  CHECK(dtype == DType::F32 || dtype == DType::BF16, "weights are saved as f32 or bf16, not {}",
        dtype_name(dtype));
  const std::vector<HfTensor> tensors = hf_tensors(config, params, choose_hf(config).model_type);
  write_weights(folder / "model.safetensors", tensors, params, dtype, read);
  write_file(folder / "config.json", hf_config_json(config, dtype, ids).dump(2) + "\n");
}

void read_hf_weights(const std::filesystem::path& folder, const ModelConfig& config,
                     const ParamTable& params, const ParamWriter& write) {
  const HfModel model = read_hf_model(folder);
  const std::string where = folder.string();
  check_same_weights(model.config, config, where);
  const HfSource source(folder);
  const std::vector<HfTensor> tensors = hf_tensors(config, params, model.model_type);
  check_names(source, tensors, config, where);
  for (const HfTensor& t : tensors) check_tensor(*source.find(t.name).entry, t, where);
  std::vector<float> parameter;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const HfTensor& t = tensors[i];
    const HfSource::Found found = source.find(t.name);
    std::vector<float> numbers = to_floats(found.file->bytes(*found.entry), found.entry->dtype);
    if (t.layout == HfLayout::Zeros) {
      check_zeros(numbers, t.name, where);
      continue;
    }
    parameter.resize(params[t.param].valid_numel());
    from_file(t, std::move(numbers), parameter);
    if (i + 1 < tensors.size() && tensors[i + 1].param == t.param) continue;
    write(t.param, parameter);
    source.forget();
  }
}

}  // namespace causeway
