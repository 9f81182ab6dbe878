#include "workers/compute/isa.h"

namespace unfold::compute {

std::vector<Isa> available_isas() { return {Isa::kBaseline}; }

}  // namespace unfold::compute
