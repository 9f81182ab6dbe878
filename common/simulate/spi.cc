#include "common/simulate/spi.h"

#include <oneapi/tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/simulate/random.h"
#include "common/simulate/spi_geometry.h"
#include "common/simulate/spi_objects.h"
#include "common/simulate/spi_rotation.h"

namespace unfold::simulate {
namespace {

// Streams of random numbers: two a frame, for what it is and for its noise.
constexpr std::uint64_t kFrameStream = std::uint64_t{7} << 40;
constexpr std::uint64_t kNoiseStream = std::uint64_t{8} << 40;
constexpr float kMostCounts = 60000;  // expected in a pixel, that 16 bits hold what is drawn

std::int32_t pick(const std::vector<double>& fractions, std::size_t molecules, double share) {
  if (fractions.empty())
    return static_cast<std::int32_t>(share *
                                     static_cast<double>(std::max<std::size_t>(molecules, 1)));
  double rest = share * std::accumulate(fractions.begin(), fractions.end(), 0.0);
  std::int32_t last = 0;
  for (std::size_t c = 0; c < fractions.size(); ++c) {
    if (fractions[c] == 0) continue;
    last = static_cast<std::int32_t>(c);
    rest -= fractions[c];
    if (rest < 0) break;
  }
  return last;
}

/// What each frame is, before any pattern is made. All of it is drawn whatever the options, so that
/// an option changes nothing but itself.
void draw_truth(const SpiOptions& options, std::size_t molecules, SpiPatterns& out) {
  for (std::int64_t i = 0; i < options.frames; ++i) {
    Random random(options.seed, kFrameStream + static_cast<std::uint64_t>(i));
    const std::array<double, 4> drawn = random_orientation(random);
    out.truth.orientations.push_back(
        options.orientations.empty() ? drawn : options.orientations[static_cast<std::size_t>(i)]);
    out.truth.fluences.push_back(std::exp(options.fluence_sigma * random.normal()));
    out.truth.conformations.push_back(pick(options.fractions, molecules, random.uniform()));
    out.truth.non_hits.push_back(random.uniform() < options.non_hits ? 1 : 0);
    const double dx = options.jitter * random.normal();
    out.beam_offset.push_back({dx, options.jitter * random.normal()});
  }
  const double mean = std::accumulate(out.truth.fluences.begin(), out.truth.fluences.end(), 0.0) /
                      static_cast<double>(options.frames);
  for (double& fluence : out.truth.fluences) fluence /= mean;
}

/// Frame `i`'s intensities times its fluence and the pixels' correction; 0 at bad pixels.
void fill_frame(const SpiScene& scene, const SpiOptions& options, std::size_t i, SpiPatterns& out) {
  const std::size_t pixels = out.detector.mask.size();
  const std::span<float> row(&out.expected[i * pixels], pixels);
  const auto [dx, dy] = out.beam_offset[i];
  const bool centred = dx == 0 && dy == 0;
  const std::vector<double> own =
      centred ? std::vector<double>() : pixel_q(options.geometry, dx, dy);
  const std::span<const double> q = centred ? out.detector.q : own;
  if (out.truth.non_hits[i] == 0) {
    scene.intensity(static_cast<std::size_t>(out.truth.conformations[i]), out.truth.orientations[i],
                    q, centred, row);
  } else if (options.non_hit == SpiNonHit::kRadial) {
    scene.radial(q, row);
  }
  const auto fluence = static_cast<float>(out.truth.fluences[i]);
  for (std::size_t p = 0; p < pixels; ++p)
    row[p] *= out.detector.mask[p] == spi_data::kBad ? 0 : fluence * out.detector.correction[p];
}

/// The factor from intensities to photons, or to a mean of 1. Hits where there are any, all else.
double scale_of(const SpiOptions& options, const SpiPatterns& out) {
  const std::size_t pixels = out.detector.mask.size();
  const auto hits = static_cast<std::size_t>(
      std::count(out.truth.non_hits.begin(), out.truth.non_hits.end(), std::uint8_t{0}));
  double sum = 0;
  for (std::size_t i = 0; i < out.truth.non_hits.size(); ++i) {
    if (hits > 0 && out.truth.non_hits[i] != 0) continue;
    for (std::size_t p = 0; p < pixels; ++p)
      sum += static_cast<double>(out.expected[i * pixels + p]);
  }
  const std::size_t counted = hits > 0 ? hits : out.truth.non_hits.size();
  const double wanted = options.photons > 0 ? options.photons : static_cast<double>(pixels);
  return sum > 0 ? wanted * static_cast<double>(counted) / sum : 0;
}

/// Photons a frame by pixel: `share` of a hit's counts, none at bad pixels.
std::vector<double> background_of(const SpiOptions& options, const spi_data::Detector& detector) {
  const std::vector<double> lengths = lengths_of(detector.q);
  const double qmax = *std::max_element(lengths.begin(), lengths.end());
  std::vector<double> out(lengths.size(), 0);
  double sum = 0;
  for (std::size_t p = 0; p < out.size(); ++p) {
    if (detector.mask[p] == spi_data::kBad) continue;
    out[p] =
        options.background_shape == SpiBackground::kUniform ? 1 : std::exp(-4 * lengths[p] / qmax);
    sum += out[p];
  }
  const double signal = options.photons > 0 ? options.photons : static_cast<double>(out.size());
  for (double& value : out) value *= signal * options.background / (1 - options.background) / sum;
  return out;
}

void draw_counts(const SpiOptions& options, SpiPatterns& out) {
  const std::size_t pixels = out.detector.mask.size();
  out.counts.resize(out.expected.size());
  tbb::parallel_for(std::size_t{0}, out.truth.non_hits.size(), [&](std::size_t i) {
    Random random(options.seed, kNoiseStream + i);
    for (std::size_t k = i * pixels; k < (i + 1) * pixels; ++k)
      out.counts[k] =
          static_cast<std::uint16_t>(random.poisson(static_cast<double>(out.expected[k])));
  });
}

absl::Status check_brightness(const std::vector<float>& expected) {
  const float largest = *std::max_element(expected.begin(), expected.end());
  if (largest <= kMostCounts) return absl::OkStatus();
  return error({.reason = "OUT_OF_RANGE",
                .field = "photons",
                .what = "a pixel would count more than 16 bits hold",
                .why = "the brightest expects " + std::to_string(largest),
                .remedy = "take fewer photons, or a beamstop"});
}

}  // namespace

absl::StatusOr<SpiPatterns> patterns(std::span<const spi_data::Molecule> molecules,
                                     const SpiOptions& options) {
  UNFOLD_RETURN_IF_ERROR(check_spi_options(options, molecules.size()));
  SpiPatterns out;
  UNFOLD_ASSIGN_OR_RETURN(out.detector, detector_of(options.geometry));
  out.frames = options.frames;
  draw_truth(options, molecules.size(), out);
  const SpiScene scene(molecules, options, out.detector);
  const std::size_t pixels = out.detector.mask.size();
  out.expected.resize(static_cast<std::size_t>(options.frames) * pixels);
  tbb::parallel_for(std::size_t{0}, static_cast<std::size_t>(options.frames),
                    [&](std::size_t i) { fill_frame(scene, options, i, out); });
  out.photons_per_intensity = scale_of(options, out);
  if (options.background > 0) out.background = background_of(options, out.detector);
  for (std::size_t k = 0; k < out.expected.size(); ++k) {
    const double added = out.background.empty() ? 0 : out.background[k % pixels];
    out.expected[k] = static_cast<float>(
        static_cast<double>(out.expected[k]) * out.photons_per_intensity + added);
  }
  if (options.photons == 0) return out;
  UNFOLD_RETURN_IF_ERROR(check_brightness(out.expected));
  draw_counts(options, out);
  return out;
}

}  // namespace unfold::simulate
