#include "common/formats/imaging/dc1_time.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/errors.h"

namespace unfold::imaging_data {
namespace {

constexpr double kDegree = 180 / std::numbers::pi;

sky::Axes axes_of(const Aspect& aspect) {
  return sky::axes_of(aspect.x[0], aspect.x[1], aspect.z[0], aspect.z[1]);
}

double angle_deg(const double* a, const double* b) {
  const double cosine = a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  return std::acos(std::clamp(cosine, -1.0, 1.0)) * kDegree;
}

bool moved(const sky::Axes& from, const sky::Axes& to, double step_deg) {
  for (std::size_t axis = 0; axis < 9; axis += 3) {
    if (angle_deg(&from[axis], &to[axis]) >= step_deg) return true;
  }
  return false;
}

// The pointings of one time bin, `begin` the axes and `length` the seconds of each.
struct BinPointings {
  std::vector<sky::Axes> begin;
  std::vector<double> length;
};

BinPointings pointings_of_bin(std::span<const double> times, std::span<const Aspect> aspects,
                              double bin_length, double step_deg) {
  BinPointings out;
  out.begin.push_back(axes_of(aspects[0]));
  std::size_t saved = 0;
  double used = 0;
  for (std::size_t i = 0; i < times.size(); ++i) {
    const sky::Axes axes = axes_of(aspects[i]);
    if (!moved(out.begin.back(), axes, step_deg) && i + 1 < times.size()) continue;
    out.begin.push_back(axes);
    out.length.push_back(times[i] - times[saved]);
    used += out.length.back();
    saved = i;
  }
  out.length.push_back(std::max(0.0, bin_length - used));
  return out;
}

// The kept bin whose (begin, end] holds `end_time`, -1 for none.
std::int32_t place_of(const TimeBins& bins, double end_time) {
  const auto upper = std::lower_bound(bins.edge.begin(), bins.edge.end(), end_time);
  if (upper == bins.edge.begin() || upper == bins.edge.end()) return -1;
  return bins.place[static_cast<std::size_t>(upper - bins.edge.begin()) - 1];
}

}  // namespace

std::int64_t TimeBins::bin_of(double time) const {
  const double position = std::floor((time - start) * (1 / step));
  return position >= 0 && position < static_cast<double>(size())
             ? static_cast<std::int64_t>(position)
             : -1;
}

TimeBins time_bins(std::span<const double> times, double step) {
  TimeBins out;
  out.start = times.front();
  out.step = step;
  const double span = times.back() - times.front();
  const auto bins = std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(span / step)));
  out.place.assign(static_cast<std::size_t>(bins), -1);
  for (const double time : times) {
    const std::int64_t bin = out.bin_of(time);
    if (bin >= 0) out.place[static_cast<std::size_t>(bin)] = 0;
  }
  out.edge.assign(1, 0);
  for (std::int64_t b = 0; b < bins; ++b) {
    const bool last = b + 1 == bins;
    out.edge.push_back(out.edge.back() +
                       (last ? span - static_cast<double>(bins - 1) * step : step));
    std::int32_t& place = out.place[static_cast<std::size_t>(b)];
    if (place < 0) {
      out.empty.push_back(b);
    } else {
      place = static_cast<std::int32_t>(out.kept++);
    }
  }
  return out;
}

Pointings event_pointings(std::span<const double> times, std::span<const Aspect> aspects,
                          const TimeBins& bins, double step_deg) {
  Pointings out;
  double end_time = 0;
  std::size_t from = 0;
  for (std::int64_t b = 0; b < bins.size(); ++b) {
    const std::size_t at = static_cast<std::size_t>(b);
    const double length = bins.edge[at + 1] - bins.edge[at];
    std::size_t to = from;
    while (to < times.size() && bins.bin_of(times[to]) == b) ++to;
    if (to == from) {
      end_time += length;
      continue;
    }
    const BinPointings in_bin = pointings_of_bin(
        times.subspan(from, to - from), aspects.subspan(from, to - from), length, step_deg);
    for (std::size_t i = 0; i < in_bin.length.size(); ++i) {
      end_time += in_bin.length[i];
      const std::int32_t place = place_of(bins, end_time);
      if (place < 0) {
        out.dropped += in_bin.length[i] > 0;
        continue;
      }
      out.axes.push_back(in_bin.begin[i]);
      out.live_time.push_back(in_bin.length[i]);
      out.time_bin.push_back(place);
    }
    from = to;
  }
  return out;
}

