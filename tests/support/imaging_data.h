#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "workers/compute/communicator.h"
#include "workers/kernels/imaging/operator.h"
#include "workers/kernels/imaging/reconstruction.h"
#include "workers/kernels/imaging/reference_operator.h"
#include "workers/kernels/imaging/responses.h"

/// Imaging problems as tests hold them: read from the shared cases (imaging_case.h) or made
/// (made_imaging.h).
namespace unfold::test {

using compute::Index;

inline std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// One data set, dense. Pixels are a regular l x b grid.
struct ImagingData {
  Index nb = 0, nl = 0;
  Index bins = 0;
  std::vector<double> instrument;  ///< [K, D] cm2
  imaging::AttitudeTable attitude;
  std::vector<double> solid_angle;  ///< [P] sr
  std::vector<double> l_deg, b_deg;
  std::vector<double> counts;                   ///< [T, D]
  std::vector<std::vector<double>> background;  ///< per component [T, D]
  std::vector<std::int32_t> group;              ///< [T]
  std::vector<double> truth;                    ///< [P]
  std::vector<double> dense;                    ///< [T, P, D], or empty: expand() makes it

  imaging::Shape shape() const { return {attitude.times, attitude.pixels, bins}; }
  Index directions() const { return static_cast<Index>(instrument.size()) / bins; }
  std::vector<double> response() const {
    return dense.empty() ? imaging::expand(instrument, bins, attitude, solid_angle) : dense;
  }
};

/// The pixels' directions, areas and neighbours of the regular grid.
inline imaging::SkyGeometry sky_geometry(const ImagingData& data) {
  imaging::SkyGeometry sky;
  sky.solid_angle = data.solid_angle;
  const double degree = std::acos(-1.0) / 180;
  for (Index b = 0; b < data.nb; ++b) {
    for (Index l = 0; l < data.nl; ++l) {
      const double lon = data.l_deg[at(b * data.nl + l)] * degree;
      const double lat = data.b_deg[at(b * data.nl + l)] * degree;
      for (const double x :
           {std::cos(lat) * std::cos(lon), std::cos(lat) * std::sin(lon), std::sin(lat)}) {
        sky.direction.push_back(x);
      }
      for (Index db = -1; db <= 1; ++db) {
        for (Index dl = -1; dl <= 1; ++dl) {
          if (db == 0 && dl == 0) continue;
          const Index row = b + db, column = (l + dl + data.nl) % data.nl;
          const bool inside = row >= 0 && row < data.nb;
          sky.neighbours.push_back(inside ? static_cast<std::int32_t>(row * data.nl + column) : -1);
        }
      }
    }
  }
  return sky;
}

inline imaging::Events events_of(std::span<const double> counts, Index times, Index bins) {
  imaging::Events events;
  events.begin.assign(1, 0);
  for (Index t = 0; t < times; ++t) {
    for (Index d = 0; d < bins; ++d) {
      if (counts[at(t * bins + d)] > 0) events.bin.push_back(static_cast<std::int32_t>(d));
    }
    events.begin.push_back(events.size());
  }
  return events;
}

/// The values of a dense [T, D] at the events.
inline std::vector<double> at_events(const imaging::Events& events, std::span<const double> dense,
                                     Index bins) {
  std::vector<double> out;
  for (Index t = 0; t < events.times(); ++t) {
    for (Index n = events.begin[at(t)]; n < events.begin[at(t + 1)]; ++n) {
      out.push_back(dense[at(t * bins + events.bin[at(n)])]);
    }
  }
  return out;
}

inline imaging::Background background_of(const ImagingData& data, const imaging::Events& events) {
  imaging::Background out;
  out.components = static_cast<Index>(data.background.size());
  out.group = data.group;
  for (const std::int32_t g : data.group) out.groups = std::max<Index>(out.groups, g + 1);
  for (const std::vector<double>& component : data.background) {
    const std::vector<double> values = at_events(events, component, data.bins);
    out.at_events.insert(out.at_events.end(), values.begin(), values.end());
    for (Index t = 0; t < data.attitude.times; ++t) {
      double sum = 0;
      for (Index d = 0; d < data.bins; ++d) sum += component[at(t * data.bins + d)];
      out.sum.push_back(sum);
    }
  }
  out.row = [dense = data.background, bins = data.bins](Index c, Index t, std::span<double> row) {
    const auto first = dense[at(c)].begin() + t * bins;
    std::copy(first, first + bins, row.begin());
  };
  return out;
}

/// Owns all that a Problem refers to.
class ImagingFixture {
 public:
  ImagingFixture(const ImagingData& data, std::unique_ptr<imaging::Operator> response)
      : response_(std::move(response)),
        events_(events_of(data.counts, data.attitude.times, data.bins)),
        background_(background_of(data, events_)),
        counts_(at_events(events_, data.counts, data.bins)),
        exposure_(data.solid_angle.size()),
        sky_(sky_geometry(data)) {
    response_->sensitivity({}, exposure_);
  }
  explicit ImagingFixture(const ImagingData& data)
      : ImagingFixture(data, imaging::make_reference_operator(data.shape(), data.response())) {}

  imaging::Problem problem(double share = 1) {
    return {*response_, events_, background_, counts_, exposure_, sky_, solo_, share};
  }
  const imaging::Operator& response() const { return *response_; }
  const imaging::Events& events() const { return events_; }
  const imaging::Background& background() const { return background_; }
  const std::vector<double>& exposure() const { return exposure_; }
  std::vector<double>& counts() { return counts_; }

 private:
  std::unique_ptr<imaging::Operator> response_;
  imaging::Events events_;
  imaging::Background background_;
  std::vector<double> counts_;
  std::vector<double> exposure_;
  imaging::SkyGeometry sky_;
  compute::SoloCommunicator solo_;
};

}  // namespace unfold::test
