// Real learning: the loss approaches a known entropy from above. Read next: markov.h.

#include "core/json.h"
#include "tests/train/markov.h"
#include "tests/train/program.h"
#include "tests/train/temp_folder.h"

// Catch2's CHECK, not ours: last.
#include "tests/catch.h"

namespace causeway::test {
namespace {

constexpr char kConfig[] = R"(
run: {name: markov}
data: {source: text.txt, tokenizer: char, val_fraction: 0.2}
model: {n_layer: 2, n_head: 2, n_embd: 32, block_size: 32}
train: {max_steps: 400, global_batch_size: 16}
optimizer: {lr: 3e-3, betas: [0.9, 0.99]}
schedule: {kind: cosine, warmup_steps: 20, min_lr: 3e-4}
eval: {every: 100}
)";

/// The metrics of kConfig's run on `text`.
std::vector<Json> learn(const std::string& text, const std::string& precision) {
  const TempFolder folder;
  write_text(folder / "text.txt", text);
  write_text(folder / "markov.yaml", kConfig);
  const auto result =
      run_program(folder.path(), {"train", "markov.yaml", "train.precision=" + precision});
  INFO(result.output);
  REQUIRE(result.exit_code == 0);
  std::ifstream in(folder / "runs/markov/metrics.jsonl");
  std::vector<Json> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
  REQUIRE(lines.size() == 400);
  return lines;
}

double last_val_loss(const std::vector<Json>& lines) {
  return lines.back()["val_loss"].get<double>();
}

}  // namespace

TEST_CASE("the loss approaches a Markov source's entropy, never passes below it, in bf16 as well") {
  const MarkovSource source;
  const std::string text = source.text(200'000, 5);
  const auto lines = learn(text, "fp32");

  // On this very split the source itself pays `floor`; the model has one window edge in 32 symbols
  // where it knows no predecessor, which only costs it.
  const double floor = source.loss_of(text.substr(text.size() * 8 / 10));
  CHECK(floor == Approx(source.entropy_rate()).epsilon(0.02));
  for (const Json& line : lines)
    if (line.contains("val_loss") && line["val_loss"].is_number())
      CHECK(line["val_loss"].get<double>() >= floor);
  CHECK(last_val_loss(lines) <= 1.03 * floor);
  CHECK(last_val_loss(learn(text, "bf16")) == Approx(last_val_loss(lines)).epsilon(0.01));
}

}  // namespace causeway::test
