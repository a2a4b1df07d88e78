// The program from outside: verbs, usage errors, exit codes, output for people and for programs.
#include "core/json.h"
#include "tests/train/shell.h"

#include "tests/catch.h"

using namespace causeway;
using namespace causeway::test;

namespace {

const std::string kConfig = R"(
data:  {source: text.txt, tokenizer: byte}
model: {n_layer: 1, n_head: 2, n_embd: 32, block_size: 16}
train: {max_steps: 10, global_batch_size: 4}
)";

struct ConfigFile {
  TempFolder folder;
  std::string path = (folder / "tiny.yaml").string();
  ConfigFile() { write_text(path, kConfig); }
};

}  // namespace

TEST_CASE("--version and --help go to stdout and exit 0") {
  const auto version = shell("--version");
  CHECK(version.exit_code == 0);
  CHECK_THAT(version.out, Catch::StartsWith("causeway 0."));
  const auto help = shell("--help");
  CHECK(help.exit_code == 0);
  CHECK_THAT(help.out, Catch::Contains("doctor") && Catch::Contains("Exit codes"));
  CHECK(shell("").out == help.out);
  CHECK_THAT(shell("config show --help").out, Catch::Contains("KEY=VALUE"));
}

TEST_CASE("an unknown verb or option is exit 2 and names the nearest") {
  const auto verb = shell("docter");
  CHECK(verb.exit_code == 2);
  CHECK(verb.out.empty());
  CHECK_THAT(verb.err, Catch::StartsWith("error[usage.unknown_verb] causeway: unknown verb "
                                         "\"docter\"\n  did you mean \"doctor\"?"));
  const auto inner = shell("config chek x.yaml");
  CHECK(inner.exit_code == 2);
  CHECK_THAT(inner.err, Catch::Contains("causeway config: unknown verb \"chek\"\n  did you mean "
                                        "\"check\"?"));
  const auto option = shell("doctor --jsom");
  CHECK(option.exit_code == 2);
  CHECK_THAT(option.err, Catch::Contains("error[usage.arguments] causeway doctor: ") &&
                             Catch::Contains("did you mean \"--json\"?"));
}

TEST_CASE("a missing argument is exit 2 and points to the verb's help") {
  const auto result = shell("config check");
  CHECK(result.exit_code == 2);
  CHECK_THAT(result.err,
             Catch::StartsWith("error[usage.") && Catch::Contains("causeway config check --help"));
  const auto no_file = shell("config check train.max_steps=5");
  CHECK(no_file.exit_code == 2);
  CHECK_THAT(no_file.err, Catch::Contains("error[usage.config_file] no config file was given"));
}

TEST_CASE("overrides work as words and as options, before and after the file") {
  const ConfigFile config;
  for (const std::string& arguments :
       std::vector<std::string>{config.path + " train.max_steps=77 model.n_layer=3",
                                "--train.max_steps=77 " + config.path + " --model.n_layer=3",
                                "train.max_steps=77 --model.n_layer=3 " + config.path}) {
    const auto result = shell("config show " + arguments);
    REQUIRE(result.exit_code == 0);
    CHECK_THAT(result.out, Catch::Contains("max_steps: 77") && Catch::Contains("n_layer: 3"));
  }
  const auto list = shell("config show " + config.path + " 'optimizer.betas=[0.8, 0.9]'");
  CHECK_THAT(list.out, Catch::Contains("[0.8, 0.9]"));
  const auto wrong = shell("config check " + config.path + " --train.max_stepz=5");
  CHECK(wrong.exit_code == 2);
  CHECK_THAT(wrong.err,
             Catch::StartsWith("error[config.unknown_key]") && Catch::Contains("max_steps"));
}

TEST_CASE("config check says ok, and config show prints a file that checks out again") {
  const ConfigFile config;
  const auto check = shell("config check " + config.path);
  CHECK(check.exit_code == 0);
  CHECK(check.out == config.path + ": ok, run \"tiny\"\n");
  const auto shown = shell("config show " + config.path);
  REQUIRE(shown.exit_code == 0);
  write_text(config.folder / "again.yaml", shown.out);
  const auto again = shell("config show " + (config.folder / "again.yaml").string());
  CHECK(again.exit_code == 0);
  CHECK(again.out == shown.out);
}

TEST_CASE("a config that is not there is exit 2 and names the path") {
  const auto result = shell("config check nowhere/none.yaml");
  CHECK(result.exit_code == 2);
  CHECK_THAT(result.err, Catch::Contains("nowhere/none.yaml"));
}

