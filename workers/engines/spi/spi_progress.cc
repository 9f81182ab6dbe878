#include "workers/engines/spi/spi_progress.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "absl/strings/str_replace.h"
#include "common/render/density.h"

namespace unfold::engine {
namespace {

constexpr std::chrono::seconds kBetweenThumbnails{1};

}  // namespace

SpiProgress::SpiProgress(const v1::SpiSpec& spec, const Clock& clock,
                         std::function<void(const v1::Progress&)> send)
    : grid_(spec.grid()),
      generations_(spec.max_generations()),
      clock_(clock),
      pulse_(clock, std::move(send)),
      thumbnail_due_(clock.now().monotonic) {}

void SpiProgress::report(const spi::Report& report) {
  const spi::Generation& generation = report.generation;
  fraction_ = std::max(fraction_, std::clamp(report.fraction, 0.0, 1.0));
  v1::Progress progress;
  progress.set_fraction(fraction_);
  progress.set_stage("compute");
  progress.set_done(generation.number);
  progress.set_total(generations_);
  progress.set_unit("generations");
  if (std::isfinite(generation.log_likelihood)) {
    progress.set_log_likelihood(generation.log_likelihood);
  }
  auto& numbers = *progress.mutable_numbers();
  numbers[absl::StrReplaceAll("part_" + report.part, {{" ", "_"}})] = 1;
  numbers["median_change_degrees"] = generation.median_change_degrees;
  numbers["references"] = static_cast<double>(generation.references);
  numbers["entropy"] = generation.entropy;
  numbers["gain"] = generation.gain;
  if (report.half_resolution > 0 && std::isfinite(report.half_resolution)) {
    numbers["half_resolution"] = report.half_resolution;
  }
  const Duration now = clock_.now().monotonic;
  if (report.estimate != nullptr && !report.estimate->density.empty() && now >= thumbnail_due_) {
    thumbnail_ = render::density_thumbnail(grid_, report.estimate->density.front());
    thumbnail_due_ = now + kBetweenThumbnails;
  }
  progress.set_preview_png(thumbnail_);
  pulse_.send(std::move(progress));
}

}  // namespace unfold::engine
