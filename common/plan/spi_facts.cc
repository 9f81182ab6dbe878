#include "common/plan/spi_facts.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/plan/device_memory.h"

namespace unfold::plan {
namespace {

// Of two cores.
constexpr double kProductsPerSecond = 3e10;  // of the matching's tiles
constexpr double kPointsPerSecond = 2.5e7;   // spread or interpolated
constexpr double kModesPerSecond = 2e8;      // of a three-dimensional transform
constexpr double kReadBytesPerSecond = 5e8;
// Searches end at 1.3 d/D of the circle inside the detector, and begin coarser: the mean of their
// references over those that the corner would need.
constexpr double kSearchedShare = 1.0 / 14;
constexpr double kGlobalGenerations = 15;
constexpr double kLocalGenerations = 12;
constexpr double kLocalCandidates = 100;
constexpr double kPhaseTransforms = 800;  // of one start
constexpr double kMergeTransforms = 60;
// Bytes of a merge's points in both transforms, at work and kept by each half; floats of a block of
// references, slices and panels.
constexpr double kBytesOfPoint = 260, kBytesKeptOfPoint = 160, kMostPoints = 1 << 22;
constexpr double kBytesOfEntry = 8, kMostEntries = 1 << 26;
constexpr std::int64_t kMostReferences = 60'000;
constexpr double kFewPhotons = 50;

std::int64_t references_used(const SpiData& data, const v1::SpiSpec& spec) {
  return std::min(references_needed(spec.diameter(), data.qmax), kMostReferences);
}

void warn(const SpiData& data, const v1::SpiSpec& spec, v1::Plan& plan) {
  const double edge = 1 / data.qmax;
  const std::int64_t needed = images_needed(spec.diameter(), data.qmax) * spec.conformations();
  if (data.frames < needed) {
    plan.add_warnings(absl::StrFormat(
        "%d patterns are few: about %d fill every direction of a %.0f Angstrom particle to %.1f "
        "Angstrom, so the map will be coarser than that",
        data.frames, needed, spec.diameter(), edge));
  }
  const double sampled = 1 / (2 * data.spacing);
  if (data.spacing > 0 && spec.diameter() > 1.01 * sampled) {
    plan.add_warnings(absl::StrFormat(
        "the sampling is too coarse for %.1f Angstrom: pixels %.4g 1/Angstrom apart tell at most "
        "%.0f Angstrom of particle, and this one has %.0f [bin less, or give the true --diameter]",
        edge, data.spacing, sampled, spec.diameter()));
  }
  if (data.summary.photons && data.summary.mean_total < kFewPhotons) {
    plan.add_warnings(absl::StrFormat("%.1f photons a pattern are few: orientations will be coarse",
                                      data.summary.mean_total));
  }
  if (data.summary.empty > 0) {
    plan.add_warnings(
        absl::StrCat(data.summary.empty, " of ", data.summary.frames, " patterns have no photon"));
  }
  if (spec.metric() == v1::SPI_METRIC_EUCLID) {
    plan.add_warnings(
        "the metric euclid is there for comparison: from random orientations it does not converge");
  }
  if (spec.no_halves()) {
    plan.add_warnings(
        "without halves there is no honest resolution, and no verdict above ambiguous");
  }
}

}  // namespace

void tell_spi(const SpiData& data, const v1::SpiSpec& spec, v1::Plan& plan) {
  auto& facts = *plan.mutable_facts();
  for (const auto& [name, value] : data.header.facts) facts[name] = value;
  const auto& shape = data.summary.detector.shape;
  const double edge = 1 / data.qmax;
  const double angle = angle_needed(spec.diameter(), data.qmax);
  facts["format"] = spi_data::to_string(data.header.format);
  facts["patterns"] =
      absl::StrCat(data.frames, " of ", shape[0], " x ", shape[1], " x ", shape[2], " pixels");
  if (data.summary.frames < data.frames) {
    facts["looked_at"] = absl::StrCat(data.summary.frames, " patterns; the worker looks at all");
  }
  facts["signal"] =
      absl::StrFormat("%.4g %s a pattern, %.4g in the brightest pixel", data.summary.mean_total,
                      data.summary.photons ? "photons" : "units", data.summary.largest);
  facts["resolution_edge"] = absl::StrFormat("%.2f Angstrom", edge);
  facts["voxel"] = absl::StrFormat("%.3f Angstrom", edge / 2);
  facts["grid"] = absl::StrCat(spec.grid());
  facts["box"] = absl::StrFormat("%.1f Angstrom, the particle's half %.1f", spec.grid() * edge / 2,
                                 spec.grid() * edge / 4);
  facts["diameter"] = absl::StrFormat("%.1f Angstrom", spec.diameter());
  facts["angular_spacing_needed"] = absl::StrFormat("%.2f degrees", angle * 180 / std::numbers::pi);
  facts["references_needed"] = absl::StrCat(references_needed(spec.diameter(), data.qmax));
  facts["images_per_shannon_voxel"] =
      absl::StrFormat("%.1f at %.1f Angstrom, %.1f at %.1f",
                      images_per_voxel(data.frames, spec.diameter(), data.qmax), edge,
                      images_per_voxel(data.frames, spec.diameter(), data.qmax / 2), 2 * edge);
  if (data.spacing > 0) {
    facts["pixels_per_speckle"] = absl::StrFormat("%.2f", 1 / (spec.diameter() * data.spacing));
  }
  facts["metric"] = word_of(spec.metric());
  warn(data, spec, plan);
}

void predict_spi(const SpiData& data, const v1::SpiSpec& spec, v1::Plan& plan) {
  const double frames = static_cast<double>(data.frames);
  const auto pixels = static_cast<double>(data.summary.detector.pixels());
  const auto references = kSearchedShare * static_cast<double>(references_used(data, spec));
  const double used = std::min(references, frames);  // orientations that any frame has
  const double padded = std::pow(2.0 * spec.grid(), 3);
  const double kinds = spec.conformations();
  const double match = frames * pixels * kinds *
                       (kGlobalGenerations * references + kLocalGenerations * kLocalCandidates) /
                       kProductsPerSecond;
  const double generations = kGlobalGenerations + kLocalGenerations;
  const double cut = generations * kinds * (references + used) * pixels / kPointsPerSecond;
  const double transforms = generations * kinds *
                            (kMergeTransforms * padded + kPhaseTransforms * padded / 8) /
                            kModesPerSecond;
  const double parts = spec.no_halves() ? 1 : 3;  // two halves and all, the last one local only
  plan.set_response_bytes(data.summary.bytes * data.frames /
                          std::max<std::int64_t>(data.summary.frames, 1));
  plan.set_load_seconds(
      static_cast<double>(std::max(data.header.stored_bytes, plan.response_bytes())) /
      kReadBytesPerSecond);
  plan.set_run_seconds(0.5 + match * std::min(parts, 1.5) + (cut + transforms) * parts);
  // Half runs stay beside that of all frames; a merge's points are frames x pixels, or as many
  // references in a search of all.
  const double points = std::min(std::max(used, frames) * pixels, kMostPoints);
  const double entries = std::min(references * pixels, kMostEntries);
  const double bytes = static_cast<double>(plan.response_bytes()) * 2 + 4 * used * pixels * kinds +
                       kBytesOfPoint * points + (parts - 1) / 2 * kBytesKeptOfPoint * points +
                       kBytesOfEntry * entries + 8 * padded * (6 + 4 * kinds) + 400 * frames;
  plan.set_host_bytes(static_cast<std::int64_t>(bytes) + (std::int64_t{128} << 20));
  plan.set_device_bytes(
      device_bytes(SpiSize{.grid = spec.grid(),
                           .points = static_cast<std::int64_t>(std::max(used, frames) * pixels),
                           .starts = spec.phasing_starts(),
                           .frames = data.frames,
                           .pixels = data.summary.detector.pixels(),
                           .references = std::max<std::int64_t>(references_used(data, spec),
                                                                spec.coarse_references())}));
}

}  // namespace unfold::plan
