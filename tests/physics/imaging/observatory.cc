#include "tests/physics/imaging/observatory.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "common/sky/grid.h"
#include "workers/kernels/imaging/bootstrap.h"

namespace unfold::physics {
namespace {

std::size_t at(std::ptrdiff_t i) { return static_cast<std::size_t>(i); }

simulate::ImagingScene scene_of(const simulate::ImagingOptions& options) {
  auto scene = simulate::ImagingScene::make(options);
  if (!scene.ok()) throw std::invalid_argument(std::string(scene.status().message()));
  return *std::move(scene);
}

std::unique_ptr<imaging::Operator> operator_of(imaging_data::ProblemParts& parts,
                                               imaging::Storage storage, compute::Cpu& cpu) {
  imaging::FactoredResponseBuilder builder(parts.directions, parts.bins, storage);
  builder.append(parts.instrument_response);
  imaging::AttitudeTable table{
      .times = parts.times,
      .pointings = static_cast<imaging::Index>(parts.attitude.live_time.size()),
      .pixels = parts.sky.pixels(),
      .neighbours = parts.attitude.lookup.neighbours,
      .lookup = std::move(parts.attitude.lookup.direction),
      .weight = std::move(parts.attitude.lookup.weight),
      .live_time = std::move(parts.attitude.live_time),
      .time_bin = std::move(parts.attitude.time_bin)};
  return imaging::make_factored_operator(builder.finish(),
                                         imaging::make_attitude(std::move(table), parts.directions),
                                         parts.sky.solid_angle, cpu);
}

}  // namespace

Observatory::Observatory(const simulate::ImagingOptions& options, imaging::Storage storage)
    : scene_(scene_of(options)), cpu_(1) {
  imaging_data::ProblemParts parts = scene_.problem(options.seed);
  response_ = operator_of(parts, storage, cpu_);
  template_ = std::move(parts.background_live);
  background_sums_ = template_.sums();
  group_ = std::move(parts.group);
  truth_ = std::move(parts.truth);
  sky_ = {.solid_angle = parts.sky.solid_angle,
          .direction = sky::directions(parts.sky),
          .neighbours = sky::neighbours(parts.sky)};
  exposure_.resize(truth_.size());
  response_->sensitivity({}, exposure_);
  const double most = *std::max_element(exposure_.begin(), exposure_.end());
  for (std::size_t p = 0; p < exposure_.size(); ++p) {
    if (exposure_[p] > 0.1 * most) well_exposed_.push_back(p);
  }
}

Observatory::Observation::Observation(const Observatory& observatory, std::uint64_t seed)
    : problem_{*observatory.response_, events_,          background_,      counts_,
               observatory.exposure_,  observatory.sky_, observatory.solo_} {
  imaging_data::Counts drawn = observatory.scene_.counts(observatory.scene_.draw(seed));
  events_ = {.begin = {drawn.begin.begin(), drawn.begin.end()}, .bin = std::move(drawn.bin)};
  counts_ = std::move(drawn.value);
  const imaging_data::BackgroundTemplate& shape = observatory.template_;
  background_.components = 1;
  background_.group = observatory.group_;
  for (const std::int32_t g : background_.group) {
    background_.groups = std::max<imaging::Index>(background_.groups, g + 1);
  }
  background_.sum = observatory.background_sums_;
  for (imaging::Index t = 0; t < events_.times(); ++t) {
    for (auto n = events_.begin[at(t)]; n < events_.begin[at(t + 1)]; ++n) {
      background_.at_events.push_back(shape.at(t, events_.bin[at(n)]));
    }
  }
  background_.row = [&shape](imaging::Index, imaging::Index t, std::span<double> row) {
    for (std::size_t d = 0; d < row.size(); ++d) {
      row[d] = shape.at(t, static_cast<std::int32_t>(d));
    }
  };
  problem_.counts = counts_;
}

double Observatory::rms_error(const std::vector<double>& image) const {
  double sum = 0;
  for (const std::size_t p : well_exposed_) sum += (image[p] - truth_[p]) * (image[p] - truth_[p]);
  return std::sqrt(sum / static_cast<double>(well_exposed_.size()));
}

double Observatory::true_flux(const imaging::Region& region) const {
  return imaging::flux_of(imaging::find_regions({&region, 1}, sky_).front(), truth_);
}

bool long_run() {
  const char* set = std::getenv("UNFOLD_LONG");
  return set != nullptr && std::strcmp(set, "0") != 0;
}

}  // namespace unfold::physics
