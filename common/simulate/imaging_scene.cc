#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "common/base/status_macros.h"
#include "common/simulate/compton_response.h"
#include "common/simulate/cumulative.h"
#include "common/simulate/flight.h"
#include "common/simulate/imaging.h"
#include "common/simulate/imaging_check.h"
#include "common/simulate/random.h"
#include "common/simulate/sky_model.h"

namespace unfold::simulate {
namespace {

constexpr std::uint16_t kOutside = 65535;
constexpr std::uint64_t kDrawStream = std::uint64_t{1} << 32;
constexpr int kFiner = 3;
constexpr double kHalfWindow = 10;  // keV, of the energy bin around the line

/// The template with a slope in the scatter angle: relative differences of 10 %, RMS.
std::vector<double> misjudged(const DataSpace& space) {
  std::vector<double> result = space.background;
  const double bins = space.fisbel_bins;
  const double low = std::floor(space.kept.front() / bins);
  const double span = std::floor(space.kept.back() / bins) - low + 1;
  for (std::size_t d = 0; d < result.size(); ++d) {
    const double place = (std::floor(space.kept[d] / bins) - low + 0.5) / span;
    result[d] *= 1 + 0.1 * std::numbers::sqrt2 * std::cos(std::numbers::pi * place);
  }
  const double sum = std::accumulate(result.begin(), result.end(), 0.);
  for (double& value : result) value /= sum;
  return result;
}

}  // namespace

struct ImagingScene::State {
  ImagingOptions options;
  Flight flight;
  imaging_data::ProblemParts parts;     ///< without counts and backgrounds
  std::vector<double> template_shape;   ///< [D] the one given away
  std::vector<double> source_flux;      ///< [n] of each direction of the true sky
  sky::Lookup source_lookup;            ///< [V, n]
  Cumulative response;                  ///< the true one
  Cumulative background;                ///< one row: the true template
  std::vector<double> source_rate;      ///< [V] expected counts
  std::vector<double> background_rate;  ///< [V]
  std::vector<double> live;             ///< [T] s

