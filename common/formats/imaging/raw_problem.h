#pragma once

#include "absl/status/statusor.h"
#include "common/formats/imaging/problem_file.h"
#include "common/formats/imaging/raw_source.h"

namespace unfold::imaging_data {

/// Everything a source of raw events holds, in memory, as write_problem() takes it: the response
/// is read, the lookup made.
absl::StatusOr<ProblemParts> problem_of(const RawSource& source, const Binning& binning);

}  // namespace unfold::imaging_data