namespace {

/// What the Earth hides at a row of an orientation file; nothing at altitude 0.
sky::EarthLimb limb_of(const cosi::Orientations& rows, std::size_t row) {
  constexpr sky::EarthLimb kNothing{{0, 0, 1}, -2};
  if (!(rows.altitude[row] > 0)) return kNothing;
  return sky::earth_limb(rows.earth_zenith[row][0], rows.earth_zenith[row][1], rows.altitude[row]);
}

/// An instrument that stares at one place still flies around the Earth.
bool moved(const sky::EarthLimb& from, const sky::EarthLimb& to, double step_deg) {
  const bool hides = from.cosine >= -1;
  return hides != (to.cosine >= -1) ||
         (hides && angle_deg(from.zenith.data(), to.zenith.data()) >= step_deg);
}

}  // namespace

Pointings orientation_pointings(const cosi::Orientations& rows, const TimeBins& bins,
                                const OrientationUse& use) {
  Pointings out;
  const bool earth = use.earth && rows.has_earth();
  const bool live = use.live && !rows.live_time.empty();
  std::size_t row = 0;
  for (std::int64_t b = 0; b < bins.size(); ++b) {
    const std::size_t at = static_cast<std::size_t>(b);
    if (bins.place[at] < 0) continue;
    const double begin = bins.start + bins.edge[at];
    const double end = bins.start + bins.edge[at + 1];
    while (row + 1 < rows.rows() && rows.time[row + 1] <= begin) ++row;
    bool open = false;
    for (std::size_t i = row; i + 1 < rows.rows() && rows.time[i] < end; ++i) {
      const double length = rows.time[i + 1] - rows.time[i];
      const double inside = std::min(rows.time[i + 1], end) - std::max(rows.time[i], begin);
      if (inside <= 0) continue;
      const double seconds = live ? inside * std::min(1.0, rows.live_time[i] / length) : inside;
      const sky::Axes axes = axes_of({rows.x_axis[i], rows.z_axis[i]});
      const sky::EarthLimb limb = earth ? limb_of(rows, i) : sky::EarthLimb{};
      if (open && !moved(out.axes.back(), axes, use.step_deg) &&
          (!earth || !moved(out.earth.back(), limb, use.step_deg))) {
        out.live_time.back() += seconds;
        continue;
      }
      open = true;
      out.axes.push_back(axes);
      out.live_time.push_back(seconds);
      out.time_bin.push_back(bins.place[at]);
      if (earth) out.earth.push_back(limb);
    }
  }
  return out;
}

bool is_aspect(const Aspect& aspect) {
  constexpr double kMostCosine = 0.02;  // files give angles of about six digits
  const auto direction = [](const std::array<double, 2>& lb) {
    const double l = lb[0] / kDegree;
    const double b = lb[1] / kDegree;
    return std::array{std::cos(b) * std::cos(l), std::cos(b) * std::sin(l), std::sin(b)};
  };
  const auto x = direction(aspect.x);
  const auto z = direction(aspect.z);
  return std::abs(x[0] * z[0] + x[1] * z[1] + x[2] * z[2]) <= kMostCosine;
}

absl::StatusOr<cosi::Orientations> read_aspects(const std::string& path, std::string_view shown) {
  UNFOLD_ASSIGN_OR_RETURN(cosi::Orientations rows, cosi::read_orientations(path, shown));
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    if (is_aspect({rows.x_axis[i], rows.z_axis[i]})) continue;
    return fits::bad_file(shown, "BAD_ORIENTATION",
                          absl::StrCat("the axes of row ", i + 1, " are not at a right angle"),
                          "correct the row");
  }
  return rows;
}

}  // namespace unfold::imaging_data
