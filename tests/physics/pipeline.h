#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "unfold/v1/types.pb.h"

namespace unfold::physics {

/// Plans and runs an extraction as a worker does (plan, read, compute, write, verify), in this
/// process. Paths of `spec` are "data:name" below `folder`; outputs are replaced. Returns the
/// product's own numbers.
absl::StatusOr<std::map<std::string, double>> run_extraction(const std::string& folder,
                                                             const v1::ExtractionSpec& spec);

}  // namespace unfold::physics
