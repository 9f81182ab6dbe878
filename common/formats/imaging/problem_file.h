#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/formats/imaging/source.h"

namespace unfold::imaging_data {

/// All parts of a problem in memory, to be written as one input file or two.
struct ProblemParts {
  sky::Grid sky;
  double pix_deg = 0;
  double zenith_cut_deg = 90;
  std::vector<double> instrument_response;  ///< [K, D] cm2
  std::int64_t directions = 0;              ///< K
  std::int64_t bins = 0;                    ///< D
  std::vector<std::int32_t> cds_index;      ///< [D]
  std::int64_t times = 0;
  Attitude attitude;
  Counts counts;
  BackgroundTemplate background_dc1;
  BackgroundTemplate background_live;
  std::vector<std::int32_t> group;   ///< [T]
  std::vector<double> truth;         ///< [P], or empty
  std::vector<double> exposure;      ///< [P], or empty
  std::vector<double> energy_edges;  ///< [2] keV, or empty
};

struct ProblemFileOptions {
  std::string response_path{};  ///< write the instrument response there, not into the same file
  bool events = false;          ///< counts as events_begin, events_bin, events_count, not dense
  bool overwrite = false;
};

/// Writes the HDF5 layout of docs/formats.md (group `in`), which open_source() reads. Both files
/// appear under their names when they are complete. AlreadyExists/OUTPUT_EXISTS, DISK_FULL,
/// WRITE_FAILED, WRONG_SHAPE where the parts disagree.
absl::Status write_problem(const std::string& path, const ProblemParts& parts,
                           const ProblemFileOptions& options);

}  // namespace unfold::imaging_data
