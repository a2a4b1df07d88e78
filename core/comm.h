// The page of communication: everything ranks must be able to tell each other to train one model.
// It only moves bytes; every sum is made by whoever received its parts, in an order that does not
// depend on the ranks. Read next: buckets.h (what is sent), train/step.cpp (when).
//
// Every rank makes the same calls in the same order. Tensors lie on the backend's device, the rest
// on the host. A rank that is lost ends the others: by an Error "peer.*" where the library
// tells, else by train/watchdog.h.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/buckets.h"

namespace causeway {

class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual std::string_view name() const = 0;  ///< "single", "mpi", "nccl", "staged"
  virtual int rank() const = 0;
  virtual int size() const = 0;
  bool leads() const { return rank() == 0; }

  // ---- tensors: started here, complete after finish()
  /// Sends outgoing[r] to rank r and receives incoming[r] from it, for every other rank r; what
  /// stands at the own place is not touched. Sizes and dtypes agree pairwise. Both must stay as
  /// they are until finish().
  virtual void start_exchange(std::span<const Tensor> incoming,
                              std::span<const Tensor> outgoing) = 0;
  /// Part of_rank[r] of `flat` goes from rank r to all others, in place.
  virtual void start_share(const Tensor& flat, std::span<const Range> of_rank) = 0;
  /// Lets what was started go on; cheap, for the middle of other work.
  virtual void progress() {}
  /// Everything started so far is complete on this rank.
  virtual void finish() = 0;

  // ---- the host
  /// Rank 0's bytes, on every rank.
  virtual std::string broadcast(const std::string& text) = 0;
  /// Every rank's bytes, by rank, on every rank.
  virtual std::vector<std::string> gather(const std::string& text) = 0;
  /// True on every rank when it is true on any.
  virtual bool any(bool flag) = 0;

  /// The end of a run in which all ranks are of one mind. Without it, as after an exception, the
  /// others are ended with this rank.
  virtual void leave() {}

  /// Why another rank is known to be lost; "" as long as none is. Any thread may ask at any time
  /// before leave(), since the training thread may be waiting for that rank.
  virtual std::string failure() const { return ""; }

  /// Bytes this rank has sent in exchanges and shares.
  virtual int64_t bytes_sent() const = 0;
};

/// One process on its own. With `size` > 1, for planning: the last of that many ranks; nothing is
/// sent.
class SingleComm final : public Communicator {
 public:
  explicit SingleComm(int size = 1) : size_(size) {}

  std::string_view name() const override { return "single"; }
  int rank() const override { return size_ - 1; }
  int size() const override { return size_; }
  void start_exchange(std::span<const Tensor>, std::span<const Tensor>) override {}
  void start_share(const Tensor&, std::span<const Range>) override {}
  void finish() override {}
  std::string broadcast(const std::string& text) override { return text; }
  std::vector<std::string> gather(const std::string& text) override { return {text}; }
  bool any(bool flag) override { return flag; }
  int64_t bytes_sent() const override { return 0; }

 private:
  int size_;
};

}  // namespace causeway
