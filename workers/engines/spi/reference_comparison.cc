#include "workers/engines/spi/reference_comparison.h"

#include "workers/kernels/spi/agreement.h"

namespace unfold::engine {

void compare_with_reference(compute::Cpu& cpu, const std::vector<double>& reference,
                            spi_data::DensityFile& file) {
  constexpr double kThreshold = 0.5;
  for (spi_data::DensityMap& map : file.maps) {
    const spi::Alignment alignment = spi::align_densities(cpu, file.grid, map.density, reference);
    map.reference_density = spi::apply(cpu, file.grid, reference, alignment);
    map.reference_fsc = spi::shell_correlation(cpu, file.grid, map.density, map.reference_density);
    map.reference_numbers["correlation"] = alignment.correlation;
    map.reference_numbers["resolution"] =
        spi::resolution_of(map.reference_fsc, file.qmax, file.grid, kThreshold);
    map.reference_numbers["inverted"] = alignment.inverted ? 1 : 0;
  }
}

}  // namespace unfold::engine
