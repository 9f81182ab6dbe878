#include "workers/compute/isa.h"

namespace unfold::compute {

// The levels are those of the x86-64 psABI; the compiler's own CPU model also asks the operating
// system whether it saves the wide registers.
std::vector<Isa> available_isas() {
  std::vector<Isa> have;
  if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt")) {
    have.push_back(Isa::kV2);
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")) {
    have.push_back(Isa::kV3);
  }
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    have.push_back(Isa::kV4);
  }
  if (have.empty()) have.push_back(Isa::kBaseline);
  return have;
}

}  // namespace unfold::compute
