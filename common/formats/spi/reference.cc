#include "common/formats/spi/reference.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <fstream>
#include <string_view>

#include "common/base/status_macros.h"
#include "common/formats/spi/molecule.h"
#include "common/formats/spi/mrc.h"
#include "common/formats/spi/pdb.h"
#include "common/formats/spi/structure_factors.h"

namespace unfold::spi_data {
namespace {

constexpr int kMostSteps = 8;  // samples of a map along a voxel's edge

// The four letters that MRC2014 has at byte 208.
bool is_mrc(const NamedFile& file) {
  std::ifstream in(file.path, std::ios::binary);
  std::array<char, 212> head{};
  in.read(head.data(), head.size());
  return in && std::string_view(head.data() + 208, 3) == "MAP";
}

absl::StatusOr<std::vector<double>> density_of_atoms(const NamedFile& file, std::int64_t grid,
                                                     double qmax) {
  UNFOLD_ASSIGN_OR_RETURN(Molecule molecule, read_pdb(file));
  centre(molecule);
  const std::vector<double> modes = grid_modes(grid, qmax);
  std::vector<std::complex<float>> amplitudes(modes.size() / 3);
  StructureFactors(molecule, {}).amplitudes(modes, amplitudes);
  return density_of(grid, amplitudes);
}

/// A map between its voxels, zero outside.
class Sampler {
 public:
  explicit Sampler(const Volume& map) : map_(map) {
    double total = 0;
    for_each([&](const std::array<std::int64_t, 3>& at, double value) {
      total += value;
      for (std::size_t k = 0; k < 3; ++k) centre_[k] += value * static_cast<double>(at[k]);
    });
    for (double& value : centre_) value = total > 0 ? value / total : 0;
  }

  /// `place` in Angstrom from the centre of mass.
  double at(const std::array<double, 3>& place) const {
    std::array<std::int64_t, 3> low{};
    std::array<double, 3> share{};
    for (std::size_t k = 0; k < 3; ++k) {
      const double voxel = place[k] / map_.voxel[k] + centre_[k];
      low[k] = static_cast<std::int64_t>(std::floor(voxel));
      share[k] = voxel - std::floor(voxel);
    }
    double sum = 0;
    for (int corner = 0; corner < 8; ++corner) {
      double weight = 1;
      std::array<std::int64_t, 3> from{};
      for (std::size_t k = 0; k < 3; ++k) {
        const bool high = ((corner >> k) & 1) != 0;
        from[k] = low[k] + (high ? 1 : 0);
        weight *= high ? share[k] : 1 - share[k];
      }
      sum += weight * value(from);
    }
    return sum;
  }

 private:
  template <class Use>
  void for_each(const Use& use) const {
    const auto& n = map_.shape;
    std::array<std::int64_t, 3> at{};
    for (at[0] = 0; at[0] < n[0]; ++at[0]) {
      for (at[1] = 0; at[1] < n[1]; ++at[1]) {
        for (at[2] = 0; at[2] < n[2]; ++at[2]) use(at, std::max(value(at), 0.0));
      }
    }
  }
  double value(const std::array<std::int64_t, 3>& at) const {
    const auto& n = map_.shape;
    for (std::size_t k = 0; k < 3; ++k) {
      if (at[k] < 0 || at[k] >= n[k]) return 0;
    }
    return static_cast<double>(
        map_.values[static_cast<std::size_t>((at[0] * n[1] + at[1]) * n[2] + at[2])]);
  }

  const Volume& map_;
  std::array<double, 3> centre_{};  // voxels
};

std::vector<double> resampled(const Volume& map, std::int64_t grid, double qmax) {
  const Sampler sampler(map);
  const double voxel = 1 / (2 * qmax);
  const double finest = *std::min_element(map.voxel.begin(), map.voxel.end());
  const int steps = std::clamp(static_cast<int>(std::ceil(voxel / finest)), 1, kMostSteps);
  const auto place = [&](std::int64_t at, int step) {
    return (static_cast<double>(at - grid / 2) + (step + 0.5) / steps - 0.5) * voxel;
  };
  std::vector<double> out;
  out.reserve(static_cast<std::size_t>(grid * grid * grid));
  for (std::int64_t x = 0; x < grid; ++x) {
    for (std::int64_t y = 0; y < grid; ++y) {
      for (std::int64_t z = 0; z < grid; ++z) {
        double sum = 0;
        for (int s = 0; s < steps * steps * steps; ++s) {
          sum += sampler.at(
              {place(x, s / (steps * steps)), place(y, s / steps % steps), place(z, s % steps)});
        }
        out.push_back(sum / (steps * steps * steps));
      }
    }
  }
  return out;
}

}  // namespace

absl::Status check_reference(const NamedFile& file) {
  return is_mrc(file) ? read_mrc(file).status() : read_pdb(file).status();
}

absl::StatusOr<std::vector<double>> reference_density(const NamedFile& file, std::int64_t grid,
                                                      double qmax) {
  if (!is_mrc(file)) return density_of_atoms(file, grid, qmax);
  UNFOLD_ASSIGN_OR_RETURN(const Volume map, read_mrc(file));
  return resampled(map, grid, qmax);
}

}  // namespace unfold::spi_data
