#pragma once

#include <memory>

#include "workers/cuda/loader.h"
#include "workers/kernels/spi/fourier_device.h"

/// Merging and phasing on a GPU, through its module. Everything here throws compute::OutOfMemory or
/// compute::DeviceError where the device does.
namespace unfold::cuda {

/// What merging() makes keeps points and plans on the GPU and frees them when it goes; what
/// phasing() makes keeps nothing there between calls, and what goes_on() throws passes through.
std::unique_ptr<spi::FourierDevice> make_fourier_device(const Gpu& gpu);

}  // namespace unfold::cuda
