#pragma once

#include <functional>
#include <memory>
#include <string>

#include "workers/cuda/gpu_frames.h"
#include "workers/cuda/loader.h"
#include "workers/kernels/spi/matching.h"

namespace unfold::cuda {

/// Single-particle matching and sums on a GPU. Frames that are not `resident` (or null) there, nor
/// taken from such, are copied once and stay as long as their set lives here. `note` is told once
/// of each kind of search that is left to the host. Not thread safe. Calls throw
/// compute::OutOfMemory and compute::DeviceError.
std::unique_ptr<spi::MatchDevice> make_match_device(
    const Gpu& gpu, std::function<void(const std::string&)> note,
    std::shared_ptr<const GpuFrames> resident = nullptr);

}  // namespace unfold::cuda
