#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/formats/imaging/map_file.h"

namespace unfold::compare {

/// One dataset of two maps. `largest` is the largest |a - b| divided by the largest |a| or |b| of
/// the whole dataset; infinite where one side alone is NaN.
struct MapQuantity {
  std::string name;  ///< "map", "maps/10", "regions/flux", ...
  std::int64_t compared = 0;
  double largest = 0;
  double rms = 0;  ///< likewise relative
  double tolerance = 0;
  std::int64_t index = -1;  ///< where the largest is; -1: nowhere
  bool within = true;
};

/// Two map files compared. `same` is the verdict: the same sky and datasets, every dataset within
/// the tolerance, and no parameter different but provenance (job, unfold_*, *_sha256, *_path),
/// which is not listed.
struct MapDifference {
  bool same = true;
  std::vector<std::string> layout;  ///< "maps/10: present / absent", one a line
  std::vector<MapQuantity> quantities;
  std::vector<std::string> parameters;  ///< "iterations: 50 / 40"
};

MapDifference diff_maps(const imaging_data::MapProduct& a, const imaging_data::MapProduct& b,
                        double tolerance);
/// Reads both files. Errors: what reading gave, with the file's name in it.
absl::StatusOr<MapDifference> diff_maps(const std::string& a, const std::string& b,
                                        double tolerance);

/// A table for people, and one JSON object for programs (infinite numbers as null).
std::string to_text(const MapDifference& difference);
std::string to_json(const MapDifference& difference);

}  // namespace unfold::compare
