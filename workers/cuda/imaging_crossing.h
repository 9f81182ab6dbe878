#pragma once

#include "workers/cuda/imaging_border.h"
#include "workers/kernels/imaging/packed_response.h"

namespace unfold::cuda {

/// As it crosses the module's border; valid while `host` is.
inline ImagingResponse crossing_of(const imaging::PackedResponse& host) {
  return {.times = host.times,
          .columns = host.columns,
          .bins = host.bins,
          .stride = host.stride,
          .first_used = host.first_used,
          .last_used = host.last_used,
          .element = static_cast<int>(host.element),
          .rows = host.data.get(),
          .scale = host.scale.empty() ? nullptr : host.scale.data(),
          .row_sum = host.row_sum.data()};
}

}  // namespace unfold::cuda
