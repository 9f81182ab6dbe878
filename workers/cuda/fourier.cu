#include "workers/cuda/cuda_block.cuh"
#include "workers/cuda/cuda_fft.cuh"
#include "workers/cuda/fourier_module.inl.h"

namespace unfold::cuda {
template FourierTable fourier_table<Cuda>();
}  // namespace unfold::cuda
