#pragma once

#include "workers/compute/isa.h"
#include "workers/kernels/spi/kernels.h"

namespace unfold::spi {

/// Throws std::invalid_argument where this build does not carry `isa`.
const KernelTable& kernels(compute::Isa isa);

}  // namespace unfold::spi
