// `causeway config check|show|docs`. Read next: core/config_load.h, core/config_dump.h.
#include "core/config_dump.h"
#include "core/config_validate.h"
#include "train/verbs.h"

namespace causeway {
namespace {

class ConfigCheck final : public Verb {
 public:
  void add_arguments(CLI::App& app) override { arguments_.add_to(app); }

  ExitCode run() override {
    Config config = arguments_.load();
    resolve(config);
    fmt::print("{}: ok, run \"{}\"\n", arguments_.file(), config.run.name);
    return ExitCode::Ok;
  }

 private:
  ConfigArguments arguments_;
};

/// What needs the data or the device stays `auto` here; a run's resolved.yaml has that too.
class ConfigShow final : public Verb {
 public:
  void add_arguments(CLI::App& app) override { arguments_.add_to(app); }

  ExitCode run() override {
    Config config = arguments_.load();
    resolve(config);
    fmt::print("{}", to_yaml(config));
    return ExitCode::Ok;
  }

 private:
  ConfigArguments arguments_;
};

class ConfigDocs final : public Verb {
 public:
  void add_arguments(CLI::App&) override {}

  ExitCode run() override {
    fmt::print("{}", config_markdown());
    return ExitCode::Ok;
  }
};

}  // namespace

std::unique_ptr<Verb> make_config_check() { return std::make_unique<ConfigCheck>(); }
std::unique_ptr<Verb> make_config_show() { return std::make_unique<ConfigShow>(); }
std::unique_ptr<Verb> make_config_docs() { return std::make_unique<ConfigDocs>(); }

}  // namespace causeway
