#pragma once

#include "workers/compute/isa.h"
#include "workers/kernels/extraction/kernels.h"

namespace unfold::extraction {

/// Throws std::invalid_argument where this build does not carry `isa`.
const KernelTable& kernels(compute::Isa isa);

}  // namespace unfold::extraction
