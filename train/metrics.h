// The figures of a run as JSON lines: metrics.jsonl (the same bits whatever the stops) and
// timing.jsonl (the machine's mood). Read next: run_folder.h (where they lie), tensorboard.h.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace causeway {

/// One optimizer step. `step` counts finished steps (1-based), `tokens` those consumed so far.
struct MetricsRecord {
  int64_t step = 0, tokens = 0;
  double loss = 0;                 ///< nats per token, mean over the step's micro-batches
  std::optional<double> val_loss;  ///< only where the step evaluated
  double grad_norm = 0;            ///< before clipping
  double lr = 0;                   ///< the step's learning rate
};

struct TimingRecord {
  int64_t step = 0;
  double seconds = 0;  ///< of this step, or the mean over the steps since the last record
  double tokens_per_second = 0;
  int64_t resident_bytes = 0;  ///< of the process
  int64_t sent_bytes = 0;      ///< by this rank to the others, per step; 0 on one rank
};

/// One line without its newline. Numbers are the shortest that read back to the same bits; a
/// non-finite number, which JSON lacks, is null.
std::string to_json(const MetricsRecord& record);
std::string to_json(const TimingRecord& record);

/// A file of such lines. Every append is one write() of one whole line, so a killed process leaves
/// at most one half line, which the next truncate_after removes.
class MetricsFile {
 public:
  /// Opens or creates. Throws Error "disk.*", as all of its functions do.
  explicit MetricsFile(const std::filesystem::path& path);
  ~MetricsFile();
  MetricsFile(const MetricsFile&) = delete;
  MetricsFile& operator=(const MetricsFile&) = delete;

  /// A line that does not fit on the disk is taken back whole.
  template <class Record>
  void append(const Record& record) {
    append_line(to_json(record));
  }

  /// Cuts everything from the first line that is not whole, is not ours, or has a later step.
  /// Returns the last step kept, 0 if none.
  int64_t truncate_after(int64_t step);

  /// Waits until the lines are on the disk: before a checkpoint is published.
  void sync();

 private:
  void append_line(std::string line);

  std::filesystem::path path_;
  int file_ = -1;
};

}  // namespace causeway
