#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace unfold::spi_data {

/// The largest M.
inline constexpr std::int64_t kLargestGrid = 2047;

using Attribute = std::variant<std::string, double, std::int64_t>;

/// One conformation: the first in the file's root, the others in groups `conformation_1`, ... with
/// the same names. Volumes [M^3] indexed [x, y, z], z fastest, centred at M / 2; shells
/// [M / 2 + 1], shell s at |q| = s 2 qmax / M. Each vector but `density` may be empty.
struct DensityMap {
  std::vector<double> density{};
  std::vector<double> autocorrelation{};
  std::vector<double> intensity{};         ///< on modes k: |q| = |k| 2 qmax / M
  std::vector<double> intensity_weight{};  ///< how often measured
  std::vector<std::uint8_t> support{};
  std::array<std::vector<double>, 2> half_density{};  ///< aligned on the density
  std::vector<double> fsc{};                          ///< of the half maps
  std::vector<double> fsc_corrected{};                ///< less what the supports alone make
  std::vector<double> intensity_fsc{};                ///< of the halves before phasing
  std::vector<double> prtf{};
  double resolution = 0;            ///< Angstrom; infinity: none
  double intensity_resolution = 0;  ///< Angstrom
  double phasing_agreement = 0;
  // Against a reference, at the end only.
  std::vector<double> reference_density{};  ///< on this grid, turned onto the density
  std::vector<double> reference_fsc{};
  std::map<std::string, double> reference_numbers{};  ///< attributes of the group `reference`
};

/// A column of the history a name: numbers, one a generation.
struct History {
  std::vector<std::string> part{};   ///< "half 1", "half 2", "all"
  std::vector<std::string> stage{};  ///< "coarse", "global", "local"
  std::map<std::string, std::vector<double>> numbers{};
};

/// The product of a job. What is empty is left out of the file.
struct DensityFile {
  std::int64_t grid = 0;  ///< M
  double qmax = 0;        ///< 1/Angstrom
  std::vector<DensityMap> maps{};
  std::vector<std::int64_t> frame{};                  ///< [N] number in the input
  std::vector<std::array<double, 4>> orientations{};  ///< [N] (w, x, y, z)
  std::vector<double> fluences{};                     ///< [N] mean 1
  std::vector<double> scores{};                       ///< [N] log-likelihood
  std::vector<double> gains{};                        ///< [N] over the radial mean
  std::vector<double> entropy{};                      ///< [N] nats
  std::vector<std::int32_t> conformation{};           ///< [N]
  std::vector<std::uint8_t> blacklist{};              ///< [N] 1: not a hit, in no map
  std::vector<std::uint8_t> half{};                   ///< [N] 0 or 1
  std::vector<float> background{};                    ///< [P] photons a frame
  History history{};
  std::string verdict{};               ///< "converged", "ambiguous", "failed"
  std::vector<std::string> reasons{};  ///< for people
  /// Provenance (job, unfold_version, NAME_sha256, ...), and every parameter; names that the file
  /// itself uses (grid, qmax_invA, voxel_A, verdict, ...) are passed over.
  std::map<std::string, Attribute> attributes{};

  double voxel() const { return 1 / (2 * qmax); }
};

/// HDF5 as docs/formats.md lists it. The density is stored as double, other volumes as float.
/// Overwrites `path`. WRONG_SHAPE for vectors that contradict.
absl::Status write_density(const std::string& path, const DensityFile& file);
absl::StatusOr<DensityFile> read_density(const std::string& path, const std::string& shown);
/// Re-reads what write_density() made.
absl::Status verify_density(const std::string& path);
/// True where the file holds a density of ours.
absl::StatusOr<bool> is_density(const std::string& path, const std::string& shown);

}  // namespace unfold::spi_data
