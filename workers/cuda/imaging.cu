#include "workers/cuda/cuda_block.cuh"
#include "workers/cuda/imaging_module.inl.h"

namespace unfold::cuda {
template ImagingTable imaging_table<Cuda>();
}  // namespace unfold::cuda
