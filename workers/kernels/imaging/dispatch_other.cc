#include <stdexcept>

#include "workers/kernels/imaging/dispatch.h"

namespace unfold::imaging {

namespace baseline {
extern const KernelTable kTable;
}

const KernelTable& kernels(compute::Isa isa) {
  if (isa == compute::Isa::kBaseline) return baseline::kTable;
  throw std::invalid_argument("instruction set " + compute::to_string(isa) +
                              " is not of this architecture [unset UNFOLD_ISA]");
}

}  // namespace unfold::imaging
