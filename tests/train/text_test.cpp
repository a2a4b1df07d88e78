// The way from text to text through a byte-level BPE, as a user goes it: tokenizer train, data
// prepare, train, generate; and what is refused on it.
#include <thread>

#include "core/json.h"
#include "data/prepare.h"
#include "tests/catch.h"
#include "tests/error_of.h"
#include "tests/train/program.h"
#include "train/run_data.h"

using namespace causeway;
using namespace causeway::test;

namespace {

std::string some_text() {
  std::string text;
  for (int i = 0; i < 400; ++i)
    text += fmt::format("The {} ship sailed on day {}, and the captain's log was kept.\n",
                        i % 3 ? "grey" : "white", i);
  return text;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("from text to a BPE, to tokens, to a model, to text: one program") {
  const TempFolder folder;
  write_text(folder / "text.txt", some_text());
  const auto run = [&](std::vector<std::string> words) {
    const ProgramResult result = run_program(folder.path(), std::move(words));
    INFO(result.output);
    REQUIRE(result.exit_code == 0);
    return result.output;
  };
  CHECK(has(run({"tokenizer", "train", "text.txt", "bpe.json", "--vocab-size", "320"}),
            "320 tokens"));
  CHECK(has(run({"tokenizer", "encode", "bpe.json", "text.txt", "--output", "ids"}),
            "bytes per token"));
  const auto ids = std::filesystem::file_size(folder / "ids") / 4;
  CHECK(ids * 3 < some_text().size());  // the merges merge
  run({"data", "prepare", "text.txt", "set", "--documents", "line", "--shuffle", "--tokenizer",
       "bpe.json"});
  const std::string info = run({"data", "info", "set", "--tokens"});
  CHECK(has(info, "400 documents"));
  CHECK(has(info, "documents shuffled"));
  CHECK(has(info, "entropy"));
  run({"data", "verify", "set"});
  write_text(folder / "run.yaml",
             "run: {name: tiny}\n"
             "data: {source: 0.5*set + 0.5*set, document_mask: true}\n"
             "model: {n_layer: 1, n_head: 2, n_embd: 32, block_size: 32}\n"
             "train: {max_steps: 3, global_batch_size: 4}\n"
             "eval: {every: 0}\nsample: {every: 0}\n");
  run({"train", "run.yaml"});
  run({"generate", "runs/tiny", "--prompt", "The ship", "--tokens", "5"});
  // Another tokenizer than the weights were trained with.
  run({"data", "prepare", "text.txt", "bytes", "--tokenizer", "byte"});
  const ProgramResult other =
      run_program(folder.path(), {"train", "run.yaml", "run.name=other", "data.source=bytes",
                                  "data.document_mask=false", "run.init_from=runs/tiny"});
  CHECK(other.exit_code == 3);
  CHECK(has(other.output, "tokenizer.vocab_mismatch"));
  CHECK(has(other.output, "were trained with bpe with 320 ids"));
}

TEST_CASE("weights are refused with the data of another tokenizer, and taken with their own") {
  const TempFolder folder;
  write_text(folder / "text.txt", some_text());
  const auto prepared = [&](const std::string& tokenizer) {
    prepare_dataset(
        {.sources = {folder / "text.txt"}, .output = folder / tokenizer, .tokenizer = tokenizer});
    DataConfig config;
    config.source = (folder / tokenizer).string();
    return open_dataset(config, {}, {});
  };
  const Dataset bytes = prepared("byte"), characters = prepared("char");
  CHECK_NOTHROW(check_tokenizer_of(folder / "byte", bytes));
  CHECK_NOTHROW(check_tokenizer_of(folder.path(), bytes));  // weights without a tokenizer
  const auto error = error_of([&] { check_tokenizer_of(folder / "char", bytes); });
  CHECK(error.id == "tokenizer.vocab_mismatch");
  CHECK(has(error.what, "byte with 256 ids"));
}

TEST_CASE("a signal leaves a preparation to be taken up again, exit code 75") {
  const TempFolder folder;
  {
    std::ofstream text(folder / "text.txt");
    for (int i = 0; i < 2000; ++i) text << some_text() << i << "\n";
  }
  const std::vector<std::string> words = {"data",        "prepare", "text.txt",    "set",
                                          "--tokenizer", "byte",    "--documents", "line"};
  Program first(folder.path(), words);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  first.signal(SIGTERM);
  const int code = first.wait();
  INFO(first.output());
  // A fast machine may have been through already.
  CHECK((code == 75 || code == 0));
  if (code == 75) CHECK(has(first.output(), "the same command continues"));
  CHECK(run_program(folder.path(), words).exit_code == 0);
  CHECK(run_program(folder.path(), {"data", "verify", "set"}).exit_code == 0);
}
