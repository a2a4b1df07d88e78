// See verbs.h.
#include "train/verbs.h"

#include "core/config_load.h"
#include "core/json.h"

namespace causeway {
namespace {

constexpr VerbEntry kVerbs[] = {
    {"train", "Train from a config file; the same command again resumes", make_train},
    {"plan", "Show what a run will take: memory, tokens, FLOPs", make_plan},
    {"generate", "Continue a prompt with a trained model", make_generate},
    {"bench", "Measure this machine", nullptr},
    {"bench kernels", "Time every operation against this machine's roof", make_bench_kernels},
    {"bench gemm", "Time a step's matrix products; tune them on a GPU", make_bench_gemm},
    {"bench step", "Time training steps of a config, split by operation", make_bench_step},
    {"bench data", "Time the loader on a config's data", make_bench_data},
    {"bench comm", "Time what ranks send each other, by size", make_bench_comm},
    {"bench generate", "Time generation with a config's model", make_bench_generate},
    {"bench page", "Print docs/benchmarks.md from stored reports", make_bench_page},
    {"data", "Prepare text for training, and look at what was prepared", nullptr},
    {"data prepare", "Turn a text into token shards", make_data_prepare},
    {"data verify", "Read every byte of a prepared folder and check its hashes", make_data_verify},
    {"data info", "Show what a prepared folder holds", make_data_info},
    {"tokenizer", "Make, look at and use tokenizers", nullptr},
    {"tokenizer train", "Make a byte-level BPE from texts", make_tokenizer_train},
    {"tokenizer info", "Show a tokenizer, and how it splits a text", make_tokenizer_info},
    {"tokenizer encode", "Turn texts into ids, and say how fast", make_tokenizer_encode},
    {"ckpt", "Look at checkpoints", nullptr},
    {"ckpt ls", "List the checkpoints of a run", make_ckpt_ls},
    {"ckpt show", "Show the tensors and the state of a checkpoint", make_ckpt_show},
    {"ckpt verify", "Check sizes and hashes of a checkpoint, or of all of a run", make_ckpt_verify},
    {"config", "Look at configs", nullptr},
    {"config check", "Say whether a config is valid", make_config_check},
    {"config show", "Print a config with every default and `auto` filled in", make_config_show},
    {"config docs", "Print the reference of all keys", make_config_docs},
    {"doctor", "Show what this machine offers and whether a run could work", make_doctor},
};

/// "section.key=value" or "device=value": no file of ours has a '=' before its first '/'.
bool is_override(const std::string& word) {
  const size_t equals = word.find('=');
  return equals != std::string::npos && word.find('/') > equals;
}

}  // namespace

std::span<const VerbEntry> verb_table() { return kVerbs; }

void ConfigArguments::add_to(CLI::App& app) {
  app.add_option("config", words_, "config file, then overrides such as train.max_steps=100")
      ->required()
      ->type_name("FILE [KEY=VALUE ...]");
}

std::string ConfigArguments::file() const {
  std::vector<std::string> files;
  for (const auto& word : words_)
    if (!is_override(word)) files.push_back(word);
  if (files.size() != 1) {
    throw Error({.id = "usage.config_file",
                 .where = "",
                 .what = files.empty() ? "no config file was given"
                                       : fmt::format("expected one config file, got {} and {}",
                                                     files[0], files[1]),
                 .remedy = "e.g.: causeway train configs/char.yaml train.max_steps=100"});
  }
  return files[0];
}

std::vector<std::string> ConfigArguments::overrides() const {
  std::vector<std::string> result;
  for (const auto& word : words_)
    if (is_override(word)) result.push_back(word);
  return result;
}

Config ConfigArguments::load() const { return load_config(file(), overrides()); }

void add_json_flag(CLI::App& app, OutputFormat& format) {
  app.add_flag_callback(
      "--json", [&format] { format = OutputFormat::Json; }, "print JSON for programs");
}

void add_device_option(CLI::App& app, DeviceChoice& device) {
  app.add_option_function<std::string>(
         "--device",
         [&device](const std::string& name) {
           device = name == "cpu"    ? DeviceChoice::Cpu
                    : name == "cuda" ? DeviceChoice::Cuda
                                     : DeviceChoice::Auto;
         },
         "where; auto: a GPU, if there is one")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}));
}

std::string quoted(const std::string& bytes) {
  return Json(bytes).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace causeway
