#pragma once

#include <span>
#include <vector>

#include "workers/compute/communicator.h"
#include "workers/kernels/imaging/events.h"

namespace unfold::imaging {

/// A few unknowns and many counts: m = sum_s f_s X_s + sum_c a[c, g(t)] u[c, g] B_c at each event,
/// parameters p = [f_0 .. f_{S-1}, a_0 .. a_{A-1}]. Bins without counts enter through `total`.
struct NewtonProblem {
  const Events& events;
  const Background& background;
  compute::Communicator& communicator;
  std::span<const double> counts;                ///< [N]
  std::vector<std::span<const double>> scaled;   ///< X_s [N], one or two
  std::vector<double> unit;                      ///< [A] u: what amplitude 1 stands for
  std::vector<double> total;                     ///< [S + A] sum of each term over all bins
  std::vector<double> start;                     ///< [S + A]
  std::vector<double> low, high;                 ///< [S + A]; where low > high, high holds
  std::vector<double> centre, inverse_variance;  ///< [S + A] normal priors; 0: none
};

struct NewtonResult {
  std::vector<double> parameters;  ///< [S + A]
  double value = 0;                ///< sum y ln m - p total - sum (p - mu)^2 / (2 sigma^2)
  Index iterations = 0;
};

/// The maximum within the box: a projected, damped Newton method. The objective is concave and its
/// matrix an arrow: amplitudes of different groups meet only through the scales, so a step costs
/// O(events + groups). Events that nothing explains at the start (m <= 0) are left out. Sums are
/// taken in the order of the time bins, whatever the number of threads.
NewtonResult maximise(const NewtonProblem& problem);

}  // namespace unfold::imaging
