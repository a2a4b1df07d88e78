// The verbs of the program. Each is a class in its own verb_*.cpp and a line of the table in
// verbs.cpp. The only header that includes CLI11. Read next: main.cpp.
#pragma once
#include <CLI/CLI.hpp>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"
#include "core/error.h"

namespace causeway {

class Verb {
 public:
  virtual ~Verb() = default;
  /// Declares the arguments; they are bound to members, filled before run().
  virtual void add_arguments(CLI::App& app) = 0;
  /// Throws Error; returns Ok, or Saved when a signal ended it.
  virtual ExitCode run() = 0;
};

struct VerbEntry {
  std::string_view name;  ///< "train", or "config check": a verb of a group
  std::string_view summary;
  std::unique_ptr<Verb> (*make)();  ///< null: the heading of a group
};
std::span<const VerbEntry> verb_table();

/// A config file and its overrides, in any order: "configs/x.yaml train.max_steps=100". main() has
/// already taken the dashes off "--train.max_steps=100".
class ConfigArguments {
 public:
  void add_to(CLI::App& app);
  /// Reads and validates. Throws Error "usage.*" without exactly one file, "config.*".
  Config load() const;
  std::string file() const;
  std::vector<std::string> overrides() const;

 private:
  std::vector<std::string> words_;
};

/// What a verb prints for people, or for programs.
enum class OutputFormat : uint8_t { Text, Json };
void add_json_flag(CLI::App& app, OutputFormat& format);
/// --device auto|cpu|cuda, for verbs without a config.
void add_device_option(CLI::App& app, DeviceChoice& device);

/// Bytes as a JSON string, so that a newline or half a character stays visible.
std::string quoted(const std::string& bytes);

std::unique_ptr<Verb> make_bench_comm();
std::unique_ptr<Verb> make_bench_data();
std::unique_ptr<Verb> make_bench_gemm();
std::unique_ptr<Verb> make_bench_generate();
std::unique_ptr<Verb> make_bench_kernels();
std::unique_ptr<Verb> make_bench_page();
std::unique_ptr<Verb> make_bench_step();
std::unique_ptr<Verb> make_ckpt_ls();
std::unique_ptr<Verb> make_ckpt_show();
std::unique_ptr<Verb> make_ckpt_verify();
std::unique_ptr<Verb> make_config_check();
std::unique_ptr<Verb> make_config_docs();
std::unique_ptr<Verb> make_config_show();
std::unique_ptr<Verb> make_data_info();
std::unique_ptr<Verb> make_data_prepare();
std::unique_ptr<Verb> make_data_verify();
std::unique_ptr<Verb> make_doctor();
std::unique_ptr<Verb> make_generate();
std::unique_ptr<Verb> make_plan();
std::unique_ptr<Verb> make_tokenizer_encode();
std::unique_ptr<Verb> make_tokenizer_info();
std::unique_ptr<Verb> make_tokenizer_train();
std::unique_ptr<Verb> make_train();

}  // namespace causeway
