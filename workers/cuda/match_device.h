#pragma once

#include <functional>
#include <memory>
#include <string>

#include "workers/cuda/loader.h"
#include "workers/kernels/spi/matching.h"

namespace unfold::cuda {

/// Single-particle matching on a GPU. Frames stay resident there as long as their set lives here.
/// `note` is told once of each kind of search that is left to the host. Not thread safe. Calls
/// throw compute::OutOfMemory and compute::DeviceError.
std::unique_ptr<spi::MatchDevice> make_match_device(const Gpu& gpu,
                                                    std::function<void(const std::string&)> note);

}  // namespace unfold::cuda
