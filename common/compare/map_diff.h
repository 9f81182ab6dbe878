#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/compare/product_diff.h"
#include "common/formats/imaging/map_file.h"

namespace unfold::compare {

/// The same sky, energies, regions, datasets, numbers and parameters?
ProductDifference diff_maps(const imaging_data::MapProduct& a, const imaging_data::MapProduct& b,
                            double tolerance);
/// Reads both files. Errors: what reading gave, with the file's name in it.
absl::StatusOr<ProductDifference> diff_maps(const std::string& a, const std::string& b,
                                            double tolerance);

}  // namespace unfold::compare
