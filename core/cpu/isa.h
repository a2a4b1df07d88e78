// Which instruction set the kernels run with: chosen once, at run time. Read next: kernels.h.
#pragma once
#include <cstdint>
#include <string_view>

#include "core/cpu/kernels.h"

namespace causeway::cpu {

/// From least to most able.
enum class Isa : uint8_t { Baseline, Avx2, Avx512, Avx512Bf16, Avx512Amx };

std::string_view isa_name(Isa isa);
/// The best this CPU has.
Isa detect_isa();
/// "" means detect_isa(). Throws Error "device.isa" for an unknown word or one the CPU lacks.
Isa parse_isa(std::string_view word);
Kernels kernels_for(Isa isa);

}  // namespace causeway::cpu
