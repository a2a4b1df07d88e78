// Lines of the file and overrides become settings (key, value, place); settings become a Config in
// two passes, presets first. See config_load.h.
#include "core/config_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

#include "core/config_names.h"
#include "core/config_validate.h"
#include "core/config_values.h"
#include "core/config_yaml.h"
#include "core/error.h"
#include "core/presets.h"

namespace causeway {
namespace {

namespace fs = std::filesystem;

/// One key with the value someone wrote for it.
struct Setting {
  const Field* field;
  YamlNode value;
  const TextSource* source;
};

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

[[noreturn]] void unknown_key(std::string where, std::string_view section, std::string_view key) {
  const std::string meant = suggest_key(section, key);
  const std::string guess = meant.empty() ? "" : fmt::format("did you mean \"{}\"?  ", meant);
  const std::string in = section.empty() ? "" : fmt::format(" in {}", section);
  throw Error({.id = "config.unknown_key",
               .where = std::move(where),
               .what = fmt::format("unknown key \"{}\"{}", key, in),
               .remedy = fmt::format("{}keys here: {}", guess, join(keys_of(section)))});
}

bool is_section(std::string_view name) {
  const auto fields = config_fields();
  return std::any_of(fields.begin(), fields.end(),
                     [&](const Field& field) { return field.section == name; });
}

// ---- the file ----

void add_section(std::vector<Setting>& settings, KeyMarks& marks, YamlNode section,
                 const TextSource& source) {
  marks.at[section.key] = source.at(section.key_mark);
  if (section.kind == YamlNode::Kind::Null) return;  // every key of it is commented out
  if (section.kind != YamlNode::Kind::Map)
    throw Error({.id = "config.type",
                 .where = source.at(section.mark),
                 .what = fmt::format("{} is a section and holds keys", section.key),
                 .remedy = fmt::format("write {}: {{key: value}}  keys here: {}", section.key,
                                       join(keys_of(section.key)))});
  for (YamlNode& entry : section.items) {
    const Field* field = find_field(section.key, entry.key);
    if (field == nullptr) unknown_key(source.at(entry.key_mark), section.key, entry.key);
    settings.push_back({field, std::move(entry), &source});
  }
}

std::vector<Setting> read_file(std::string_view text, const TextSource& source, KeyMarks& marks) {
  YamlNode root = parse_yaml(text, source);
  static constexpr const char* kRemedy =
      "start from a file in configs/, or see docs/config.md for every key";
  if (root.kind == YamlNode::Kind::Null)
    throw Error({.id = "config.empty",
                 .where = source.name,
                 .what = "the config is empty",
                 .remedy = kRemedy});
  if (root.kind != YamlNode::Kind::Map)
    throw Error({.id = "config.type",
                 .where = source.at(root.mark),
                 .what = "a config is a map of sections, not a list or a single value",
                 .remedy = kRemedy});
  std::vector<Setting> settings;
  for (YamlNode& entry : root.items) {
    if (is_section(entry.key)) {
      add_section(settings, marks, std::move(entry), source);
      continue;
    }
    const Field* field = find_field("", entry.key);
    if (field == nullptr) unknown_key(source.at(entry.key_mark), "", entry.key);
    settings.push_back({field, std::move(entry), &source});
  }
  return settings;
}

// ---- overrides ----

struct Override {
  std::string section, key, value;
};

/// "--optimizer.lr=3e-4" in its pieces.
Override split_override(std::string_view text, const TextSource& source) {
  text.remove_prefix(std::min(text.find_first_not_of('-'), text.size()));
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0)
    throw Error({.id = "config.override",
                 .where = source.name,
                 .what = "an override needs a key and a value",
                 .remedy = "write section.key=value in one word, e.g. train.max_steps=100"});
  const std::string_view name = text.substr(0, equals);
  const size_t dot = name.find('.');
  Override parts{
      .section = "", .key = std::string(name), .value = std::string(text.substr(equals + 1))};
  if (dot == std::string_view::npos) return parts;
  parts.section = name.substr(0, dot);
  parts.key = name.substr(dot + 1);
  return parts;
}

Setting read_override(std::string_view text, const TextSource& source) {
  const Override parts = split_override(text, source);
  if (!parts.section.empty() && !is_section(parts.section))
    unknown_key(source.name, "", parts.section);
  const Field* field = find_field(parts.section, parts.key);
  if (field == nullptr) unknown_key(source.name, parts.section, parts.key);
  // A text is taken as it stands, so that `sample.prompt=ROMEO: ` needs no second set of quotes.
  Config any;
  const bool is_text = std::holds_alternative<std::string*>(field->ref(any));
  const bool quoted = !parts.value.empty() && (parts.value[0] == '"' || parts.value[0] == '\'');
  check_plain_text(parts.value, source);
  if (is_text && !quoted)
    return {field, {.kind = YamlNode::Kind::Scalar, .text = parts.value}, &source};
  return {field, parse_yaml(parts.value, source), &source};
}

// ---- settings to a Config ----

bool is_length(const Field& field) {
  return field.section == "train" && field.key.substr(0, 4) == "max_" && field.unset == "none";
}

/// A length on the command line replaces the one in the file; otherwise a file with max_tokens
/// could not be tried with train.max_steps=10.
void replace_length(std::vector<Setting>& file, const std::vector<Setting>& overrides) {
  if (std::any_of(overrides.begin(), overrides.end(),
                  [](const Setting& s) { return is_length(*s.field); }))
    file.erase(std::remove_if(file.begin(), file.end(),
                              [](const Setting& s) { return is_length(*s.field); }),
               file.end());
}

/// Fills the model section when the settings name a preset.
void apply_preset(Config& config, const std::vector<Setting>& settings) {
  const Field* preset = find_field("model", "preset");
  for (const Setting& setting : settings) {
    if (setting.field != preset) continue;
    set_field(*preset, config, setting.value, *setting.source);
    const std::string name = config.model.preset;
    if (name.empty()) continue;
    const std::optional<ModelConfig> model = find_preset(name);
    if (!model) {
      const std::string meant = did_you_mean(name, preset_names());
      throw Error({.id = "config.unknown_preset",
                   .where = setting.source->at(setting.value.mark),
                   .what = fmt::format("there is no model preset \"{}\"", name),
                   .remedy = (meant.empty() ? "" : fmt::format("did you mean \"{}\"?  ", meant)) +
                             "presets: " + join(preset_names())});
    }
    config.model = *model;
  }
}

void apply_settings(Config& config, const std::vector<Setting>& settings) {
  apply_preset(config, settings);
  for (const Setting& setting : settings) {
    set_field(*setting.field, config, setting.value, *setting.source);
    config.marks.at[setting.field->name()] = setting.source->at(setting.value.key_mark);
  }
}

/// The place of a value that a later preset has overwritten says nothing any more.
void forget_model_marks(KeyMarks& marks, const std::vector<Setting>& overrides) {
  const Field* preset = find_field("model", "preset");
  if (std::none_of(overrides.begin(), overrides.end(),
                   [&](const Setting& s) { return s.field == preset; }))
    return;
  for (const std::string& key : keys_of("model")) marks.at.erase("model." + key);
}

std::string read_text(const std::string& path) {
  std::error_code ignored;
  std::ifstream file(path, std::ios::binary);
  if (!file || fs::is_directory(path, ignored)) {
    std::vector<std::string> near;
    const fs::path folder = fs::path(path).parent_path();
    for (const auto& entry : fs::directory_iterator(folder.empty() ? "." : folder, ignored))
      if (entry.path().extension() == ".yaml")
        near.push_back((folder / entry.path().filename()).string());
    const std::string meant = did_you_mean(path, near);
    throw Error({.id = "config.missing_file",
                 .where = path,
                 .what = fs::is_directory(path, ignored) ? "this is a folder, not a config file"
                         : fs::exists(path, ignored)     ? "the config file cannot be read"
                                                         : "there is no such config file",
                 .remedy = meant.empty() ? "give the path of a YAML file, e.g. configs/char.yaml"
                                         : fmt::format("did you mean {}?", meant)});
  }
  std::string text(kMaxConfigBytes + 1, '\0');  // one more than allowed, so that parsing refuses it
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

}  // namespace

Config load_config_text(std::string_view text, const std::string& name,
                        const std::vector<std::string>& overrides) {
  const TextSource file{.kind = TextSource::Kind::File, .name = name};
  std::vector<TextSource> sources;
  for (const std::string& override_text : overrides)
    sources.push_back(
        {.kind = TextSource::Kind::CommandLine, .name = "command line: " + override_text});
  Config config;
  config.marks.file = name;
  std::vector<Setting> from_file = read_file(text, file, config.marks);
  std::vector<Setting> from_command_line;
  for (size_t i = 0; i < overrides.size(); ++i)
    from_command_line.push_back(read_override(overrides[i], sources[i]));
  replace_length(from_file, from_command_line);
  apply_settings(config, from_file);
  forget_model_marks(config.marks, from_command_line);
  apply_settings(config, from_command_line);
  if (config.run.name.empty()) config.run.name = fs::path(name).stem().string();
  validate(config);
  return config;
}

Config load_config(const std::string& path, const std::vector<std::string>& overrides) {
  return load_config_text(read_text(path), path, overrides);
}

}  // namespace causeway
