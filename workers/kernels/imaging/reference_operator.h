#pragma once

#include <memory>
#include <vector>

#include "workers/kernels/imaging/operator.h"
#include "workers/kernels/imaging/responses.h"

namespace unfold::imaging {

/// Slow and obvious, in double, one thread: what every fast operator is tested against.
/// `response` [T, P, D].
std::unique_ptr<Operator> make_reference_operator(Shape shape, std::vector<double> response);

/// The whole R[t,p,d] of a factored response, `instrument` [K, D] cm2.
std::vector<double> expand(const std::vector<double>& instrument, Index bins,
                           const AttitudeTable& attitude, const std::vector<double>& solid_angle);

}  // namespace unfold::imaging
