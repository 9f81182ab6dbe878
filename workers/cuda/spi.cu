#include "workers/cuda/cuda_block.cuh"
#include "workers/cuda/half_product.cuh"
#include "workers/cuda/spi_module.inl.h"

namespace unfold::cuda {
template SpiTable spi_table<Cuda>();
}  // namespace unfold::cuda
