// See bench.h.
#include "train/bench.h"

#include <algorithm>

#include "core/config_validate.h"

namespace causeway {

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

Config load_for_bench(const ConfigArguments& arguments) {
  Config config = arguments.load();
  if (!config.model.vocab_size) config.model.vocab_size = 65;
  config.eval.every = 0, config.sample.every = 0;
  resolve(config);
  return config;
}

}  // namespace causeway
