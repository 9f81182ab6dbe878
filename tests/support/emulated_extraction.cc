#include "tests/support/emulated_dense_algebra.h"
#include "tests/support/emulated_device.h"
#include "workers/cuda/extraction_module.inl.h"

namespace unfold::cuda {
template ExtractionTable extraction_table<test::Emulated>();
}  // namespace unfold::cuda
