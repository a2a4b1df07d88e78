// See bench_config.h.
#include "train/bench/bench_config.h"

#include "train/run_data.h"

namespace causeway {

Config load_for_bench(const ConfigArguments& arguments) {
  Config config = arguments.load();
  config.eval.every = 0, config.sample.every = 0;
  resolve_for_plan(config);
  return config;
}

}  // namespace causeway
