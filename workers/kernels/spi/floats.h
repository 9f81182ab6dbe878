#pragma once

#include "workers/compute/cpu_device.h"

namespace unfold::spi {

/// Uninitialised floats, aligned as vectors want them; many of them on large pages, where the
/// system has some. Move-only.
class Floats {
 public:
  Floats(compute::Cpu& cpu, compute::Index size);
  float* data() const { return data_; }

 private:
  compute::Buffer<float, compute::Cpu> buffer_;
  float* data_;
};

}  // namespace unfold::spi
