// Runs of the program on several ranks, by mpirun on this machine's CPUs. Read next: program.h,
// ranks_test.cpp.
#pragma once
#include "tests/train/markov.h"
#include "tests/train/run_files.h"
#include "train/comm_mpi.h"

namespace causeway::test {

// As in resume_test.cpp, with 8 micro-batches, so that up to 8 ranks have a lane each; the blocks
// are large enough to be cut between ranks.
inline constexpr char kRanksConfig[] = R"(
run: {name: r}
data: {source: text.txt, tokenizer: char, val_fraction: 0.1}
model: {n_layer: 2, n_head: 2, n_embd: 64, block_size: 16, dropout: 0.1}
train: {max_steps: 120, global_batch_size: 16, micro_batch_size: 2, threads: 1}
optimizer: {lr: 3e-3}
eval: {every: 40, batches: 5}
checkpoint: {every: 20, keep_last: 2}
log: {every: 50}
)";

inline Start ranks(int n) {
  return {.launcher = {"mpirun", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none",
                       "-np", std::to_string(n)}};
}

/// Leaves the test, visibly, where this build or machine has no MPI.
#define SKIP_WITHOUT_MPI()                                                         \
  if (mpi_version().empty() || std::system("command -v mpirun >/dev/null") != 0) { \
    WARN("SKIPPED: no MPI (Debian: apt-get install libopenmpi-dev openmpi-bin)");  \
    return;                                                                        \
  }

inline void prepare(const std::filesystem::path& folder) {
  write_text(folder / "text.txt", MarkovSource().text(20'000, 3));
  write_text(folder / "r.yaml", kRanksConfig);
}

/// Ended; whether its parent has asked for its exit code is another matter.
inline bool is_gone(pid_t process) {
  std::ifstream in(fmt::format("/proc/{}/stat", process));
  std::string number, name, state;
  return !(in >> number >> name >> state) || state == "Z" || state == "X";
}

/// Waits for it, up to 20 s.
inline void wait_until_gone(const std::vector<pid_t>& processes) {
  for (int i = 0; i < 1000 && !std::all_of(processes.begin(), processes.end(), is_gone); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

inline double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace causeway::test