  double seen(std::size_t pointing, std::size_t source) const {
    const std::uint16_t k = source_lookup.direction[pointing * source_flux.size() + source];
    return k == kOutside ? 0 : source_flux[source] * response.total[k];
  }
  void draw_pointing(std::uint64_t seed, std::size_t pointing, std::vector<double>& sums,
                     std::vector<std::int32_t>& bins) const;
};

namespace {

using State = ImagingScene::State;

void add_attitude(const FlightPlan& plan, State& state) {
  const ImagingOptions& options = state.options;
  imaging_data::ProblemParts& parts = state.parts;
  parts.times = options.time_bins;
  parts.zenith_cut_deg = options.zenith_cut_deg;
  parts.pix_deg = options.pixel_deg;
  parts.energy_edges = {options.energy - kHalfWindow, options.energy + kHalfWindow};
  parts.sky = sky::regular_grid(options.pixel_deg);
  parts.attitude.axes = plan.axes;
  parts.attitude.live_time = plan.live_time;
  parts.attitude.lookup =
      sky::make_lookup(plan.axes, parts.sky, {.step_deg = options.pixel_deg},
                       options.zenith_cut_deg, sky::Interpolation::kNearest, plan.earth);
  state.live.assign(static_cast<std::size_t>(options.time_bins), 0);
  for (std::size_t v = 0; v < plan.axes.size(); ++v) {
    const std::size_t t = v / static_cast<std::size_t>(options.pointings);
    parts.attitude.time_bin.push_back(static_cast<std::int32_t>(t));
    state.live[t] += plan.live_time[v];
  }
  const auto groups = static_cast<std::int64_t>(options.group_scale.size());
  for (std::int64_t t = 0; t < options.time_bins; ++t)
    parts.group.push_back(static_cast<std::int32_t>(t * groups / options.time_bins));
}

void add_response(const DataSpace& space, State& state) {
  const ImagingOptions& options = state.options;
  imaging_data::ProblemParts& parts = state.parts;
  parts.cds_index = space.kept;
  parts.bins = static_cast<std::int64_t>(space.kept.size());
  const sky::LocalGrid local{.step_deg = options.pixel_deg};
  parts.directions = local.directions();
  const ComptonCone cone{.effective_area = options.effective_area,
                         .arm_fwhm = options.arm_fwhm,
                         .energy = options.energy,
                         .zenith_cut_deg = options.zenith_cut_deg};
  const sky::LocalGrid finer{.step_deg = options.pixel_deg / (options.mismatch ? kFiner : 1)};
  const std::vector<float> response = cone_response(cone, space, finer);
  state.response = cumulative(response, space.kept.size());
  parts.instrument_response = options.mismatch
                                  ? drawn_response(response, local, kFiner, parts.bins,
                                                   options.response_counts, options.seed)
                                  : std::vector<double>(response.begin(), response.end());
}

void add_sky(const FlightPlan& plan, State& state) {
  const ImagingOptions& options = state.options;
  const double step = options.pixel_deg / (options.mismatch ? kFiner : 1);
  SkyModel model = sky_model(options, sky::regular_grid(step), options.mismatch);
  state.parts.truth = binned(model, state.parts.sky);
  state.source_lookup =
      sky::make_lookup(plan.axes, model.directions, {.step_deg = step}, options.zenith_cut_deg,
                       sky::Interpolation::kNearest, plan.earth);
  state.source_flux = std::move(model.flux);
}

void add_exposure(State& state) {
  imaging_data::ProblemParts& parts = state.parts;
  const auto pixels = static_cast<std::size_t>(parts.sky.pixels());
  const std::vector<double> area =
      cumulative(parts.instrument_response, static_cast<std::size_t>(parts.bins)).total;
  parts.exposure.assign(pixels, 0);
  for (std::size_t v = 0; v < parts.attitude.live_time.size(); ++v) {
    const std::uint16_t* direction = &parts.attitude.lookup.direction[v * pixels];
    for (std::size_t p = 0; p < pixels; ++p)
      if (direction[p] != kOutside)
        parts.exposure[p] += parts.attitude.live_time[v] * area[direction[p]];
  }
  for (std::size_t p = 0; p < pixels; ++p) parts.exposure[p] *= parts.sky.solid_angle[p];
}

void add_rates(State& state) {
  const std::vector<double>& live = state.parts.attitude.live_time;
  const double all_live = std::accumulate(live.begin(), live.end(), 0.);
  const double per_second = all_live > 0 ? state.options.background_counts / all_live : 0;
  state.source_rate.assign(live.size(), 0);
  for (std::size_t v = 0; v < live.size(); ++v) {
    const auto time = static_cast<std::size_t>(state.parts.attitude.time_bin[v]);
    const auto group = static_cast<std::size_t>(state.parts.group[time]);
    state.background_rate.push_back(per_second * live[v] * state.options.group_scale[group]);
    for (std::size_t s = 0; s < state.source_flux.size(); ++s)
      state.source_rate[v] += state.seen(v, s);
    state.source_rate[v] *= live[v];
  }
}

}  // namespace

void ImagingScene::State::draw_pointing(std::uint64_t seed, std::size_t pointing,
                                        std::vector<double>& sums,
                                        std::vector<std::int32_t>& bins) const {
  Random random(seed, kDrawStream + pointing);
  const auto from_sky = static_cast<std::int64_t>(random.poisson(source_rate[pointing]));
  const auto from_background = static_cast<std::int64_t>(random.poisson(background_rate[pointing]));
  if (from_sky > 0) {
    double sum = 0;
    for (std::size_t s = 0; s < sums.size(); ++s) sums[s] = sum += seen(pointing, s);
    for (std::int64_t i = 0; i < from_sky; ++i) {
      const auto found = std::upper_bound(sums.begin(), sums.end(), random.uniform() * sum);
      const auto source = static_cast<std::size_t>(std::min(found, sums.end() - 1) - sums.begin());
      const std::uint16_t k = source_lookup.direction[pointing * sums.size() + source];
      bins.push_back(response.draw(k, random.uniform()));
    }
  }
  for (std::int64_t i = 0; i < from_background; ++i)
    bins.push_back(background.draw(0, random.uniform()));
}

ImagingScene::ImagingScene(std::unique_ptr<State> state) : state_(std::move(state)) {}
ImagingScene::~ImagingScene() = default;
ImagingScene::ImagingScene(ImagingScene&&) noexcept = default;

absl::StatusOr<ImagingScene> ImagingScene::make(const ImagingOptions& options) {
  UNFOLD_RETURN_IF_ERROR(check_imaging_options(options));
  auto state = std::make_unique<State>();
  state->options = options;
  const DataSpace space = data_space(options.pixel_deg);
  const FlightPlan plan = fly(options);
  state->flight = plan.flight;
  state->background = cumulative(space.background, space.background.size());
  state->template_shape = options.mismatch ? misjudged(space) : space.background;
  add_attitude(plan, *state);
  add_response(space, *state);
  add_sky(plan, *state);
  add_exposure(*state);
  add_rates(*state);
  return ImagingScene(std::move(state));
}

std::vector<DrawnEvent> ImagingScene::draw(std::uint64_t seed) const {
  const std::size_t pointings = state_->source_rate.size();
  std::vector<std::vector<std::int32_t>> drawn(pointings);
  tbb::parallel_for(tbb::blocked_range<std::size_t>(0, pointings, 64), [&](const auto& range) {
    std::vector<double> sums(state_->source_flux.size());
    for (std::size_t v = range.begin(); v < range.end(); ++v)
      state_->draw_pointing(seed, v, sums, drawn[v]);
  });
  std::vector<DrawnEvent> events;
  for (std::size_t v = 0; v < pointings; ++v)
    for (const std::int32_t bin : drawn[v]) events.push_back({static_cast<std::int32_t>(v), bin});
  return events;
}

imaging_data::Counts ImagingScene::counts(const std::vector<DrawnEvent>& events) const {
  imaging_data::Counts counts;
  counts.begin.push_back(0);
  auto next = events.begin();
  std::vector<std::int32_t> bins;
  for (int t = 0; t < state_->options.time_bins; ++t) {
    bins.clear();
    for (; next != events.end() && next->pointing < (t + 1) * state_->options.pointings; ++next)
      bins.push_back(next->bin);
    std::sort(bins.begin(), bins.end());
    for (std::size_t i = 0; i < bins.size(); ++i) {
      if (i > 0 && bins[i] == bins[i - 1]) {
        counts.value.back() += 1;
      } else {
        counts.bin.push_back(bins[i]);
        counts.value.push_back(1);
      }
    }
    counts.begin.push_back(static_cast<std::ptrdiff_t>(counts.bin.size()));
  }
  return counts;
}

imaging_data::ProblemParts ImagingScene::problem(std::uint64_t seed) const {
  return problem(draw(seed));
}

imaging_data::ProblemParts ImagingScene::problem(const std::vector<DrawnEvent>& events) const {
  imaging_data::ProblemParts parts = state_->parts;
  parts.counts = counts(events);
  const std::vector<double>& live = state_->live;
  const auto lit = std::count_if(live.begin(), live.end(), [](double s) { return s > 0; });
  const double longest = *std::max_element(live.begin(), live.end());
  const double mean =
      static_cast<double>(events.size()) / static_cast<double>(std::max<std::ptrdiff_t>(1, lit));
  parts.background_dc1.name = "background_dc1";
  parts.background_live.name = "background_live";
  parts.background_dc1.spectrum = parts.background_live.spectrum = state_->template_shape;
  for (const double s : live) {
    parts.background_dc1.scale.push_back(mean);
    parts.background_live.scale.push_back(longest > 0 ? mean * s / longest : 0);
  }
  return parts;
}

std::vector<double> ImagingScene::true_amplitudes(const imaging_data::ProblemParts& problem) const {
  const std::size_t groups = state_->options.group_scale.size();
  std::vector<double> expected(groups);
  std::vector<double> modelled(groups);
  for (std::size_t v = 0; v < state_->background_rate.size(); ++v) {
    const auto time = static_cast<std::size_t>(state_->parts.attitude.time_bin[v]);
    expected[static_cast<std::size_t>(state_->parts.group[time])] += state_->background_rate[v];
  }
  for (std::size_t t = 0; t < problem.background_live.scale.size(); ++t)
    modelled[static_cast<std::size_t>(state_->parts.group[t])] += problem.background_live.scale[t];
  for (std::size_t g = 0; g < groups; ++g) expected[g] /= modelled[g] > 0 ? modelled[g] : 1;
  return expected;
}

double ImagingScene::expected_source_counts() const {
  return std::accumulate(state_->source_rate.begin(), state_->source_rate.end(), 0.);
}

double ImagingScene::expected_background_counts() const {
  return std::accumulate(state_->background_rate.begin(), state_->background_rate.end(), 0.);
}

const Flight& ImagingScene::flight() const { return state_->flight; }
const ImagingOptions& ImagingScene::options() const { return state_->options; }

absl::StatusOr<imaging_data::ProblemParts> make_imaging_problem(const ImagingOptions& options) {
  UNFOLD_ASSIGN_OR_RETURN(const ImagingScene scene, ImagingScene::make(options));
  return scene.problem(options.seed);
}

}  // namespace unfold::simulate
