// See hf_fields.h.
#include "core/hf_fields.h"

#include <algorithm>
#include <array>
#include <optional>
#include <type_traits>

#include "core/config_fields.h"
#include "core/config_values.h"

namespace causeway {
namespace {

[[noreturn]] void fail(const std::string& where, std::string what) {
  throw Error(
      {.id = "checkpoint.config",
       .where = where,
       .what = std::move(what),
       .remedy = "the file was changed by hand, is damaged, or comes from a newer version"});
}

template <class Visit>
void for_each_model_field(Visit&& visit) {
  for (const Field& field : config_fields())
    if (field.section == "model") visit(field);
}

Json to_json(const Field& field, const FieldRef& ref) {
  return std::visit(
      [&](const auto& place) -> Json {
        using Place = std::decay_t<decltype(place)>;
        if constexpr (std::is_same_v<Place, ChoiceRef>) {
          return std::string(field.choices[*place.value]);
        } else if constexpr (std::is_same_v<Place, std::optional<int64_t>*> ||
                             std::is_same_v<Place, std::optional<double>*>) {
          return *place ? Json(**place) : Json(nullptr);
        } else {
          return Json(*place);
        }
      },
      ref);
}

/// False when the value is of another type.
template <class T>
bool set_value(T& out, const Json& value) {
  const std::optional<T> read = json_as<T>(value);
  if (read) out = *read;
  return read.has_value();
}

template <class T>
bool set_value(std::optional<T>& out, const Json& value) {
  out.reset();
  return value.is_null() || set_value(out.emplace(), value);
}

bool set_choice(const Field& field, ChoiceRef out, const Json& value) {
  if (!value.is_string()) return false;
  for (size_t i = 0; i < field.choices.size(); ++i) {
    if (field.choices[i] != value.get<std::string>()) continue;
    *out.value = static_cast<uint8_t>(i);
    return true;
  }
  return false;
}

bool from_json(const Field& field, const FieldRef& ref, const Json& value) {
  return std::visit(
      [&](const auto& place) {
        if constexpr (std::is_same_v<std::decay_t<decltype(place)>, ChoiceRef>)
          return set_choice(field, place, value);
        else
          return set_value(*place, value);
      },
      ref);
}

std::optional<double> number_of(const FieldRef& ref) {
  if (const auto* p = std::get_if<int64_t*>(&ref)) return static_cast<double>(**p);
  if (const auto* p = std::get_if<double*>(&ref)) return **p;
  if (const auto* p = std::get_if<std::optional<int64_t>*>(&ref); p && **p)
    return static_cast<double>(***p);
  return std::nullopt;
}

}  // namespace

Json model_to_json(const ModelConfig& model) {
  Config config;
  config.model = model;
  Json section = Json::object();
  for_each_model_field([&](const Field& field) {
    section[std::string(field.key)] = to_json(field, field.ref(config));
  });
  return section;
}

ModelConfig model_from_json(const Json& section, const std::string& where) {
  if (!section.is_object()) fail(where, "causeway.model is no object");
  Config config;
  for (const auto& [key, value] : section.items()) {
    const Field* field = find_field("model", key);
    if (!field) fail(where, fmt::format("unknown key \"{}\" in causeway.model", key));
    if (!from_json(*field, field->ref(config), value))
      fail(where, fmt::format("causeway.model.{} must be {}, not {}", key, describe_type(*field),
                              value.dump()));
  }
  return config.model;
}

void check_and_resolve(ModelConfig& model, const std::string& where) {
  Config config;
  config.model = model;
  for_each_model_field([&](const Field& field) {
    const std::optional<double> number = number_of(field.ref(config));
    if (number && !field.bounds.contains(*number))
      fail(where, fmt::format("{} is {}, but must be {}", field.key, *number, field.bounds.text()));
  });
  if (!model.vocab_size) fail(where, "the size of the vocabulary is missing");
  if (!model.head_size && model.n_embd % model.n_head != 0)
    fail(where, fmt::format("{} heads do not divide width {}", model.n_head, model.n_embd));
  if (model.n_head % model.kv_heads() != 0)
    fail(where,
         fmt::format("{} key/value heads do not divide {} heads", model.kv_heads(), model.n_head));
  if (model.position == PositionKind::Rope && model.head_dim() % 2 != 0)
    fail(where, fmt::format("rope needs an even head size, not {}", model.head_dim()));
  model.n_kv_head = model.kv_heads();
  model.head_size = model.head_dim();
  model.intermediate_size = model.mlp_width();
}

void check_same_model(const ModelConfig& exact, const ModelConfig& foreign,
                      const std::string& where) {
  const Json ours = model_to_json(exact), theirs = model_to_json(foreign);
  for (const auto& [key, value] : ours.items()) {
    if (key == "dropout" || value == theirs.at(key)) continue;
    fail(where, fmt::format("the two halves of the file disagree: causeway.model.{} is {}, the "
                            "keys of transformers say {}",
                            key, value.dump(), theirs.at(key).dump()));
  }
}

void check_same_weights(const ModelConfig& stored, const ModelConfig& model,
                        const std::string& where) {
  constexpr std::array<std::string_view, 7> kWithoutWeights = {
      "preset",        "rope_theta", "norm_eps", "sliding_window", "attention_softcap",
      "logit_softcap", "dropout"};
  ModelConfig wanted = model;
  check_and_resolve(wanted, where);
  const Json have = model_to_json(stored), want = model_to_json(wanted);
  for (const auto& [key, value] : have.items()) {
    if (value == want.at(key) || (key == "block_size" && stored.position != PositionKind::Learned))
      continue;
    if (std::find(kWithoutWeights.begin(), kWithoutWeights.end(), key) != kWithoutWeights.end())
      continue;
    throw Error(
        {.id = "checkpoint.shape",
         .where = where,
         .what = fmt::format("the weights belong to a model with {}: {}, this one has {}", key,
                             value.dump(), want.at(key).dump()),
         .remedy = fmt::format("set model.{}={}, or take other weights", key, value.dump())});
  }
}

}  // namespace causeway
