#include "workers/cuda/cuda_block.cuh"
#include "workers/cuda/module_table.h"

extern "C" __attribute__((visibility("default"))) const unfold::cuda::ModuleTable*
unfold_cuda_module(const char* build_id) {
  return unfold::cuda::module_table<unfold::cuda::Cuda>(build_id);
}
