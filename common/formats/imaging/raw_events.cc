#include "common/formats/imaging/raw_events.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/errors.h"

namespace unfold::imaging_data {
namespace {

constexpr std::size_t kMaxEvents = std::size_t{1} << 28;

// Reads the events, sorted by time.
class EventStore {
 public:
  EventStore(const Binning& binning, const DataSpace& space, bool with_aspects)
      : binning_(binning), space_(space), with_aspects_(with_aspects) {}

  absl::Status read(const NamedFile& file, RawSummary& summary);
  RawEvents take();

 private:
  void add(const cosi::ComptonEvent& event, RawSummary& summary);
  std::int32_t bin_of(const cosi::ComptonEvent& event) const {
    const bool inside = event.energy >= binning_.energy_min && event.energy <= binning_.energy_max;
    return inside ? space_.bin(event) : kOutsideEnergy;
  }

  const Binning& binning_;
  const DataSpace& space_;
  bool with_aspects_;
  RawEvents events_;
  std::string problem_;
};

void EventStore::add(const cosi::ComptonEvent& event, RawSummary& summary) {
  if (std::isnan(event.phi)) {
    ++summary.unphysical;
    return;
  }
  if (!problem_.empty()) return;
  const Aspect aspect{event.x_axis, event.z_axis};
  if (with_aspects_ && !event.has_aspect) {
    problem_ = absl::StrFormat("the event at %.3f s has no aspect (GX, GZ)", event.time);
  } else if (with_aspects_ && !is_aspect(aspect)) {
    problem_ =
        absl::StrFormat("the axes of the event at %.3f s are not at a right angle", event.time);
  } else if (events_.time.size() == kMaxEvents) {
    problem_ = "it holds too many events";
  }
  ++summary.events;
  events_.time.push_back(event.time);
  if (with_aspects_) events_.aspect.push_back(aspect);
  events_.cds_bin.push_back(bin_of(event));
}

absl::Status EventStore::read(const NamedFile& file, RawSummary& summary) {
  UNFOLD_ASSIGN_OR_RETURN(
      const cosi::EventCounts counts,
      cosi::read_events(file.path, file.shown,
                        [&](const cosi::ComptonEvent& event) { add(event, summary); }));
  for (const auto& [type, number] : counts.others) summary.other_types += number;
  if (events_.time.empty()) problem_ = "it holds no Compton event that could be used";
  if (!problem_.empty()) {
    return fits::bad_file(file.shown, "BAD_EVENT", problem_,
                          "give an orientation file (.ori), or correct the events");
  }
  const auto [first, last] = std::minmax_element(events_.time.begin(), events_.time.end());
  if ((*last - *first) / binning_.time_step > static_cast<double>(kMaxTimeBins)) {
    return fits::bad_file(file.shown, "BAD_EVENT",
                          absl::StrFormat("its times span %.0f s, too many bins", *last - *first),
                          "remove events of wrong time, or use longer bins");
  }
  return absl::OkStatus();
}

RawEvents EventStore::take() {
  if (std::is_sorted(events_.time.begin(), events_.time.end())) return std::move(events_);
  std::vector<std::size_t> order(events_.time.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [this](std::size_t a, std::size_t b) {
    return events_.time[a] < events_.time[b];
  });
  RawEvents out;
  for (const std::size_t i : order) {
    out.time.push_back(events_.time[i]);
    if (with_aspects_) out.aspect.push_back(events_.aspect[i]);
    out.cds_bin.push_back(events_.cds_bin[i]);
  }
  return out;
}

}  // namespace

DataSpace::DataSpace(double pixel_deg)
    : phi_bins(std::lround(180 / pixel_deg)),
      directions(static_cast<std::int64_t>(
          std::floor(4 * std::numbers::pi / std::pow(pixel_deg * std::numbers::pi / 180, 2)))),
      fisbel(sky::fisbel(static_cast<int>(directions))) {}

// Edges are multiples of pi / phi_bins; the last bin holds its upper edge.
std::int32_t DataSpace::bin(const cosi::ComptonEvent& event) const {
  const double step = std::numbers::pi / static_cast<double>(phi_bins);
  auto phi = static_cast<std::int64_t>(event.phi / step);
  if (event.phi < static_cast<double>(phi) * step) --phi;
  if (event.phi >= static_cast<double>(phi + 1) * step) ++phi;
  phi = std::clamp<std::int64_t>(phi, 0, phi_bins - 1);
  const std::int64_t direction = sky::fisbel_bin(fisbel, event.polar, event.azimuth);
  if (direction < 0) return kOutsideBinning;
  return static_cast<std::int32_t>(phi * directions + direction);
}

absl::Status check_binning(const Binning& b) {
  const auto bad = [](const char* field, std::string why) {
    return error({.reason = "BAD_BINNING",
                  .field = absl::StrCat("binning.", field),
                  .what = absl::StrCat("cannot bin the events by this ", field),
                  .why = std::move(why),
                  .remedy = "correct the value"});
  };
  if (!(b.energy_min > 0 && b.energy_min < b.energy_max && std::isfinite(b.energy_max))) {
    return bad("energy_min", "energies must be positive and rise");
  }
  if (!(b.time_step > 0 && std::isfinite(b.time_step))) return bad("time_step", "it is not > 0");
  if (!(b.pointing_step_deg > 0 && b.pointing_step_deg <= 180)) {
    return bad("pointing_step", "it is not in 0 .. 180 degrees");
  }
  if (!(b.zenith_cut_deg > 0 && b.zenith_cut_deg <= 180)) {
    return bad("zenith_cut", "it is not in 0 .. 180 degrees");
  }
  const double across = 180 / b.pixel_deg;
  if (!(b.pixel_deg >= 1 && b.pixel_deg <= 30) || std::abs(across - std::round(across)) > 1e-9) {
    return bad("pixel", "it does not divide 180 degrees, or is not in 1 .. 30");
  }
  return absl::OkStatus();
}

absl::StatusOr<RawEvents> read_raw_events(const NamedFile& file, const Binning& binning,
                                          const DataSpace& space, bool with_aspects,
                                          RawSummary& summary) {
  EventStore store(binning, space, with_aspects);
  UNFOLD_RETURN_IF_ERROR(store.read(file, summary));
  return store.take();
}

}  // namespace unfold::imaging_data
