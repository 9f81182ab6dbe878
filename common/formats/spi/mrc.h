#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/formats/spi/source.h"

namespace unfold::spi_data {

/// A density on a grid. values[(x * ny + y) * nz + z]: z fastest, as everywhere in unfold; the file
/// has x fastest, as MRC2014 says (MAPC, MAPR, MAPS = 1, 2, 3).
struct Volume {
  std::array<std::int64_t, 3> shape{};  ///< nx, ny, nz
  std::array<double, 3> voxel{};        ///< Angstrom
  std::array<double, 3> origin{};       ///< Angstrom: the first voxel's place
  std::vector<float> values{};
  std::vector<std::string> labels{};  ///< at most 10 of 80 characters
};

/// The label of a density whose mirror image fits the data as well.
inline constexpr char kHandUndetermined[] = "hand undetermined";

/// Mode 2, little-endian. Overwrites `path`. WRONG_SHAPE, DISK_FULL, WRITE_FAILED.
absl::Status write_mrc(const std::string& path, const Volume& volume);
/// Modes 0, 1, 2 and 6, either byte order, any axis order. BAD_MRC, TRUNCATED, TOO_LARGE.
absl::StatusOr<Volume> read_mrc(const NamedFile& file);
/// A cubic density [M, M, M] centred at M / 2.
Volume centred_volume(std::int64_t grid, double voxel, const std::vector<double>& density);

}  // namespace unfold::spi_data
