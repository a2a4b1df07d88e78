// GPUs by name, with what their data sheets promise: for `plan --gpu`, on a machine that has none
// of them. Read next: verb_plan.cpp.
#pragma once
#include <span>
#include <string>
#include <string_view>

namespace causeway {

struct GpuModel {
  std::string_view name;
  double bf16_flops;  ///< per second, dense, f32 accumulation
  double fp32_flops;  ///< per second, without tf32
  double bytes;       ///< per second, of its memory
};

std::span<const GpuModel> gpu_models();
/// Throws Error "usage.gpu", which lists the names.
const GpuModel& find_gpu(const std::string& name);

}  // namespace causeway
