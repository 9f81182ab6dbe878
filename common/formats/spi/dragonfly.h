#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/formats/spi/source.h"

/// Dragonfly's own files beside frames and detectors: what it is told, and what it leaves.
namespace unfold::spi_data {

enum class Selection { kAll, kOdd, kEven };

/// config.ini. Paths as written, `section:::key` followed: they are relative to the folder of the
/// config file. What is absent stays empty.
struct Config {
  std::string photons_file{};
  std::string photons_list{};
  std::string detector_file{};
  std::string detector_list{};
  std::string background_file{};
  std::string blacklist_file{};
  std::string output_folder{};
  std::string log_file{};
  Selection selection = Selection::kAll;
  std::vector<int> num_div{};  ///< one number, or fine and coarse
  std::optional<bool> need_scaling{};
  std::optional<double> beta{};                           ///< absent or "auto": by photons a frame
  std::optional<double> beta_factor;                      ///< that the first beta is multiplied by
  std::optional<std::pair<double, int>> beta_schedule{};  ///< factor, every so many iterations
  std::optional<int> num_modes{};
  std::optional<double> wavelength{};   ///< [parameters] lambda, Angstrom
  std::vector<std::string> warnings{};  ///< keys without effect here, each by name
};
/// BAD_CONFIG names line or key.
absl::StatusOr<Config> read_config(const NamedFile& file);
/// 10 (5 n^3 + n): the rotations that num_div stands for.
std::int64_t rotations_of(int num_div);

/// The names in a list of files, blank lines left out.
absl::StatusOr<std::vector<std::string>> read_list(const NamedFile& file);
/// Frames whose number in the text file is not 0: one number for each of `frames`. BAD_BLACKLIST.
absl::StatusOr<std::vector<std::int64_t>> read_blacklist(const NamedFile& file,
                                                         std::int64_t frames);
/// The frames that a selection and a blacklist leave: of those that are not blacklisted the first,
/// third, ... (even) or the second, fourth, ... (odd), as Dragonfly counts.
std::vector<std::int64_t> selected(Selection selection, std::int64_t frames,
                                   const std::vector<std::int64_t>& blacklist);

/// output_NNN.h5: what Dragonfly's viewer opens of an iteration.
struct Iterate {
  std::int64_t size = 0;                         ///< voxels along an edge
  std::vector<std::vector<double>> intensity{};  ///< [modes][size^3]
  std::vector<std::vector<double>> weight{};     ///< likewise
  std::vector<double> scale{};                   ///< [N], or empty
  std::vector<std::int32_t> orientation{};       ///< [N] numbers of rotations
  std::vector<double> likelihood{};              ///< [N]
  std::vector<double> mutual_info{};             ///< [N]
  std::vector<std::vector<double>> occupancy{};  ///< [N][modes], with several modes
};
absl::Status write_iterate(const std::string& path, const Iterate& iterate);
std::string iterate_name(int iteration);  ///< "output_007.h5"

/// EMC.log, whole.
struct Log {
  std::int64_t frames = 0;
  std::int64_t blacklisted = 0;
  double mean_count = 0;
  std::int64_t rotations = 0;
  std::int64_t good_pixels = 0;
  std::int64_t pixels = 0;
  int modes = 1;
  std::int64_t size = 0;
  int threads = 1;
  double beta = 0;
  bool need_scaling = true;
  struct Line {
    int iteration = 0;
    double seconds = 0;
    double rms_change = 0;
    double mutual_info = 0;
    double likelihood = 0;
    std::int64_t rotations = 0;
    double beta = 0;
  };
  std::vector<Line> lines{};
};
std::string log_text(const Log& log);

}  // namespace unfold::spi_data
