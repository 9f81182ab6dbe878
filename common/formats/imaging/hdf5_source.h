#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "common/formats/imaging/source.h"

namespace unfold::imaging_data {

/// Our own files (docs/formats.md): `files.data` with a group `in`; `files.response` and
/// `files.background` likewise, or with the same objects at the root.
absl::StatusOr<std::unique_ptr<Source>> open_hdf5_source(const SourceFiles& files);

}  // namespace unfold::imaging_data
