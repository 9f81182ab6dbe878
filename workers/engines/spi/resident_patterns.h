#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/formats/spi/source.h"
#include "workers/cuda/gpu_frames.h"
#include "workers/kernels/spi/patterns.h"
#include "workers/residency/response_cache.h"

namespace unfold::engine {

/// What single-particle imaging keeps in memory from job to job: the patterns, reduced and chosen,
/// and where their pixels lie. Immutable.
class ResidentPatterns final : public residency::Response {
 public:
  ResidentPatterns(spi::PatternSet set, spi::Detector where, std::vector<std::int64_t> numbers)
      : frames(std::move(set)), detector(std::move(where)), number(std::move(numbers)) {}

  spi::PatternSet frames;
  spi::Detector detector;
  std::vector<std::int64_t> number;  ///< [N] of a frame in its source
  /// Where the worker computes on a GPU that takes them: the frames there.
  std::shared_ptr<const cuda::GpuFrames> on_gpu;
  /// On the device: frames take as many there as here.
  std::int64_t bytes() const override;
};

/// Told before each piece with the frames read so far; an error ends the load.
using PatternStep = std::function<absl::Status(std::int64_t frames, std::int64_t of)>;

/// Onto `gpu` too where there is one; throws as GpuFrames does.
absl::StatusOr<std::shared_ptr<const residency::Response>> load_patterns(
    const spi_data::PatternSource& source, const spi_data::Choice& choice, const PatternStep& step,
    const cuda::Gpu* gpu = nullptr);

}  // namespace unfold::engine
