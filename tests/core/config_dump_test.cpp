// Back to text: the resolved file, the reference, differences; and the files in configs/.
#include "core/config_dump.h"

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <type_traits>

#include "core/config_fields.h"
#include "core/config_validate.h"
#include "core/config_values.h"
#include "tests/core/config_check.h"
#include "tests/places.h"

using namespace causeway;
using namespace causeway::test;

namespace {

/// Another value than the default for a field, valid or not: only text and back is at stake.
void disturb(FieldRef ref, size_t i) {
  const auto odd = static_cast<double>(i) + 1.0 / 3.0;
  if (auto* p = std::get_if<std::string*>(&ref)) **p = "text " + std::to_string(i);
  if (auto* p = std::get_if<bool*>(&ref)) **p = !**p;
  if (auto* p = std::get_if<int64_t*>(&ref)) **p += static_cast<int64_t>(i) + 1;
  if (auto* p = std::get_if<uint64_t*>(&ref)) **p = UINT64_MAX;
  if (auto* p = std::get_if<double*>(&ref)) **p = odd * 1e-7;
  if (auto* p = std::get_if<std::array<double, 2>*>(&ref)) **p = {odd, odd * 1e300};
  if (auto* p = std::get_if<std::optional<int64_t>*>(&ref)) **p = static_cast<int64_t>(i) << 50;
  if (auto* p = std::get_if<std::optional<double>*>(&ref)) **p = odd;
  if (auto* p = std::get_if<ChoiceRef>(&ref)) *p->value = *p->value == 0 ? 1 : 0;
}

Config reread(const Config& config) { return load_config_text(to_yaml(config), "r.yaml"); }

std::string file_text(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("every field comes back from its text bit for bit") {
  size_t i = 0;
  for (const Field& field : config_fields()) {
    Config config;
    const std::string initial = format_field(field, config);
    disturb(field.ref(config), ++i);
    const std::string text = format_field(field, config);
    INFO(field.name() << ": " << text);
    CHECK(text != initial);
    // A one-line file by hand, as loading would refuse what disturb() invented.
    const TextSource source{.name = "t"};
    Config back;
    set_field(field, back, parse_yaml(text, source), source);
    CHECK(format_field(field, back) == text);
  }
}

TEST_CASE("a resolved file loads to the same config") {
  Config config = load_config_text(
      with("model: {preset: llama-42m, dropout: 0.30000000000000004, vocab_size: auto}\n"
           "optimizer: {lr: 1.2345678901234567e-3, betas: [0.9, 0.99]}\nguard: {hang_timeout: "
           "7.5}\n"),
      "t.yaml", {"run.init_from=runs/a b", "run.seed=18446744073709551615"});
  CHECK(differences(config, reread(config)).empty());
  resolve(config);
  CHECK(differences(config, reread(config)).empty());
}

TEST_CASE("texts with any sign survive the resolved file") {
  Config config = load_config_text(with(""), "t.yaml");
  for (const std::string& prompt :
       {std::string(), std::string("\n"), std::string("null"), std::string("~"),
        std::string("true"), std::string(": - # {}[]&*!|>'\"\\%@`"),
        std::string("\t\r\n \x01\x04\x1f\x7f"), std::string("a\0b", 3),
        std::string("caf\xc3\xa9 \xe2\x80\xa8 \xc2\x85 \xf0\x9f\x90\x88"),
        std::string(" leading and trailing "), std::string("1e5"), std::string("a: b"),
        std::string("---"), std::string("...")}) {
    config.sample.prompt = prompt;
    INFO(to_yaml(config));
    CHECK(reread(config).sample.prompt == prompt);
  }
}

TEST_CASE("differences name the key, both values and whether resuming may change it") {
  const Config a = load_config_text(with(""), "t.yaml");
  CHECK(differences(a, a).empty());
  const Config b = load_config_text(
      with(""), "t.yaml", {"optimizer.lr=2e-3", "train.max_steps=20", "data.source=b.txt"});
  const std::vector<FieldDifference> found = differences(a, b);
  REQUIRE(found.size() == 3);
  CHECK(found[0].key == "data.source");
  CHECK(found[0].allowed_on_resume);
  CHECK(found[1].key == "train.max_steps");
  CHECK(found[1].before == "10");
  CHECK(found[1].now == "20");
  CHECK(found[1].allowed_on_resume);
  CHECK(found[2].key == "optimizer.lr");
  CHECK(found[2].before == "0.001");
  CHECK(found[2].now == "0.002");
  CHECK_FALSE(found[2].allowed_on_resume);
}

TEST_CASE("what the first run resolved stays when it goes on") {
  Config before = load_config_text(with(""), "t.yaml");
  before.model.vocab_size = 65;
  before.schedule.decay_steps = 10;
  Config now = load_config_text(with(""), "t.yaml", {"train.max_steps=20"});
  keep_resolved(now, before);
  CHECK(now.model.vocab_size == 65);
  CHECK(now.schedule.decay_steps == 10);
  Config other = load_config_text(with(""), "t.yaml", {"schedule.decay_steps=30"});
  keep_resolved(other, before);
  CHECK(other.schedule.decay_steps == 30);
}

TEST_CASE("only what cannot change a result may differ on resume") {
  std::set<std::string> fixed;
  for (const Field& field : config_fields())
    if (field.on_resume == OnResume::MustEqual) fixed.insert(field.name());
  for (const char* key :
       {"run.seed", "device", "data.val_fraction", "model.n_layer", "model.dropout",
        "train.global_batch_size", "train.micro_batch_size", "train.grad_lanes", "train.precision",
        "train.master_weights", "train.attention_kernel", "train.max_grad_norm", "optimizer.lr",
        "optimizer.betas", "schedule.decay_steps"})
    CHECK(fixed.count(key) == 1);
  for (const char* key : {"train.max_steps", "train.threads", "train.cuda_graph", "train.recompute",
                          "eval.every", "log.every", "checkpoint.every", "data.source", "run.dir"})
    CHECK(fixed.count(key) == 0);
}

TEST_CASE("the list groups its keys by section, explains each, and names no value twice") {
  Config config;
  std::set<const void*> places;
  std::set<std::string> seen;
  std::set<std::string_view> closed;
  std::string_view section = "none yet";
  for (const Field& field : config_fields()) {
    CHECK(seen.insert(field.name()).second);
    CHECK_FALSE(field.help.empty());
    const void* place = std::visit(
        [](auto p) -> const void* {
          if constexpr (std::is_same_v<decltype(p), ChoiceRef>)
            return p.value;
          else
            return p;
        },
        field.ref(config));
    CHECK(places.insert(place).second);
    if (field.section != section) CHECK(closed.insert(field.section).second);
    section = field.section;
    CHECK(find_field(field.section, field.key) == &field);
  }
}

TEST_CASE("docs/config.md is what the program writes") {
  const std::filesystem::path path = source_folder() / "docs/config.md";
  INFO("to renew it: causeway config docs > docs/config.md");
  CHECK(file_text(path) == config_markdown());
}

TEST_CASE("every file in configs loads, resolves and comes back") {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(source_folder() / "configs")) {
    if (entry.path().extension() != ".yaml") continue;
    INFO(entry.path());
    Config config = load_config(entry.path().string());
    CHECK(config.run.name == entry.path().stem());
    resolve(config);
    CHECK_NOTHROW(validate(config));
    CHECK(differences(config, reread(config)).empty());
    CHECK(file_text(entry.path()).find('#') == 0);  // says what it is
    ++count;
  }
  CHECK(count >= 6);
}
