// See config_dump.h.
#include "core/config_dump.h"

#include <fmt/format.h>

#include "core/config_fields.h"
#include "core/config_values.h"
#include "core/presets.h"

namespace causeway {
namespace {

/// One key of the reference as a row: key, values, default, whether a resumed run may change it.
std::string markdown_row(const Field& field, Config& defaults) {
  std::string values = describe_type(field);
  if (const std::string bounds = field.bounds.text(); !bounds.empty()) values += ", " + bounds;
  std::string initial = format_field(field, defaults);
  if (field.name() == "run.name") initial = "the file's name";
  return fmt::format("| `{}` | {} | `{}` | {} | {} |\n", field.key, values, initial,
                     field.on_resume == OnResume::MayDiffer ? "yes" : "no", field.help);
}

constexpr std::string_view kMarkdownHead =
    "# Config reference\n\n"
    "Written by `causeway config docs` from the list in `core/config_field_list.cpp`; a test "
    "compares the two.\n\n"
    "A config is one YAML file of sections with keys. `auto` values are resolved before the run "
    "starts, shown, and stored in the run's folder. Numbers may be written `3e-4`, `524_288` or "
    "`10G` (k, M, G, T are powers of 1000); only `true` and `false` are booleans. Sizes of batches "
    "are in sequences. Any key may be overridden on the command line, the last one wins: `causeway "
    "train configs/char.yaml train.max_steps=100 --optimizer.lr=3e-4`. There, a length replaces "
    "the file's length, and a preset replaces the model keys of the file.\n\n"
    "*Resume* says whether a run may be continued with another value: only what cannot change its "
    "result may differ. For the rest, start a new run: `run.name=NEW`, with `run.init_from` to "
    "begin with another run's weights.\n";

}  // namespace

std::string to_yaml(const Config& original) {
  Config config = original;  // a field's reference is to a mutable Config
  std::string text;
  std::string_view section;
  for (const Field& field : config_fields()) {
    if (field.section != section && !field.section.empty())
      text += fmt::format("{}:\n", field.section);
    section = field.section;
    text += fmt::format("{}{}: {}\n", section.empty() ? "" : "  ", field.key,
                        format_field(field, config));
  }
  return text;
}

std::string config_markdown() {
  Config defaults;
  std::string text(kMarkdownHead);
  std::string_view section = "none yet";
  for (const Field& field : config_fields()) {
    if (field.section != section) {
      section = field.section;
      text += fmt::format(
          "\n## {}\n\n| key | value | default | resume | meaning |\n"
          "|---|---|---|---|---|\n",
          section.empty() ? "top level" : section);
    }
    text += markdown_row(field, defaults);
  }
  text += "\n## Presets\n\n`model.preset` is one of:";
  for (const std::string& name : preset_names()) text += fmt::format(" `{}`", name);
  return text + ".\n";
}

std::vector<FieldDifference> differences(const Config& before, const Config& now) {
  Config a = before, b = now;
  std::vector<FieldDifference> found;
  for (const Field& field : config_fields()) {
    std::string was = format_field(field, a), is = format_field(field, b);
    if (was == is) continue;  // the text is exact, so equal text is an equal value
    found.push_back({.key = field.name(),
                     .before = std::move(was),
                     .now = std::move(is),
                     .allowed_on_resume = field.on_resume == OnResume::MayDiffer});
  }
  return found;
}

void keep_resolved(Config& now, const Config& before) {
  if (!now.model.vocab_size) now.model.vocab_size = before.model.vocab_size;
  if (!now.schedule.decay_steps) now.schedule.decay_steps = before.schedule.decay_steps;
}

}  // namespace causeway
