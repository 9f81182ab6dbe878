#pragma once

#include <memory>

#include "common/formats/imaging/source.h"
#include "workers/compute/cpu_device.h"
#include "workers/engines/imaging/residents.h"
#include "workers/kernels/imaging/operator.h"

namespace unfold::engine {

/// The resident response of a problem as an operator, where it lies. `attitude` is null where the
/// response is dense; `cpu` outlives the operator.
std::unique_ptr<imaging::Operator> operator_of(const imaging_data::Header& header,
                                               const ResidentImagingResponse& response,
                                               const ResidentAttitude* attitude, compute::Cpu& cpu);

}  // namespace unfold::engine
