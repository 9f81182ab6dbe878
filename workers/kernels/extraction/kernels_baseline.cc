#include "workers/kernels/extraction/kernels.h"

namespace unfold::extraction::baseline {
namespace {
// Bodies shared by every instruction set, each copy private to its own; the order matters.
// clang-format off
// NOLINTBEGIN(bugprone-suspicious-include)
#include "workers/kernels/extraction/simd_2.inl.h"
#include "workers/kernels/extraction/kernels_math.inl.h"
#include "workers/kernels/extraction/kernels_stamp.inl.h"
#include "workers/kernels/extraction/kernels_normal.inl.h"
#include "workers/kernels/extraction/kernels_band.inl.h"
#include "workers/kernels/extraction/kernels_root.inl.h"
#include "workers/kernels/extraction/kernels_chi2.inl.h"
// NOLINTEND(bugprone-suspicious-include)
// clang-format on
}  // namespace

extern const KernelTable kTable;
const KernelTable kTable = {legendre_sum,     make_stamps, normal_equations, solve_band,
                            selected_inverse, schur_band,  symmetric_root,   pixel_chi2};

}  // namespace unfold::extraction::baseline
