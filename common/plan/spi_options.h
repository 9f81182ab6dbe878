#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/formats/spi/source.h"
#include "unfold/v1/types.pb.h"

namespace unfold::plan {

/// What headers and one pass over the frames tell.
struct SpiData {
  spi_data::Header header;
  spi_data::Summary summary;  ///< of the frames that were looked at
  std::int64_t frames = 0;    ///< chosen
  double qmax = 0;            ///< 1/Angstrom, of pixels that are not bad
  double spacing = 0;         ///< 1/Angstrom, of pixels
  double extent = 0;          ///< Angstrom, of the particle, from the patterns; 0: not told
};

/// Fills the absent options of `spec` and checks every number, against the others and against the
/// data. Errors name their field: OUT_OF_RANGE, UNSUPPORTED, TOO_LARGE, TOO_FEW_IMAGES.
absl::Status complete_spi(const SpiData& data, v1::SpiSpec& spec,
                          std::vector<std::string>& warnings);

/// The edge M, odd, of a grid with voxels of 1 / (2 qmax) whose central half holds the particle:
/// M >= 4 diameter qmax; of the sizes whose transforms (2 M - 1 padded to factors 2, 3, 5) cost the
/// same, the largest.
std::int64_t grid_for(double diameter, double qmax);

/// Angular spacing that the resolution needs, d / D, radians.
double angle_needed(double diameter, double qmax);
/// Rotations of that mean spacing: 8 pi^2 / angle^3.
std::int64_t references_needed(double diameter, double qmax);
/// How many of `frames` cut a Shannon voxel (1 / 2D wide) of the shell at q, on average: a frame
/// cuts 4 pi q D of its 16 pi (q D)^2.
double images_per_voxel(std::int64_t frames, double diameter, double q);
/// Frames that leave no voxel of the outermost shell uncut, by chance: 4 D / d times the logarithm
/// of their number.
std::int64_t images_needed(double diameter, double qmax);

std::string word_of(v1::SpiMetric metric);

/// Reduction, selection and blacklist.
spi_data::Choice choice_of(const v1::SpiSpec& spec);

}  // namespace unfold::plan
