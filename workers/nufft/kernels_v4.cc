#include <immintrin.h>

#include "workers/nufft/kernels.h"

namespace unfold::nufft::v4 {
namespace {
// Bodies shared by every instruction set, each copy private to its own; the order matters.
// clang-format off
// NOLINTBEGIN(bugprone-suspicious-include)
#include "workers/nufft/simd.inl.h"
#include "workers/nufft/simd_512.inl.h"
#include "workers/nufft/kernels_window.inl.h"
#include "workers/nufft/kernels_grid.inl.h"
#include "workers/nufft/gather_fours_512.inl.h"
#include "workers/nufft/kernels_table.inl.h"
// NOLINTEND(bugprone-suspicious-include)
// clang-format on
}  // namespace

extern const KernelTable kTable;
const KernelTable kTable = {kernels_in<double>(), kernels_in<float>()};

}  // namespace unfold::nufft::v4
