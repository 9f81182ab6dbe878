#pragma once

#include <string>
#include <vector>

#include "tests/support/hdf5_numbers.h"
#include "tests/support/imaging_data.h"

/// Reads the shared imaging cases for tests.
namespace unfold::test {

/// The `in/` group. `background` names the dataset: background_dc1 for the dc1 loops,
/// background_live else.
inline ImagingData read_imaging_case(const Hdf5Numbers& file, const std::string& background) {
  ImagingData data;
  data.nb = static_cast<Index>(file.attribute("in", "nb"));
  data.nl = static_cast<Index>(file.attribute("in", "nl"));
  data.bins = file.shape("in/counts").at(1);
  data.instrument = file.doubles("in/instrument_response_cm2");
  data.solid_angle = file.doubles("in/dOmega");
  data.l_deg = file.doubles("in/l_deg");
  data.b_deg = file.doubles("in/b_deg");
  data.counts = file.doubles("in/counts");
  data.background = {file.doubles("in/" + background)};
  data.group = file.integers<std::int32_t>("in/group");
  data.truth = file.doubles("in/truth");
  if (file.has("in/R")) data.dense = file.doubles("in/R");
  data.attitude.times = file.shape("in/counts").at(0);
  data.attitude.pointings = file.shape("in/lookup_k").at(0);
  data.attitude.pixels = file.shape("in/lookup_k").at(1);
  data.attitude.lookup = file.integers<std::uint16_t>("in/lookup_k");
  data.attitude.live_time = file.doubles("in/dt");
  data.attitude.time_bin = file.integers<std::int32_t>("in/time_bin");
  return data;
}

}  // namespace unfold::test
