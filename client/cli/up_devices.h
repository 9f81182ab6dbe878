#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace unfold::cli {

/// What each worker of `unfold up` computes on.
struct UpDevices {
  std::vector<std::string> workers;  ///< "cpu", "cuda:0": one a worker
  std::string note;                  ///< for people, or empty
};

/// `device`: as --device has it; `workers`: as --workers has it, if given. With cuda one worker for
/// each GPU (at most `workers`), with auto the same, or on the CPU where there is none. GPUs are
/// listed by `bin`/unfold-worker, whose words go to a file in `dir`. NotFound (NO_GPU) where cuda
/// was asked for and there is none.
absl::StatusOr<UpDevices> up_devices(const std::string& device, std::optional<int> workers,
                                     const std::string& bin, const std::string& dir);

}  // namespace unfold::cli
