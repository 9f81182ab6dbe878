#include "tests/support/emulated_device.h"
#include "workers/cuda/imaging_module.inl.h"

namespace unfold::cuda {
template ImagingTable imaging_table<test::Emulated>();
}  // namespace unfold::cuda
