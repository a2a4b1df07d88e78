// A TensorBoard event file: what `tensorboard --logdir runs` draws. Format: TFRecord frames around
// protobuf Event messages (tensorflow/core/util/event.proto), encoded here by hand, since a run
// needs six fields of them. Read next: metrics.h, which holds the exact figures.
#pragma once
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <string_view>

namespace causeway {

struct Scalar {
  std::string_view tag;  ///< "loss/train", "loss/val", "lr", "grad_norm", "tokens_per_second"
  double value = 0;      ///< stored as float
};

/// Each process of a run writes its own file into the folder; a resumed run tells TensorBoard to
/// forget what an earlier one had drawn after `first_step`.
class TensorBoardFile {
 public:
  /// Throws Error "disk.open".
  TensorBoardFile(const std::filesystem::path& folder, int64_t first_step);

  /// One point on each curve. A failed write is noticed by ok(), not thrown: these figures are a
  /// convenience, and metrics.jsonl has them all.
  void add(int64_t step, std::initializer_list<Scalar> scalars);
  bool ok() const { return out_.good(); }

 private:
  void write_event(int64_t step, std::string_view encoded_content);

  std::ofstream out_;
};

/// CRC-32C (Castagnoli), as TFRecord uses it. Reflected polynomial 0x82f63b78.
uint32_t crc32c(std::string_view bytes);

}  // namespace causeway
