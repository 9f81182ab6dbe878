#include "workers/engines/spi/resident_patterns.h"

#include <string>
#include <utility>

#include "common/base/status_macros.h"
#include "workers/kernels/spi/device_tasks.h"

namespace unfold::engine {
namespace {

spi::Detector detector_of(spi_data::Detector from) {
  spi::Detector out;
  out.qmax = from.qmax();
  out.q = std::move(from.q);
  out.correction = std::move(from.correction);
  out.mask.reserve(from.mask.size());
  for (const std::uint8_t pixel : from.mask) out.mask.push_back(spi::PixelClass{pixel});
  out.picture = std::move(from.picture);
  return out;
}

spi::PatternSet frames_of(spi_data::Patterns& from) {
  const std::int64_t pixels = from.detector.pixels();
  const std::int64_t frames = from.frames();
  if (!from.first.empty()) {
    return spi::PatternSet::sparse(pixels, {from.first.begin(), from.first.end()},
                                   std::move(from.pixel), std::move(from.count));
  }
  if (!from.counts.empty()) {
    return spi::PatternSet::dense(frames, pixels, std::move(from.counts));
  }
  return spi::PatternSet::dense(frames, pixels, std::move(from.values));
}

/// A source that says how far it has been read.
class StepwiseSource final : public spi_data::PatternSource {
 public:
  StepwiseSource(const spi_data::PatternSource& source, const PatternStep& step)
      : source_(source), step_(step) {}

  const spi_data::Header& header() const override { return source_.header(); }
  absl::StatusOr<spi_data::Detector> detector() const override { return source_.detector(); }
  absl::StatusOr<spi_data::Block> read(std::int64_t first, std::int64_t count) const override {
    UNFOLD_RETURN_IF_ERROR(step_(first, header().frames));
    return source_.read(first, count);
  }
  absl::StatusOr<spi_data::Truth> truth() const override { return source_.truth(); }
  std::string place_of(std::int64_t frame) const override { return source_.place_of(frame); }

 private:
  const spi_data::PatternSource& source_;
  const PatternStep& step_;
};

}  // namespace

std::int64_t ResidentPatterns::bytes() const {
  return frames.bytes() + static_cast<std::int64_t>(detector.q.size() * sizeof(double) +
                                                    detector.correction.size() * sizeof(float) +
                                                    detector.mask.size() +
                                                    detector.picture.size() * sizeof(std::int32_t) +
                                                    number.size() * sizeof(std::int64_t));
}

absl::StatusOr<std::shared_ptr<const residency::Response>> load_patterns(
    const spi_data::PatternSource& source, const spi_data::Choice& choice, const PatternStep& step,
    const cuda::Gpu* gpu) {
  UNFOLD_ASSIGN_OR_RETURN(spi_data::Patterns read,
                          spi_data::load(StepwiseSource(source, step), choice));
  spi::PatternSet frames = frames_of(read);
  auto out = std::make_shared<ResidentPatterns>(
      std::move(frames), detector_of(std::move(read.detector)), std::move(read.frame));
  if (gpu != nullptr && spi::fits_device(out->frames)) {
    out->on_gpu = std::make_shared<cuda::GpuFrames>(*gpu, out->frames);
  }
  return out;
}

}  // namespace unfold::engine
