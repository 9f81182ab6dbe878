#include "tests/support/emulated_fft.h"
#include "workers/cuda/fourier_module.inl.h"

namespace unfold::cuda {
template FourierTable fourier_table<test::Emulated>();
}  // namespace unfold::cuda
