#include "tests/support/emulated_device.h"
#include "workers/cuda/module_table.h"

// libunfold_cuda.so with GPUs that host threads play: UNFOLD_CUDA_MODULE names it to a worker.
extern "C" __attribute__((visibility("default"))) const unfold::cuda::ModuleTable*
unfold_cuda_module(const char* build_id) {
  return unfold::cuda::module_table<unfold::test::Emulated>(build_id);
}
