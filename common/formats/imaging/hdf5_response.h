#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/formats/imaging/fields.h"
#include "common/formats/imaging/source.h"

namespace unfold::imaging_data {

/// A response of ours: `instrument_response_cm2` [K, D], `instrument_response_counts` [K, D] whole
/// numbers with `count_scale_cm2` [K], or `R` [T, P, D] or [T, E, P, D], cm2 s sr. Where several
/// are there the first of them is taken.
struct ResponsePlace {
  ResponseKind kind = ResponseKind::kFactored;
  hdf5::Dataset rows;
  std::optional<hdf5::Dataset> scale{};  ///< with counts
  bool others_ignored = false;           ///< R is there too

  std::int64_t bins() const { return rows.info().shape.back(); }
  std::int64_t row_count() const;
};

/// MISSING_OBJECT (InvalidArgument) where the group has none.
absl::StatusOr<ResponsePlace> find_response(const Fields& fields);
/// Its rows in order. BAD_VALUE for what is negative or not finite, or no whole count.
std::unique_ptr<ResponseRows> response_rows(const ResponsePlace& place);
/// SHA-256 of shape and stored values, however they are packed; empty above 64 MiB.
absl::StatusOr<std::string> response_digest(const ResponsePlace& place);

}  // namespace unfold::imaging_data
