#include <immintrin.h>

#include "workers/kernels/imaging/kernels.h"

namespace unfold::imaging::v4 {
namespace {
// Bodies shared by every instruction set, each copy private to its own; the order matters.
// clang-format off
// NOLINTBEGIN(bugprone-suspicious-include)
#include "workers/kernels/imaging/simd_sums.inl.h"
#include "workers/kernels/imaging/simd_512.inl.h"
#include "workers/kernels/imaging/kernels_rows.inl.h"
#include "workers/kernels/imaging/kernels_lookup.inl.h"
#include "workers/kernels/imaging/kernels_ratio.inl.h"
#include "workers/kernels/imaging/kernels_table.inl.h"
// NOLINTEND(bugprone-suspicious-include)
// clang-format on
}  // namespace

extern const KernelTable kTable;
const KernelTable kTable = {double_kernels(), float_kernels(), ratios};

}  // namespace unfold::imaging::v4
