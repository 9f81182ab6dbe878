#pragma once

#include "common/formats/imaging/source.h"
#include "unfold/v1/types.pb.h"
#include "workers/kernels/imaging/reconstruct.h"

namespace unfold::engine {

/// What the algorithms are told; expects a specification that common/plan has filled in.
imaging::Settings settings_of(const v1::ImagingSpec& spec);

/// Counts as the kernels take them, and the numbers themselves.
struct EventList {
  imaging::Events events;
  std::vector<double> counts;
};
EventList events_of(imaging_data::Counts counts);

/// The templates reduced to the events' bins; `sums` [C, T] over all bins. `background` outlives
/// the answer.
imaging::Background background_of(const imaging_data::Background& background,
                                  const std::vector<double>& sums, const imaging::Events& events);

imaging::SkyGeometry geometry_of(const imaging_data::Header& header);

}  // namespace unfold::engine
