#pragma once

#include <memory>

#include "workers/compute/cpu_device.h"
#include "workers/kernels/imaging/row_model.h"

namespace unfold::imaging {

/// The operator of a RowModel, for lists of events, on the CPU's fastest instruction set.
template <class Real>
std::unique_ptr<Operator> make_list_operator(std::unique_ptr<const RowModel<Real>> model,
                                             compute::Cpu& cpu);

}  // namespace unfold::imaging
