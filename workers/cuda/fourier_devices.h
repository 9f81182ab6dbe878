#pragma once

#include <memory>

#include "workers/cuda/loader.h"
#include "workers/kernels/spi/merge_device.h"
#include "workers/kernels/spi/phase_device.h"

/// Merging and phasing on a GPU, through its module. Everything here throws compute::OutOfMemory or
/// compute::DeviceError where the device does.
namespace unfold::cuda {

/// For one grid; what it keeps on the GPU (sorted points, plans) goes with it.
std::unique_ptr<spi::MergeDevice> make_merge_device(const Gpu& gpu, compute::Index grid);

/// Keeps nothing on the GPU between calls. What goes_on() throws passes through.
std::unique_ptr<spi::PhaseDevice> make_phase_device(const Gpu& gpu);

}  // namespace unfold::cuda
