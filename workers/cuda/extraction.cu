#include "workers/cuda/cuda_block.cuh"
#include "workers/cuda/dense_algebra.cuh"
#include "workers/cuda/extraction_module.inl.h"

namespace unfold::cuda {
template ExtractionTable extraction_table<Cuda>();
}  // namespace unfold::cuda
