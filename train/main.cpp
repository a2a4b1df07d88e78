// The program: finds the verb, lets it run, and turns errors into messages and exit codes.
// Read next: verbs.h (the verbs), core/error.h (errors and exit codes).
#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <map>
#include <string_view>
#include <thread>

#include "train/launch.h"
#include "train/verbs.h"
#include "version.h"

namespace causeway {
namespace {

struct CommandLine {
  CLI::App app{"Causeway pretrains small GPTs: text in, checkpoints and text out.", "causeway"};
  std::map<CLI::App*, std::unique_ptr<Verb>> verbs;
};

constexpr const char* kFooter =
    "Any config value can be set on the command line: causeway train configs/char.yaml "
    "train.max_steps=100\nExit codes: 0 ok, 2 config or usage, 3 data, 4 checkpoint, 5 memory, 6 "
    "guard, 7 disk, 8 peer,\n9 device, 70 internal, 75 stopped and saved (the same command "
    "resumes)";

void add_verbs(CommandLine& line) {
  line.app.set_version_flag("--version", "causeway " CAUSEWAY_VERSION " (" CAUSEWAY_COMMIT
                                         ", " CAUSEWAY_COMPILER ", " CAUSEWAY_BUILD_TYPE ")");
  line.app.require_subcommand(1);
  line.app.footer(kFooter);
  for (const auto& entry : verb_table()) {
    // "config check" hangs below "config", whose heading comes earlier in the table.
    const size_t space = entry.name.find(' ');
    CLI::App* parent = &line.app;
    if (space != std::string::npos) {
      parent = line.app.get_subcommand(std::string(entry.name.substr(0, space)));
    }
    const auto own_name = entry.name.substr(space == std::string::npos ? 0 : space + 1);
    CLI::App* app = parent->add_subcommand(std::string(own_name), std::string(entry.summary));
    if (!entry.make) {
      app->require_subcommand(1);
      continue;
    }
    auto verb = entry.make();
    verb->add_arguments(*app);
    line.verbs.emplace(app, std::move(verb));
  }
}

/// A word where a verb must stand is one, or the error names the nearest.
void check_verbs(CLI::App& app, const std::vector<std::string>& words, size_t at = 0) {
  const auto verbs = app.get_subcommands({});
  if (verbs.empty() || at >= words.size() || words[at].starts_with('-')) return;
  std::vector<std::string> names;
  for (CLI::App* verb : verbs) {
    if (verb->get_name() == words[at]) return check_verbs(*verb, words, at + 1);
    names.push_back(verb->get_name());
  }
  const std::string near = did_you_mean(words[at], names);
  const std::string known = fmt::format("verbs here: {}", fmt::join(names, " "));
  throw Error(
      {.id = "usage.unknown_verb",
       .where = at == 0 ? "causeway" : "causeway " + words[0],
       .what = fmt::format("unknown verb \"{}\"", words[at]),
       .remedy = near.empty() ? known : fmt::format("did you mean \"{}\"?  {}", near, known)});
}

/// The deepest verb that was given.
CLI::App& chosen(CLI::App& app) {
  const auto given = app.get_subcommands();
  return given.empty() ? app : chosen(*given.front());
}

Error usage_error(CLI::App& app, const CLI::ParseError& error) {
  CLI::App& verb = chosen(app);
  std::string name = verb.get_name();
  if (verb.get_parent() && verb.get_parent() != &app)
    name = verb.get_parent()->get_name() + " " + name;
  if (&verb != &app) name = "causeway " + name;
  std::string remedy = fmt::format("see: {} --help", name);
  const auto unknown = verb.remaining(true);
  if (!unknown.empty()) {
    std::vector<std::string> options;
    for (const CLI::Option* option : verb.get_options())
      for (const auto& word : option->get_lnames()) options.push_back("--" + word);
    const std::string near = did_you_mean(unknown[0], options);
    if (!near.empty()) remedy = fmt::format("did you mean \"{}\"?  {}", near, remedy);
  }
  return Error({.id = "usage.arguments", .where = name, .what = error.what(), .remedy = remedy});
}

/// "--optimizer.lr=3e-4" becomes the positional "optimizer.lr=3e-4"; our own options have no dots.
std::string without_dashes(const std::string& word) {
  const size_t end = word.find_first_not_of("abcdefghijklmnopqrstuvwxyz_.", 2);
  const bool is_override = word.starts_with("--") && end != std::string::npos && word[end] == '=' &&
                           word.find('.') < end;
  return is_override ? word.substr(2) : word;
}

ExitCode run_program(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  for (auto& word : words) word = without_dashes(word);
  CommandLine line;
  add_verbs(line);
  if (words.empty()) words = {"--help"};
  check_verbs(line.app, words);
  try {
    line.app.parse(
        std::vector<std::string>(words.rbegin(), words.rend()));  // CLI11 wants them last to first
  } catch (const CLI::Success& help_or_version) {
    line.app.exit(help_or_version);
    return ExitCode::Ok;
  } catch (const CLI::ParseError& error) {
    throw usage_error(line.app, error);
  }
  return line.verbs.at(&chosen(line.app))->run();
}

/// Among the ranks of a training the same mistake is told once: when rank 0 ends with an error the
/// launcher ends the others within a second, so a rank that lives longer has something of its own
/// to say. Other verbs know no ranks.
std::string rank_prefix(std::string_view verb) {
  Launch launch;
  if (verb != "train") return "";
  try {
    launch = read_launch();
  } catch (const Error&) {
    // It is the error being reported.
  }
  if (launch.rank == 0) return "";
  std::this_thread::sleep_for(std::chrono::milliseconds(2500));
  return fmt::format("rank {}: ", launch.rank);
}

int report(std::string_view verb, const Error& error) {
  std::fflush(stdout);
  fmt::print(stderr, "{}{}\n", rank_prefix(verb), error.what());
  return static_cast<int>(error.exit_code());
}

}  // namespace
}  // namespace causeway

int main(int argc, char** argv) {
  using namespace causeway;
  const std::string_view verb = argc > 1 ? argv[1] : "";
  std::signal(SIGXFSZ, SIG_IGN);  // beyond ulimit -f a write fails, like any other
  try {
    return static_cast<int>(run_program(argc, argv));
  } catch (const std::exception& error) {
    return report(verb, as_error(error));
  }
}
