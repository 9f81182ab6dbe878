#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/formats/spi/source.h"

namespace unfold::spi_data {

/// What a simulator makes. Frames are dense or sparse; truth where it is known.
struct PatternParts {
  Detector detector{};
  std::int64_t frames = 0;
  std::vector<float> intensities{};     ///< [N, P], or
  std::vector<std::uint16_t> counts{};  ///< [N, P]
  Truth truth{};
  std::vector<double> background{};  ///< [P] photons a frame that were added, or empty
  std::string title{};               ///< how it was made, for the attribute `doc`
};

/// The layout of skopi and SpiniFEL: `intensities` f4 or `photons` u2 [N, panels, rows, columns],
/// `pixel_position_reciprocal` (3, ...) in 1/m, `pixel_index_map`, `mask` u1 (0, 1, 2),
/// `solid_angle` x `polarization` as `correction`, `orientations` (N, 1, 4), `fluences`,
/// `conformation`, `non_hit`, `background`. Overwrites `path`.
absl::Status write_cspi(const std::string& path, const PatternParts& parts);

/// Dragonfly's sparse binary photons (.emc); whole numbers, so `counts`. Overwrites `path`.
absl::Status write_emc(const std::string& path, const PatternParts& parts);
/// Dragonfly's detector: HDF5 where `path` ends in ".h5", else text. The distance in pixels comes
/// from `picture` and q. UNKNOWN_WAVELENGTH, WRONG_SHAPE where they do not tell it.
absl::Status write_dragonfly_detector(const std::string& path, const Detector& detector);
/// The config.ini that belongs to them, with names relative to its folder.
std::string config_text(const std::string& photons, const std::string& detector,
                        const Detector& geometry);

}  // namespace unfold::spi_data
