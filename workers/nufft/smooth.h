#pragma once

#include "workers/compute/view.h"

namespace unfold::nufft {

/// The smallest 2^a 3^b 5^c that is at least n, for n >= 1.
compute::Index next_smooth(compute::Index n);

}  // namespace unfold::nufft
