// See comm_staged.h.
#include "train/comm_staged.h"

#include <cstddef>
#include <deque>

namespace causeway {
namespace {

class StagedComm final : public Communicator {
 public:
  StagedComm(std::unique_ptr<Communicator> host, Backend& backend)
      : host_(std::move(host)), backend_(backend) {}

  std::string_view name() const override { return "staged"; }
  int rank() const override { return host_->rank(); }
  int size() const override { return host_->size(); }

  void start_exchange(std::span<const Tensor> incoming, std::span<const Tensor> outgoing) override {
    std::vector<Tensor> in, out;
    for (int r = 0; r < size(); ++r) {
      in.push_back(r == rank() ? Tensor{} : arrival(incoming[r]));
      out.push_back(r == rank() ? Tensor{} : departure(outgoing[r]));
    }
    host_->start_exchange(in, out);
  }

  void start_share(const Tensor& flat, std::span<const Range> of_rank) override {
    // Piece by piece, as an exchange in which everybody gets the same.
    std::vector<Tensor> in, out;
    const Tensor mine = departure(part(flat, of_rank[rank()]));
    for (int r = 0; r < size(); ++r) {
      in.push_back(r == rank() ? Tensor{} : arrival(part(flat, of_rank[r])));
      out.push_back(r == rank() ? Tensor{} : mine);
    }
    host_->start_exchange(in, out);
  }

  void progress() override { host_->progress(); }

  void finish() override {
    host_->finish();
    for (const Arrival& a : arrivals_) backend_.upload(a.device, a.host.data());
    arrivals_.clear();
    departures_.clear();
  }

  std::string broadcast(const std::string& text) override { return host_->broadcast(text); }
  std::vector<std::string> gather(const std::string& text) override { return host_->gather(text); }
  bool any(bool flag) override { return host_->any(flag); }
  void leave() override { host_->leave(); }
  int64_t bytes_sent() const override { return host_->bytes_sent(); }

 private:
  using Bytes = std::vector<std::byte>;
  struct Arrival {
    Tensor device;
    Bytes host;
  };

  static Tensor like(const Tensor& t, Bytes& host) {
    return Tensor(host.data(), t.dtype, {t.numel()});
  }

  Tensor arrival(const Tensor& device) {
    if (!device || device.numel() == 0) return {};
    arrivals_.push_back({device, Bytes(device.bytes())});
    return like(device, arrivals_.back().host);
  }
  Tensor departure(const Tensor& device) {
    if (device.numel() == 0) return Tensor(nullptr, device.dtype, {0});
    departures_.emplace_back(device.bytes());
    backend_.download(departures_.back().data(), device);
    return like(device, departures_.back());
  }

  std::unique_ptr<Communicator> host_;
  Backend& backend_;
  std::deque<Arrival> arrivals_;  // deques: what was handed out stays where it is
  std::deque<Bytes> departures_;
};

}  // namespace

std::unique_ptr<Communicator> make_staged_comm(std::unique_ptr<Communicator> host,
                                               Backend& backend) {
  return std::make_unique<StagedComm>(std::move(host), backend);
}

}  // namespace causeway
