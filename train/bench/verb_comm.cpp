// `causeway bench comm`: how fast ranks exchange pieces and share them, by size; run it under a
// launcher. Read next: core/comm.h, docs/scaling.md.
#include "core/buckets.h"
#include "core/json.h"
#include "train/bench/timing.h"
#include "train/launch.h"
#include "train/measure.h"
#include "train/terminal.h"
#include "train/verbs.h"
#include "train/watchdog.h"

namespace causeway {
namespace {

struct CommRow {
  int64_t bytes = 0;       ///< that a rank sends, to all others together
  Spread exchange, share;  ///< bytes/s that a rank sends
};

class BenchComm final : public Verb {
 public:
  void add_arguments(CLI::App& app) override {
    add_device_option(app, device_);
    app.add_option("--max-mib", max_mib_, "the largest buffer, in MiB")
        ->check(CLI::Range(1, 1 << 14))
        ->capture_default_str();
    app.add_option("--rounds", rounds_, "how often each size is measured")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    add_json_flag(app, format_);
  }

  ExitCode run() override {
    const Launch launch = read_launch();
    Runtime runtime;
    Watchdog watchdog(progress_, launch.rank, {});  // from before the ranks meet
    runtime = make_runtime(device_, {}, launch);
    Communicator& comm = *runtime.comm;
    watchdog.ask([&comm] { return comm.failure(); });
    if (comm.size() == 1)
      throw Error({.id = "usage.ranks",
                   .where = "bench comm",
                   .what = "one rank has nobody to talk to",
                   .remedy = "e.g.: mpirun -np 2 causeway bench comm (docs/scaling.md)"});
    std::vector<CommRow> rows;
    for (int64_t bytes = 64 << 10; bytes <= max_mib_ << 20; bytes *= 4)
      rows.push_back(measure(*runtime.backend, comm, bytes));
    if (comm.leads()) print(runtime, rows);
    watchdog.ask({});  // a communicator that is being left is not asked
    comm.leave();
    return ExitCode::Ok;
  }

 private:
  /// A flat buffer of `bytes`, cut into one piece per rank.
  CommRow measure(Backend& ops, Communicator& comm, int64_t bytes) {
    const int ranks = comm.size();
    const int64_t piece = bytes / 4 / ranks;
    const auto size = static_cast<size_t>(4 * piece * ranks);
    const Buffer flat = written_buffer(ops, size), received(ops, size);
    const Tensor out(flat.data(), DType::F32, {piece * ranks}),
        in(received.data(), DType::F32, {piece * ranks});
    std::vector<Tensor> outgoing, incoming;
    std::vector<Range> pieces;
    for (int r = 0; r < ranks; ++r) {
      outgoing.push_back(out.slice(0, r * piece, piece));
      incoming.push_back(in.slice(0, r * piece, piece));
      pieces.push_back({r * piece, (r + 1) * piece});
    }
    const double sent = 4.0 * static_cast<double>(piece) * (ranks - 1);
    CommRow row{.bytes = static_cast<int64_t>(sent)};
    row.exchange = rate(ops, comm, sent, [&] { comm.start_exchange(incoming, outgoing); });
    row.share = rate(ops, comm, sent, [&] { comm.start_share(out, pieces); });
    return row;
  }

  template <class Start>
  Spread rate(Backend& ops, Communicator& comm, double bytes, const Start& start) {
    std::vector<double> rates;
    for (int round = 0; round <= rounds_; ++round) {
      progress_.beat(Activity::Exchanging, ++exchanges_);
      comm.any(false);  // all begin together
      const double begin = now_seconds();
      start();
      comm.finish();
      ops.synchronize();
      if (round > 0) rates.push_back(bytes / (now_seconds() - begin));
    }
    return spread_of(rates);
  }

  void print(const Runtime& runtime, const std::vector<CommRow>& rows) const {
    const Communicator& comm = *runtime.comm;
    if (format_ == OutputFormat::Json) {
      Json list = Json::array();
      for (const CommRow& r : rows)
        list.push_back({{"bytes_sent", r.bytes},
                        {"exchange_bytes_per_second", r.exchange.median},
                        {"share_bytes_per_second", r.share.median}});
      fmt::print("{}\n", Json{{"device", runtime.device},
                              {"communicator", comm.name()},
                              {"ranks", comm.size()},
                              {"rows", list}}
                             .dump(2));
      return;
    }
    fmt::print(
        "{} ranks, {}, {}; GB/s that a rank sends while it receives as much\n{:>12} {:>14} "
        "{:>14}\n",
        comm.size(), comm.name(), runtime.device, "sent", "exchange", "share");
    for (const CommRow& r : rows)
      fmt::print("{:>12} {:>7.2f} ± {:>2.0f} % {:>7.2f} ± {:>2.0f} %\n",
                 format_bytes(static_cast<double>(r.bytes)), r.exchange.median / 1e9,
                 100 * r.exchange.noise(), r.share.median / 1e9, 100 * r.share.noise());
  }

  DeviceChoice device_ = DeviceChoice::Auto;
  int64_t max_mib_ = 64;
  int rounds_ = 9;
  Progress progress_;
  int64_t exchanges_ = 0;
  OutputFormat format_ = OutputFormat::Text;
};

}  // namespace

std::unique_ptr<Verb> make_bench_comm() { return std::make_unique<BenchComm>(); }

}  // namespace causeway
