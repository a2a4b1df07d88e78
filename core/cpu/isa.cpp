// See isa.h.
#include "core/cpu/isa.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "core/error.h"

namespace causeway::cpu {
namespace {
constexpr std::string_view kNames[] = {"baseline", "avx2", "avx512", "avx512+bf16", "avx512+amx"};
#ifdef CAUSEWAY_X86
/// Whether the CPU has AMX and the system grants its state, eight KiB a thread, to this process.
bool amx_granted() {
  constexpr long kRequestState = 0x1023, kTileData = 18;  // asm/prctl.h, since Linux 5.16
  return __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-bf16") &&
         syscall(SYS_arch_prctl, kRequestState, kTileData) == 0;
}
#endif

}  // namespace

std::string_view isa_name(Isa isa) { return kNames[static_cast<int>(isa)]; }

Isa detect_isa() {
#ifdef CAUSEWAY_X86
  __builtin_cpu_init();
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (avx512 && __builtin_cpu_supports("avx512bf16"))
    return amx_granted() ? Isa::Avx512Amx : Isa::Avx512Bf16;
  if (avx512) return Isa::Avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Isa::Avx2;
#endif
  return Isa::Baseline;
}

Isa parse_isa(std::string_view word) {
  const Isa best = detect_isa();
  if (word.empty()) return best;
  for (int i = 0; i <= static_cast<int>(best); ++i)
    if (word == kNames[i]) return static_cast<Isa>(i);
  std::string names;
  for (int i = 0; i <= static_cast<int>(best); ++i) names += " " + std::string(kNames[i]);
  throw Error({.id = "device.isa",
               .where = "",
               .what = fmt::format("this CPU cannot run the instruction set \"{}\"", word),
               .remedy = "it can run:" + names});
}

Kernels kernels_for(Isa isa) {
  Kernels kernels{};
  switch (isa) {
#ifdef CAUSEWAY_X86
    case Isa::Avx512Amx:
      avx512bf16::fill(kernels);
      avx512amx::fill(kernels);
      break;
    case Isa::Avx512Bf16:
      avx512bf16::fill(kernels);
      break;
    case Isa::Avx512:
      avx512::fill(kernels);
      break;
    case Isa::Avx2:
      avx2::fill(kernels);
      break;
#endif
    default:
      baseline::fill(kernels);
  }
  return kernels;
}

}  // namespace causeway::cpu
