#include "workers/nufft/checks.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <stdexcept>

namespace unfold::nufft {

template <class Real>
double limit_of(const Modes& modes) {
  const double most = static_cast<double>(*std::max_element(modes.begin(), modes.end()));
  return sizeof(Real) == 4 ? std::max(1e-6, 5e-9 * most) : 1e-12;
}

template <class Real>
void check_options(const Modes& modes, const Options& options) {
  if (*std::min_element(modes.begin(), modes.end()) < 1)
    throw std::invalid_argument("NUFFT modes of no size (an axis has none) [give at least 1]");
  const double limit = limit_of<Real>(modes);
  std::ostringstream problem;
  if (!(options.tolerance >= limit && options.tolerance <= 0.1))
    problem << "a NUFFT tolerance of " << options.tolerance << " (held are " << limit
            << " to 0.1 at these modes) [ask for what is held, in double below 1e-6]";
  else if (options.upsampling != 0 && !(options.upsampling >= 1.2 && options.upsampling <= 3))
    problem << "a NUFFT upsampling of " << options.upsampling
            << " (1.2 to 3 are sensible) [take 2, 1.25, or 0 for the faster]";
  if (!problem.str().empty()) throw std::invalid_argument(problem.str());
}

template <class Real>
void check_points(View<const Real, 2> points) {
  if (points.extent[0] > 0 && points.extent[1] != 3)
    throw std::invalid_argument("NUFFT points are no [P, 3] (three radians each) [reshape them]");
  for (Index i = 0; i < points.size(); ++i)
    if (!std::isfinite(points.data[i]))
      throw std::invalid_argument("a NUFFT point is not finite (NaN or infinity) [leave it out]");
}

template double limit_of<float>(const Modes&);
template double limit_of<double>(const Modes&);
template void check_options<float>(const Modes&, const Options&);
template void check_options<double>(const Modes&, const Options&);
template void check_points(View<const float, 2>);
template void check_points(View<const double, 2>);

}  // namespace unfold::nufft
