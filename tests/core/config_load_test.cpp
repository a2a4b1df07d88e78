// Files, overrides, unknown keys and presets.
#include <filesystem>
#include <fstream>

#include "core/config_dump.h"
#include "core/config_fields.h"
#include "core/config_names.h"
#include "core/presets.h"
#include "tests/core/config_check.h"

using namespace causeway;
using namespace causeway::test;
using Catch::Contains;
using Catch::Equals;
using Catch::StartsWith;

TEST_CASE("an unknown key is refused at its place with the key that was meant") {
  CHECK_THAT(
      error_of(with("optimizer:   {learning_rate: 1e-3}\n")),
      Equals("error[config.unknown_key] t.yaml:3:15: unknown key \"learning_rate\" in "
             "optimizer\n  did you mean \"lr\"?  keys here: name lr betas eps weight_decay"));
  CHECK_THAT(error_of(with("optimiser: {lr: 1}\n")),
             StartsWith("error[config.unknown_key] t.yaml:3:1: unknown key \"optimiser\"\n"
                        "  did you mean \"optimizer\"?  keys here: run device data model train"));
  CHECK_THAT(error_of(with("model: {zzzzzzzz: 1}\n")), Contains("\n  keys here: preset n_layer"));
}

TEST_CASE("names from other trainers are understood wherever they stand") {
  struct Meant {
    const char *section, *key, *ours;
  };
  const Meant all[] = {
      {"model", "hidden_size", "n_embd"},
      {"model", "num_hidden_layers", "n_layer"},
      {"model", "num_attention_heads", "n_head"},
      {"model", "num_key_value_heads", "n_kv_head"},
      {"model", "max_position_embeddings", "block_size"},
      {"model", "context_length", "block_size"},
      {"data", "seq_len", "model.block_size"},
      {"train", "learning_rate", "optimizer.lr"},
      {"data", "batch_size", "train.global_batch_size"},
      {"train", "batch_size", "global_batch_size"},
      {"", "max_iters", "train.max_steps"},
      {"optimizer", "grad_clip", "train.max_grad_norm"},
      {"train", "warmup_iters", "schedule.warmup_steps"},
      {"optimizer", "beta1", "betas"},
      {"train", "beta2", "optimizer.betas"},
      {"model", "n_inner", "intermediate_size"},
      {"model", "d_model", "n_embd"},
      {"model", "n_layers", "n_layer"},
      {"model", "n_heads", "n_head"},
      {"model", "vocab", "vocab_size"},
      {"train", "num_tokens", "max_tokens"},
      {"sample", "num_tokens", "tokens"},
      {"", "n_layer", "model.n_layer"},
      {"train", "lr", "optimizer.lr"},
      {"train", "MAX-STEPS", "max_steps"},
      {"train", "max_step", "max_steps"},
      {"train", "warmup_step", "schedule.warmup_steps"},
      {"model", "qqqqqqqqqq", ""},
  };
  for (const Meant& m : all) {
    INFO(m.section << "." << m.key);
    CHECK(suggest_key(m.section, m.key) == m.ours);
  }
}

TEST_CASE("every key that is suggested for a foreign name exists") {
  for (const Field& field : config_fields())
    CHECK(suggest_key(field.section, field.key) == field.key);
  for (const char* word :
       {"out_dir", "val_split", "head_dim", "rope_base", "rms_norm_eps", "dtype",
        "gradient_checkpointing", "lr_decay_iters", "eval_iters", "save_interval", "log_interval",
        "timeout", "start", "weight_tying", "grad_accum_steps"}) {
    const std::string name = suggest_key("", word);
    const size_t dot = name.find('.');
    INFO(word << " -> " << name);
    REQUIRE(dot != std::string::npos);
    CHECK(find_field(name.substr(0, dot), name.substr(dot + 1)) != nullptr);
  }
}

TEST_CASE("overrides win over the file, the last of them over the others") {
  const Config c =
      load_config_text(with("optimizer: {lr: 1e-3}\n"), "dir/my run.yaml",
                       {"train.max_steps=100", "--optimizer.lr=3e-4", "optimizer.betas=[0.8, 0.9]",
                        "device=cpu", "sample.prompt=ROMEO: # wait", "run.seed=1", "run.seed=2",
                        "-model.n_kv_head=auto", "run.init_from=", "data.source=\"two\\nlines\""});
  CHECK(c.train.max_steps == 100);
  CHECK(c.optimizer.lr == 3e-4);
  CHECK(c.optimizer.betas == std::array<double, 2>{0.8, 0.9});
  CHECK(c.device == DeviceChoice::Cpu);
  CHECK(c.sample.prompt == "ROMEO: # wait");
  CHECK(c.run.seed == 2);
  CHECK_FALSE(c.model.n_kv_head.has_value());
  CHECK(c.data.source == "two\nlines");
  CHECK(c.run.name == "my run");
}

