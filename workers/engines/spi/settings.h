#pragma once

#include <vector>

#include "unfold/v1/types.pb.h"
#include "workers/kernels/spi/reconstruct.h"

namespace unfold::engine {

/// What the reconstruction is told; expects a specification that common/plan has filled in.
/// `background` [P] photons a frame, or empty. The reference is not among it.
spi::Settings settings_of(const v1::SpiSpec& spec, std::vector<float> background);

/// The options that the numbers of a checkpoint depend on. The reference is none of them.
v1::SpiSpec without_places(v1::SpiSpec spec);

}  // namespace unfold::engine
