#include "workers/compute/host_device.h"
#include "workers/kernels/spi/kernels.h"

namespace unfold::spi::v2 {
namespace {
constexpr int kVectorBytes = 16;
constexpr int kTileRows = 6;
// Bodies shared by every instruction set, each copy private to its own; the order matters.
// clang-format off
// NOLINTBEGIN(bugprone-suspicious-include)
#include "workers/kernels/spi/score_terms.inl.h"
#include "workers/kernels/spi/kernels_terms.inl.h"
#include "workers/kernels/spi/gather_plain.inl.h"
#include "workers/kernels/spi/kernels_product.inl.h"
#include "workers/kernels/spi/kernels_quick.inl.h"
// NOLINTEND(bugprone-suspicious-include)
// clang-format on
}  // namespace

extern const KernelTable kTable;
const KernelTable kTable = {{term_kernels<PoissonTerm>(), term_kernels<BackgroundTerm>(),
                             term_kernels<SqrtTerm>(), term_kernels<EuclidTerm>()},
                            {kTileRows, kTileColumns, multiply, gather, select},
                            quick};

}  // namespace unfold::spi::v2
