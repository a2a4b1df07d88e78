// See gpus.h. NVIDIA's data sheets of the SXM and desktop boards, dense rates.
#include "train/gpus.h"

#include <vector>

#include "core/error.h"

namespace causeway {
namespace {

constexpr GpuModel kGpus[] = {
    {"a100", 312e12, 19.5e12, 2.04e12},  {"h100", 989e12, 66.9e12, 3.35e12},
    {"h200", 989e12, 66.9e12, 4.8e12},   {"b200", 2250e12, 75e12, 8e12},
    {"l40s", 362e12, 91.6e12, 0.864e12}, {"rtx4090", 165e12, 82.6e12, 1.01e12},
};

}  // namespace

std::span<const GpuModel> gpu_models() { return kGpus; }

const GpuModel& find_gpu(const std::string& name) {
  std::vector<std::string_view> names;
  for (const GpuModel& gpu : kGpus) {
    if (gpu.name == name) return gpu;
    names.push_back(gpu.name);
  }
  throw Error({.id = "usage.gpu",
               .where = "--gpu " + name,
               .what = "its rates are not known here",
               .remedy = fmt::format("known: {}; or give --rank-tflops and --share of your own",
                                     fmt::join(names, " "))});
}

}  // namespace causeway
