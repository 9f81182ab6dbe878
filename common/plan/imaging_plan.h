#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/formats/imaging/source.h"
#include "common/plan/files.h"
#include "common/plan/plan.h"

namespace unfold::plan {

/// plan() of a job whose engine is imaging. Beside headers it reads the counts, which may be NaN or
/// negative, and a small response, whose content names it. The outputs are planned in the order
/// map, FITS, PNG.
absl::StatusOr<Planned> plan_imaging(const v1::JobSpec& spec, const Roots& roots);

/// The inputs that an imaging job names, each with its field ("imaging.response"); the data first.
struct ImagingInput {
  std::string field;
  std::string path;
};
std::vector<ImagingInput> inputs_of(const v1::ImagingSpec& spec);

/// Opens a job's data; `proc_path` gives the path to read an input by. Errors carry the field of
/// the input that they name.
absl::StatusOr<std::unique_ptr<imaging_data::Source>> open_imaging(
    const v1::ImagingSpec& spec, const std::function<std::string(const std::string&)>& proc_path);

/// Bytes that a response of so many numbers takes in memory.
std::int64_t stored_bytes(std::int64_t numbers, v1::ResponseStorage storage);

}  // namespace unfold::plan
