// See bench_config.h.
#include "train/bench/bench_config.h"

#include "core/config_validate.h"

namespace causeway {

Config load_for_bench(const ConfigArguments& arguments) {
  Config config = arguments.load();
  if (!config.model.vocab_size) config.model.vocab_size = 65;
  config.eval.every = 0, config.sample.every = 0;
  resolve(config);
  return config;
}

}  // namespace causeway
