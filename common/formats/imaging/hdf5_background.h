#pragma once

#include "common/formats/imaging/fields.h"
#include "common/formats/imaging/source.h"

namespace unfold::imaging_data {

/// The names of a group's background components: its children that begin with "background", each a
/// dataset [T, D], or a group with `spectrum` [D] and `scale` [T].
absl::StatusOr<std::vector<std::string>> background_names(const Fields& fields);
/// Checks shapes and units; the numbers there are to read.
absl::StatusOr<std::int64_t> count_background(const Fields& fields, const std::string& name,
                                              std::int64_t times, std::int64_t bins);
/// BAD_VALUE for what is negative or not finite.
absl::StatusOr<BackgroundTemplate> read_background(const Fields& fields, const std::string& name,
                                                   std::int64_t times, std::int64_t bins);

}  // namespace unfold::imaging_data