TEST_CASE("a text is prepared, shown, verified; damage is found with exit 3") {
  TempFolder folder;
  std::string text;
  for (int i = 0; i < 400; ++i) text += "The quick brown fox. ";
  write_text(folder / "fox.txt", text);
  const std::string prepared = (folder / "fox").string();
  const std::string prepare = "data prepare " + (folder / "fox.txt").string() + " " + prepared;
  const auto first = shell(prepare + " --tokenizer byte");
  REQUIRE(first.exit_code == 0);
  CHECK_THAT(first.out, Catch::Contains("data.source=" + prepared));

  const auto info = shell("data info --json " + prepared);
  REQUIRE(info.exit_code == 0);
  CHECK(parse_json(info.out, "data info").at("source").at("bytes") == text.size());
  CHECK(shell("data verify " + prepared).exit_code == 0);

  const auto tokenizer = shell("tokenizer info --json --text fox " + prepared);
  REQUIRE(tokenizer.exit_code == 0);
  const Json split = parse_json(tokenizer.out, "tokenizer info");
  CHECK(split.at("kind") == "byte");
  CHECK(split.at("ids") == Json::array({102, 111, 120}));

  std::filesystem::path shard;
  for (const auto& entry : std::filesystem::directory_iterator(prepared))
    if (entry.path().filename().string().starts_with("train")) shard = entry.path();
  std::string bytes = read_text(shard);
  bytes[bytes.size() / 2] ^= 1;
  write_text(shard, bytes);
  const auto damaged = shell("data verify " + prepared);
  CHECK(damaged.exit_code == 3);
  CHECK_THAT(damaged.err,
             Catch::Contains("error[data.corrupt]") && Catch::Contains(shard.filename().string()));
}

TEST_CASE("ckpt on a folder without checkpoints says so") {
  TempFolder folder;
  const auto none = shell("ckpt ls " + folder.path().string());
  CHECK(none.exit_code == 0);
  CHECK_THAT(none.out, Catch::Contains("no checkpoints yet"));
  CHECK(shell("ckpt ls --json " + folder.path().string()).out == "[]\n");
  for (const char* verb : {"show ", "verify "}) {
    const auto result = shell(std::string("ckpt ") + verb + folder.path().string());
    CHECK(result.exit_code == 4);
    CHECK_THAT(result.err, Catch::Contains("error[checkpoint.missing]"));
  }
  CHECK(shell("ckpt ls nowhere/run").exit_code == 4);
}

TEST_CASE("ckpt lists, shows and verifies what a run has saved; damage is exit 4") {
  const ConfigFile config;
  std::string text;
  for (int i = 0; i < 400; ++i) text += "The quick brown fox. ";
  write_text(config.folder / "text.txt", text);
  const std::string runs = (config.folder / "runs").string();
  const auto trained =
      shell("train " + config.path + " model.position=alibi checkpoint.every=5 run.dir=" + runs +
            " data.source=" + (config.folder / "text.txt").string());
  REQUIRE(trained.exit_code == 0);
  CHECK(trained.out.find('\x1b') == std::string::npos);  // no terminal, no escape codes

  const Json list = parse_json(shell("ckpt ls --json " + runs + "/tiny").out, "ckpt ls");
  REQUIRE(list.size() == 2);
  CHECK(list[0].at("step") == 10);
  CHECK(list[1].at("step") == 5);
  const auto shown = shell("ckpt show " + runs + "/tiny");
  CHECK(shown.exit_code == 0);
  CHECK_THAT(shown.out, Catch::Contains("model type  causeway\n") && Catch::Contains("alibi"));
  const auto json = shell("ckpt show --json " + list[1].at("folder").get<std::string>());
  CHECK(parse_json(json.out, "ckpt show").at("step") == 5);
  CHECK(shell("ckpt verify " + runs + "/tiny").exit_code == 0);

  const std::string weights = list[1].at("folder").get<std::string>() + "/model.safetensors";
  std::string bytes = read_text(weights);
  bytes.back() ^= 1;
  write_text(weights, bytes);
  const auto damaged = shell("ckpt verify " + runs + "/tiny");
  CHECK(damaged.exit_code == 4);
  CHECK_THAT(damaged.out, Catch::Contains("step-00000005: damaged\n  model.safetensors"));
  CHECK_THAT(damaged.err, Catch::Contains("1 of 2 checkpoints are damaged"));
}

TEST_CASE("doctor tells about the machine, in JSON too, and finds a folder it cannot write to") {
  const auto text = shell("doctor");
  CHECK(text.exit_code == 0);
  CHECK_THAT(text.out, Catch::Contains("instructions") && Catch::Contains("written and synced"));
  const auto json = shell("doctor --json");
  REQUIRE(json.exit_code == 0);
  const Json machine = parse_json(json.out, "doctor");
  CHECK(machine.at("environment").at("threads").get<int>() >= 1);
  CHECK(machine.at("memory").get<int64_t>() > (int64_t{1} << 28));

  TempFolder folder;
  write_text(folder / "file", "");
  const auto failed = shell("doctor --dir " + (folder / "file/runs").string());
  CHECK(failed.exit_code == 7);
  CHECK_THAT(failed.err, Catch::Contains("error[disk."));
}

TEST_CASE(
    "every line of scripts/gpu_check is understood, as far as a machine without a GPU can tell") {
  const TempFolder folder;
  const std::string said = (folder / "said").string();
  const int status =
      std::system(fmt::format("cd '{}' && PATH='{}':$PATH scripts/gpu_check --dry >{} 2>&1",
                              source_folder().string(), program_path().parent_path().string(), said)
                      .c_str());
  INFO(read_text(said));
  CHECK(status == 0);
  CHECK_THAT(read_text(said),
             Catch::Contains("understood: causeway bench kernels --op attention") &&
                 Catch::Contains("understood: causeway train"));
}
