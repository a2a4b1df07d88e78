// What a run named r has written, for tests that compare runs bit for bit.
#pragma once
#include <algorithm>
#include <chrono>
#include <thread>

#include "tests/train/program.h"

namespace causeway::test {

inline std::string metrics(const std::filesystem::path& folder) {
  return read_text(folder / "runs/r/metrics.jsonl");
}

inline int64_t lines_of(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n');
}

/// What the checkpoint of `step` holds, but for what names the run itself and the moments, whose
/// files tell the number of ranks.
inline std::string weights_and_state(const std::filesystem::path& folder, int step) {
  const auto saved = folder / "runs/r/checkpoints" / fmt::format("step-{:08}", step);
  return read_text(saved / "model.safetensors") + read_text(saved / "state.json");
}

/// Until the run has finished `step` steps, or ended.
inline void wait_for_step(Program& program, const std::filesystem::path& folder, int64_t step) {
  while (program.running() && lines_of(metrics(folder)) < step)
    std::this_thread::sleep_for(std::chrono::microseconds(200));
}

}  // namespace causeway::test