TEST_CASE("errors of overrides quote the override") {
  const std::string base = with("");
  CHECK_THAT(
      error_of(base, {"train.max_steps=many"}),
      StartsWith("error[config.type] command line: train.max_steps=many: train.max_steps must "
                 "be a whole number or none, not \"many\"\n"));
  CHECK_THAT(
      error_of(base, {"optimizer.learning_rate=1"}),
      StartsWith("error[config.unknown_key] command line: optimizer.learning_rate=1: unknown "
                 "key \"learning_rate\" in optimizer\n  did you mean \"lr\"?"));
  CHECK_THAT(error_of(base, {"lr=1"}), Contains("did you mean \"optimizer.lr\"?"));
  CHECK_THAT(error_of(base, {"tran.max_steps=1"}), Contains("did you mean \"train\"?"));
  CHECK_THAT(error_of(base, {"model=5"}), StartsWith("error[config.unknown_key] command line: "));
  CHECK_THAT(
      error_of(base, {"--train.max_steps"}),
      StartsWith("error[config.override] command line: --train.max_steps: an override needs"));
  CHECK_THAT(error_of(base, {"--=5"}), StartsWith("error[config.override]"));
  CHECK_THAT(error_of(base, {"sample.prompt=caf\xe9"}),
             StartsWith("error[config.syntax] command "));
  CHECK_THAT(error_of(base, {""}), StartsWith("error[config.override]"));
  CHECK_THAT(
      error_of(base, {"model.n_head=[1"}),
      StartsWith(
          "error[config.unsupported] command line: model.n_head=[1: a key must be a word, "));
  CHECK_THAT(error_of(base, {"model.n_head=5"}),
             StartsWith("error[config.heads] command line: model.n_head=5: n_head 5 does not"));
}

TEST_CASE("a length on the command line replaces the file's") {
  const Config c = load_config_text(with(""), "t", {"train.max_tokens=1M"});
  CHECK_FALSE(c.train.max_steps.has_value());
  CHECK(c.train.max_tokens == 1'000'000);
  CHECK_THAT(error_of(with(""), {"train.max_tokens=1M", "train.max_epochs=1"}),
             StartsWith("error[config.length] command line: train.max_epochs=1: "));
}

TEST_CASE("a preset fills the model, keys beside it override it, the command line all") {
  const Config c =
      load_config_text(with("model: {n_layer: 2, preset: gpt2-124m, bias: false}\n"), "t");
  CHECK(c.model.n_layer == 2);
  CHECK(c.model.n_embd == 768);
  CHECK(c.model.vocab_size == 50257);
  CHECK_FALSE(c.model.bias);
  const Config d = load_config_text(with("model: {n_layer: 2, preset: gpt2-124m}\n"), "t",
                                    {"model.preset=llama-15m", "model.n_head=3"});
  CHECK(d.model.n_layer == 6);
  CHECK(d.model.n_head == 3);
  CHECK(d.model.kv_heads() == 3);
  CHECK(d.model.mlp_width() == 768);
  CHECK(d.model.position == PositionKind::Rope);
  CHECK(d.marks.where("model.n_layer") == "t:3:1");  // set by nobody: its section
}

TEST_CASE("an unknown preset gets the nearest one and the list") {
  CHECK_THAT(
      error_of(with("model: {preset: gpt2-125m}\n")),
      StartsWith("error[config.unknown_preset] t.yaml:3:17: there is no model preset "
                 "\"gpt2-125m\"\n  did you mean \"gpt2-124m\"?  presets: gpt2-124m gpt2-350m"));
  CHECK_THAT(error_of(with("model: {preset: bert}\n")), Contains("\n  presets: gpt2-124m"));
}

TEST_CASE("every preset has the published number of parameters") {
  // Embeddings + per block: attention, MLP, norms (+ biases), as the papers and model cards count.
  const std::pair<const char*, double> published[] = {
      {"gpt2-124m", 124439808},   {"gpt2-350m", 354823168}, {"gpt2-774m", 774030080},
      {"gpt2-1558m", 1557611200}, {"llama-15m", 15191712},  {"llama-1b", 1235814400},
      {"llama-3b", 3212749824},   {"llama-8b", 8030261248}};
  CHECK(preset_names().size() == 11);
  for (const auto& [name, count] : published) {
    const ModelConfig m = find_preset(name).value();
    INFO(name);
    const double C = m.n_embd, F = m.mlp_width(), D = m.head_dim(), V = m.vocab_size.value();
    const bool gpt = m.position == PositionKind::Learned;
    const double qkv = (m.n_head + 2 * m.kv_heads()) * D, bias = m.bias ? 1 : 0;
    const double block = C * qkv + m.n_head * D * C + (gpt ? 2 : 3) * C * F +
                         bias * (qkv + C + F + C) + 2 * C * (1 + bias);
    const double total = V * C * (m.tie_embeddings ? 1 : 2) + (gpt ? m.block_size * C : 0) +
                         m.n_layer * block + C * (1 + bias);
    CHECK(total == count);
  }
}

TEST_CASE("a missing file, a folder and a typing error in the path are told apart") {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / "causeway-config-load-test";
  fs::create_directories(folder);
  std::ofstream(folder / "char.yaml") << with("");
  const auto message = [](const std::string& path) -> std::string {
    try {
      load_config(path);
      return "loaded";
    } catch (const Error& error) {
      return error.what();
    }
  };
  const std::string base = folder.string();
  CHECK(message(base + "/char.yaml") == "loaded");
  CHECK(load_config(base + "/char.yaml").run.name == "char");
  CHECK_THAT(message(base + "/chars.yaml"),
             Equals("error[config.missing_file] " + base + "/chars.yaml: there is no such config " +
                    "file\n  did you mean " + base + "/char.yaml?"));
  CHECK_THAT(message(base), Contains("this is a folder, not a config file"));
  CHECK_THAT(message("no/such/place.yaml"), Contains("give the path of a YAML file"));
  fs::remove_all(folder);
}
