#include "workers/engines/imaging/progress_reports.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/render/sky_map.h"
#include "common/sky/exposure.h"
#include "workers/engines/imaging/map_product.h"

namespace unfold::engine {
namespace {

constexpr std::chrono::seconds kBetweenThumbnails{1};
constexpr std::size_t kMostAmplitudesShown = 8;

}  // namespace

ProgressReports::ProgressReports(const imaging_data::Header& header,
                                 std::span<const double> exposure, const v1::ImagingSpec& spec,
                                 const Clock& clock, std::function<void(const v1::Progress&)> send)
    : header_(header),
      exposure_(sky::exposure_per_area(header.sky, by_energy(exposure, header))),
      thins_(spec.stop() == v1::IMAGING_STOP_THINNING),
      bootstraps_(spec.bootstrap() > 0),
      clock_(clock),
      pulse_(clock, std::move(send)),
      thumbnail_due_(clock.now().monotonic) {}

// Stages follow each other: thinning, iterations, bootstrap. How many iterations each will make is
// not known before, so the share only ever grows.
double ProgressReports::fraction_of(const imaging::Report& report) {
  const std::string_view stage = report.stage;
  const double before_bootstrap = bootstraps_ ? 0.3 : 1.0;
  const double thinning = thins_ ? 0.6 * before_bootstrap : 0.0;
  const double done = report.iterations > 0 ? static_cast<double>(report.iteration) /
                                                  static_cast<double>(report.iterations)
                                            : 0.0;
  double fraction = thinning + done * (before_bootstrap - thinning);
  if (stage == "thinning") fraction = done * thinning;
  if (stage == "bootstrap") fraction = before_bootstrap + done * (1 - before_bootstrap);
  fraction_ = std::max(fraction_, std::clamp(fraction, 0.0, 1.0));
  return fraction_;
}

void ProgressReports::report(const imaging::Report& report) {
  v1::Progress progress;
  progress.set_fraction(fraction_of(report));
  progress.set_stage("compute");
  progress.set_done(report.iteration);
  progress.set_total(report.iterations);
  progress.set_unit(std::string_view(report.stage) == "bootstrap" ? "replicates" : "iterations");
  if (std::isfinite(report.log_likelihood)) progress.set_log_likelihood(report.log_likelihood);
  auto& numbers = *progress.mutable_numbers();
  if (std::isfinite(report.validation_log_likelihood)) {
    numbers["validation_log_likelihood"] = report.validation_log_likelihood;
  }
  if (report.estimate != nullptr) {
    const auto& amplitude = report.estimate->amplitude;
    for (std::size_t a = 0; a < std::min(amplitude.size(), kMostAmplitudesShown); ++a) {
      numbers[absl::StrCat("background_amplitude_", a)] = amplitude[a];
    }
    const Duration now = clock_.now().monotonic;
    if (now >= thumbnail_due_) {
      const std::vector<double> map = by_energy(report.estimate->image, header_);
      thumbnail_ = render::thumbnail(header_.sky, sky::over_energies(header_.sky, map), exposure_);
      thumbnail_due_ = now + kBetweenThumbnails;
    }
  }
  progress.set_preview_png(thumbnail_);
  pulse_.send(std::move(progress));
}

void ProgressReports::pulse() { pulse_.beat(); }

}  // namespace unfold::engine
