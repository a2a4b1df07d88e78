// `causeway bench page`: docs/benchmarks.md from stored reports. Read next: page.h.
#include "train/bench/page.h"
#include "train/verbs.h"

namespace causeway {
namespace {

class BenchPage final : public Verb {
 public:
  void add_arguments(CLI::App& app) override {
    app.add_option("reports", files_, "files that bench kernels --save wrote")->required();
  }

  ExitCode run() override {
    std::vector<StoredReport> reports;
    for (const std::string& file : files_) reports.push_back({file, read_report(file)});
    fmt::print("{}", benchmarks_page(reports));
    return ExitCode::Ok;
  }

 private:
  std::vector<std::string> files_;
};

}  // namespace

std::unique_ptr<Verb> make_bench_page() { return std::make_unique<BenchPage>(); }

}  // namespace causeway
