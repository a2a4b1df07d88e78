// A real Llama with grouped-query attention, loaded as a Hugging Face folder, writes its golden
// text.
#include "tests/train/program.h"

// Catch2's CHECK, not ours: last.
#include "tests/catch.h"

namespace causeway::test {

TEST_CASE("stories260K generates its golden text byte for byte") {
  const std::filesystem::path model = shared_data("stories260K");
  SKIP_WITHOUT(model, "stories260K");
  const TempFolder folder;
  const auto result = run_program(
      folder.path(), {"generate", model.string(), "--tokenizer", (model / "tok512.bin").string(),
                      "--tokens", "256", "--temperature", "0"});
  CHECK(result.exit_code == 0);
  CHECK(result.output == read_text(model / "golden_t0.txt"));
}

}  // namespace causeway::test
