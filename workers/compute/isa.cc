#include "workers/compute/isa.h"

#include <cstdlib>
#include <stdexcept>

namespace unfold::compute {

std::string to_string(Isa isa) {
  switch (isa) {
    case Isa::kV2:
      return "v2";
    case Isa::kV3:
      return "v3";
    case Isa::kV4:
      return "v4";
    case Isa::kBaseline:
      break;
  }
  return "baseline";
}

Isa choose_isa() {
  const std::vector<Isa> have = available_isas();
  const char* forced = std::getenv("UNFOLD_ISA");
  if (forced == nullptr || *forced == '\0') return have.back();
  std::string names;
  for (const Isa isa : have) {
    if (to_string(isa) == forced) return isa;
    names += (names.empty() ? "" : ", ") + to_string(isa);
  }
  throw std::invalid_argument("UNFOLD_ISA=" + std::string(forced) +
                              " cannot be used (this CPU and build have " + names +
                              ") [unset UNFOLD_ISA or name one of these]");
}

}  // namespace unfold::compute
