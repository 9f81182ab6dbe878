#pragma once

#include <type_traits>
#include <vector>

#include "tests/support/imaging_data.h"
#include "tests/support/rank_pair.h"

namespace unfold::test {

/// The time bins of one rank: the first or the second half.
inline ImagingData half(const ImagingData& all, Index rank) {
  ImagingData out = all;
  const Index times = all.attitude.times / 2, pointings = all.attitude.pointings / 2;
  const auto part = [&](auto& values, Index each) {
    auto first = values.begin() + rank * each;
    values = std::decay_t<decltype(values)>(first, first + each);
  };
  part(out.counts, times * all.bins);
  for (std::vector<double>& component : out.background) part(component, times * all.bins);
  part(out.group, times);
  part(out.attitude.lookup, pointings * all.attitude.pixels);
  part(out.attitude.live_time, pointings);
  part(out.attitude.time_bin, pointings);
  for (std::int32_t& t : out.attitude.time_bin) t -= static_cast<std::int32_t>(rank * times);
  out.attitude.times = times;
  out.attitude.pointings = pointings;
  return out;
}

}  // namespace unfold::test
