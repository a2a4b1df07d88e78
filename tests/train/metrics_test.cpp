// Metric lines: exact numbers, and cutting back to a step after any way of being stopped.
#include "train/metrics.h"

#include <cmath>
#include <cstdlib>

#include "tests/train/temp_folder.h"

#include "tests/catch.h"

using namespace causeway;
using namespace causeway::test;

namespace {

MetricsRecord record(int64_t step) {
  return {.step = step,
          .tokens = 768 * step,
          .loss = 1.0 / static_cast<double>(step),
          .val_loss = {},
          .grad_norm = 0.5,
          .lr = 1e-3};
}

}  // namespace

TEST_CASE("a metrics line has the documented keys, val_loss only where the step evaluated") {
  CHECK(to_json(MetricsRecord{
            .step = 3, .tokens = 2304, .loss = 2.5, .val_loss = {}, .grad_norm = 1, .lr = 1e-05}) ==
        R"({"step":3,"tokens":2304,"loss":2.5,"grad_norm":1,"lr":1e-05})");
  CHECK(to_json(MetricsRecord{.step = 3,
                              .tokens = 2304,
                              .loss = NAN,
                              .val_loss = 0.1,
                              .grad_norm = INFINITY,
                              .lr = 0}) ==
        R"({"step":3,"tokens":2304,"loss":null,"val_loss":0.1,"grad_norm":null,"lr":0})");
}

TEST_CASE("a loss reads back from its line to the same bits") {
  for (double loss = 11.0; loss > 1e-9; loss *= 0.7310585786300049) {
    const std::string line = to_json(MetricsRecord{
        .step = 1, .tokens = 1, .loss = loss, .val_loss = {}, .grad_norm = 1, .lr = 1});
    CHECK(std::strtod(line.c_str() + line.find("\"loss\":") + 7, nullptr) == loss);
  }
}

TEST_CASE("cutting back and appending again gives the uninterrupted file") {
  TempFolder folder;
  {
    MetricsFile whole(folder / "whole.jsonl");
    for (int64_t s = 1; s <= 9; ++s) whole.append(record(s));
    MetricsFile first(folder / "stopped.jsonl");
    for (int64_t s = 1; s <= 7; ++s) first.append(record(s));
  }
  MetricsFile resumed(folder / "stopped.jsonl");
  CHECK(resumed.truncate_after(4) == 4);
  for (int64_t s = 5; s <= 9; ++s) resumed.append(record(s));
  CHECK(read_text(folder / "stopped.jsonl") == read_text(folder / "whole.jsonl"));
}

TEST_CASE("a line cut anywhere by a crash is removed on resume") {
  TempFolder folder;
  const std::string two = to_json(record(1)) + "\n" + to_json(record(2)) + "\n";
  const std::string third = to_json(record(3)) + "\n";
  for (size_t cut = 0; cut <= third.size(); ++cut) {
    write_text(folder / "m.jsonl", two + third.substr(0, cut));
    const bool whole = cut == third.size();
    CHECK(MetricsFile(folder / "m.jsonl").truncate_after(3) == (whole ? 3 : 2));
    CHECK(read_text(folder / "m.jsonl") == two + (whole ? third : ""));
  }
}

TEST_CASE("zeros left by a power cut, and an empty file, are cut to what is whole") {
  TempFolder folder;
  write_text(folder / "m.jsonl", to_json(record(1)) + "\n" + std::string(40, '\0') + "\n");
  CHECK(MetricsFile(folder / "m.jsonl").truncate_after(9) == 1);
  CHECK(read_text(folder / "m.jsonl") == to_json(record(1)) + "\n");
  CHECK(MetricsFile(folder / "new.jsonl").truncate_after(9) == 0);
}

TEST_CASE("a full disk is an error with exit code 7") {
  if (!std::filesystem::exists("/dev/full")) {
    WARN("SKIPPED: this machine has no /dev/full");
    return;
  }
  MetricsFile file("/dev/full");
  try {
    file.append(record(1));
    FAIL("a write to a full disk was accepted");
  } catch (const Error& e) {
    CHECK(e.id() == "disk.full");
    CHECK(e.exit_code() == ExitCode::Disk);
    CHECK_THAT(e.what(), Catch::Contains("No space left on device"));
  }
}

TEST_CASE("a metrics file that cannot be opened is an error that names it") {
  TempFolder folder;
  write_text(folder / "file", "");  // no folder, even for root
  const auto path = folder / "file/metrics.jsonl";
  CHECK_THROWS_WITH(MetricsFile(path), Catch::Contains("error[disk.write] " + path.string()));
}

TEST_CASE("a timing line has the documented keys") {
  CHECK(to_json(TimingRecord{
            .step = 2, .seconds = 0.5, .tokens_per_second = 1536, .resident_bytes = 4096}) ==
        R"({"step":2,"seconds":0.5,"tokens_per_second":1536,"resident_bytes":4096})");
}
