#include <stdexcept>

#include "workers/kernels/imaging/dispatch.h"

namespace unfold::imaging {

namespace v2 {
extern const KernelTable kTable;
}
namespace v3 {
extern const KernelTable kTable;
}
namespace v4 {
extern const KernelTable kTable;
}

const KernelTable& kernels(compute::Isa isa) {
  switch (isa) {
    case compute::Isa::kV2:
      return v2::kTable;
    case compute::Isa::kV3:
      return v3::kTable;
    case compute::Isa::kV4:
      return v4::kTable;
    case compute::Isa::kBaseline:
      break;
  }
  throw std::invalid_argument("this CPU is older than x86-64-v2 [use one made after 2009]");
}

}  // namespace unfold::imaging
