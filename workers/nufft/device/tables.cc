#include "workers/nufft/device/tables.h"

#include "workers/nufft/checks.h"
#include "workers/nufft/shape.h"
#include "workers/nufft/window.h"

namespace unfold::nufft {

double float_limit(const Edges& modes) { return limit_of<float>(modes); }

template <class Real>
DeviceTables<Real> tables_of(const Edges& modes, int parts, const DeviceOptions& options) {
  // Transforms of the grid are cheap beside windows on a GPU.
  constexpr Index kPoints = 100'000'000;
  const Options host{.tolerance = options.tolerance, .upsampling = options.upsampling};
  check_options<Real>(modes, host);
  const Shape shape = choose_shape(modes, host, {parts == 1, sizeof(Real) == 4, kPoints});
  const Window window(shape.width, shape.upsampling);
  DeviceTables<Real> out{
      modes, shape.n, shape.width, degree_of(shape.width), window.coefficients<Real>(1, 0, kStride),
      {}};
  for (std::size_t d = 0; d < 3; ++d)
    for (const double c :
         window.corrections(static_cast<int>(modes[d]), static_cast<int>(shape.n[d])))
      out.corrections[d].push_back(static_cast<Real>(c));
  return out;
}

template DeviceTables<float> tables_of(const Edges&, int, const DeviceOptions&);
template DeviceTables<double> tables_of(const Edges&, int, const DeviceOptions&);

}  // namespace unfold::nufft
