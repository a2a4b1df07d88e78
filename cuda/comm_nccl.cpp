// Ranks with a GPU each, by NCCL. It moves bytes between pairs, grouped so that all go at once, on
// a stream beside the computation's; the two wait for each other by events, the host for neither.
// Read next: core/comm.h, core/buckets.h (what is sent).
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "core/buffer.h"
#include "core/error.h"
#include "cuda/backend.h"
#include "cuda/cuda_backend.h"
#include "cuda/nccl_library.h"

namespace causeway {
namespace cuda {
namespace {

class NcclComm final : public Communicator {
 public:
  NcclComm(CudaBackend& backend, NcclMeeting meeting)
      : backend_(backend), rank_(meeting.rank), size_(meeting.size) {
    demand(nccl_.comm_init_rank(&comm_, size_, meeting_id(meeting), rank_), "joining the others");
    host_ = std::move(meeting.host);
  }
  NcclComm(const NcclComm&) = delete;
  NcclComm& operator=(const NcclComm&) = delete;
  ~NcclComm() override {
    // After leave() there is none; after an exception the others are not waited for.
    if (comm_) nccl_.comm_abort(comm_);
  }

  std::string_view name() const override { return "nccl"; }
  int rank() const override { return rank_; }
  int size() const override { return size_; }

  void start_exchange(std::span<const Tensor> incoming, std::span<const Tensor> outgoing) override {
    begin();
    for (int r = 0; r < size_; ++r) {
      if (r == rank_) continue;
      receive(incoming[r], r);
      send(outgoing[r], r);
    }
    end();
  }

  void start_share(const Tensor& flat, std::span<const Range> of_rank) override {
    begin();
    for (int r = 0; r < size_; ++r) {
      if (r == rank_) continue;
      receive(part(flat, of_rank[r]), r);
      send(part(flat, of_rank[rank_]), r);
    }
    end();
  }

  void finish() override {
    record(arrived_, stream_);
    wait_on_stream(backend_.stream(), arrived_);
  }

  std::string broadcast(const std::string& text) override {
    return host_ ? host_->broadcast(text) : gather(rank_ == 0 ? text : "")[0];
  }

  std::vector<std::string> gather(const std::string& text) override {
    if (host_) return host_->gather(text);
    const uint64_t length = text.size();
    const std::string lengths =
        gather_equal(std::string(reinterpret_cast<const char*>(&length), 8));
    std::vector<uint64_t> sizes(size_);
    std::memcpy(sizes.data(), lengths.data(), lengths.size());
    const uint64_t longest = *std::max_element(sizes.begin(), sizes.end());
    std::string padded = text;
    padded.resize(longest);
    const std::string all = gather_equal(padded);
    std::vector<std::string> by_rank;
    for (int r = 0; r < size_; ++r) by_rank.push_back(all.substr(r * longest, sizes[r]));
    return by_rank;
  }

  bool any(bool flag) override {
    if (host_) return host_->any(flag);
    const std::string flags = gather_equal(flag ? "1" : "0");
    return flags.find('1') != std::string::npos;
  }

  void leave() override {
    synchronize(stream_);
    demand(nccl_.comm_destroy(std::exchange(comm_, nullptr)), "leaving");
    if (host_) host_->leave();
  }

  std::string failure() const override {
    ncclResult_t result = ncclSuccess;
    const ncclResult_t asked = nccl_.comm_get_async_error(comm_, &result);
    if (asked != ncclSuccess) result = asked;
    if (result == ncclSuccess || result == ncclInProgress) return "";
    return fmt::format("NCCL reports: {}", nccl_.error_string(result));
  }

  int64_t bytes_sent() const override { return bytes_sent_; }

 private:
  void demand(ncclResult_t result, const char* doing) const {
    if (result == ncclSuccess || result == ncclInProgress) return;
    throw Error({.id = "peer.nccl",
                 .where = "",
                 .what = fmt::format("NCCL failed while {}: {}", doing, nccl_.error_string(result)),
                 .remedy = "another rank or the link to it may be gone, or two ranks use one GPU; "
                           "NCCL_DEBUG=WARN tells more.\nThe same command resumes from the newest "
                           "checkpoint"});
  }

  /// The id under which the ranks find each other.
  ncclUniqueId meeting_id(const NcclMeeting& meeting) const {
    ncclUniqueId id{};
    if (meeting.host) {
      if (meeting.rank == 0) demand(nccl_.get_unique_id(&id), "making an id");
      const std::string bytes =
          meeting.host->broadcast(std::string(id.internal, meeting.rank == 0 ? sizeof id : 0));
      std::memcpy(id.internal, bytes.data(), std::min(bytes.size(), sizeof id));
    } else {  // every rank makes the same id from the address, and rank 0 listens there
      ::setenv("NCCL_COMM_ID", meeting.address.c_str(), 1);
      demand(nccl_.get_unique_id(&id), "making an id");
    }
    return id;
  }

  /// What is sent has been computed by then.
  void follow_computation() {
    record(ready_, backend_.stream());
    wait_on_stream(stream_, ready_);
  }
  void begin() {
    follow_computation();
    demand(nccl_.group_start(), "starting a group");
  }
  void end() { demand(nccl_.group_end(), "exchanging"); }

  void receive(const Tensor& t, int from) {
    if (!t || t.numel() == 0) return;
    demand(nccl_.recv(t.data, t.bytes(), ncclUint8, from, comm_, stream_), "receiving");
  }
  void send(const Tensor& t, int to) {
    if (t.numel() == 0) return;
    demand(nccl_.send(t.data, t.bytes(), ncclUint8, to, comm_, stream_), "sending");
    bytes_sent_ += static_cast<int64_t>(t.bytes());
  }

  /// Texts of one length, one behind the other. Waits.
  std::string gather_equal(const std::string& text) {
    const size_t n = text.size();
    if (n == 0) return "";
    if (room_.bytes() < n * (1 + size_)) room_ = Buffer(backend_, n * (1 + size_));
    char* mine = static_cast<char*>(room_.data());
    follow_computation();  // a new room is zeroed there
    cuda::copy(mine, text.data(), n, stream_);
    demand(nccl_.all_gather(mine, mine + n, n, ncclUint8, comm_, stream_), "gathering");
    std::string all(n * size_, '\0');
    cuda::copy(all.data(), mine + n, all.size(), stream_);
    synchronize(stream_);
    return all;
  }

  NcclLibrary nccl_;
  CudaBackend& backend_;
  int rank_, size_;
  std::unique_ptr<Communicator> host_;
  Stream stream_;
  Event ready_, arrived_;
  ncclComm_t comm_ = nullptr;
  Buffer room_;  ///< on the device, for host messages where there is no host communicator
  int64_t bytes_sent_ = 0;
};

}  // namespace
}  // namespace cuda

std::string nccl_version() {
  try {
    int number = 0;  // 22703 for 2.27.3
    cuda::NcclLibrary().get_version(&number);
    return fmt::format("{}.{}.{}", number / 10000, number / 100 % 100, number % 100);
  } catch (const Error& absent) {
    return fmt::format("none: {}", absent.info().what);
  }
}

std::unique_ptr<Communicator> make_nccl_comm(Backend& backend, NcclMeeting meeting) {
  return std::make_unique<cuda::NcclComm>(dynamic_cast<cuda::CudaBackend&>(backend),
                                          std::move(meeting));
}

}  // namespace causeway
