#pragma once

#include "workers/nufft/nufft.h"

namespace unfold::nufft {

/// Throw std::invalid_argument: modes not positive, a tolerance that Real does not hold, an
/// upsampling out of range; points that are no [P, 3] or not finite.
template <class Real>
void check_options(const Modes& modes, const Options& options);
template <class Real>
void check_points(View<const Real, 2> points);

}  // namespace unfold::nufft
