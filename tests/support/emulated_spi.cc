#include "tests/support/emulated_half_product.h"
#include "workers/cuda/spi_module.inl.h"

namespace unfold::cuda {
template SpiTable spi_table<test::Emulated>();
}  // namespace unfold::cuda
