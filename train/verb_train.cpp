// `causeway train`. Read next: trainer.h.
#include "core/file.h"
#include "train/trainer.h"
#include "train/verbs.h"

namespace causeway {
namespace {

class Train final : public Verb {
 public:
  void add_arguments(CLI::App& app) override { arguments_.add_to(app); }

  ExitCode run() override {
    const Config config = arguments_.load();
    Trainer trainer(config, {.text = read_file(arguments_.file(), "config"),
                             .overrides = arguments_.overrides()});
    return trainer.run();
  }

 private:
  ConfigArguments arguments_;
};

}  // namespace

std::unique_ptr<Verb> make_train() { return std::make_unique<Train>(); }

}  // namespace causeway
