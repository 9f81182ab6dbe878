#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/base/clock.h"

namespace unfold::server {

/// One message between the scheduler and a validation helper: four bytes of length (little endian),
/// one of kind, the body. Both ends are ours, but a helper that parsed a hostile file is not
/// trusted: lengths are bounded.
struct PlanFrame {
  enum class Kind : std::uint8_t {
    kJob = 1,       ///< body: JobSpec; answered by kResult
    kExposure = 2,  ///< body: SubmitExposureRequest; answered by kResult
    kResult = 3,    ///< body: BatchSubmitResponse.Result, `job` with spec and plan
    kCameras = 4,   ///< body: Exposure
  };
  Kind kind = Kind::kJob;
  std::string body;
};

inline constexpr std::size_t kMostFrameBytes = std::size_t{16} << 20;

/// Unavailable when the other end is gone.
absl::Status write_frame(int fd, const PlanFrame& frame);

/// The next frame; nothing at an orderly end. DeadlineExceeded after `limit` (none: waits for
/// ever), Unavailable when the other end died in the middle, Internal for a frame that cannot be.
absl::StatusOr<std::optional<PlanFrame>> read_frame(int fd, std::optional<Duration> limit);

}  // namespace unfold::server
