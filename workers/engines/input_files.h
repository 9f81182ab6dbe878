#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/roots/roots.h"
#include "unfold/v1/types.pb.h"

namespace unfold::engine {

/// Opens an input and checks that it is still the file that `plan` was made for (device, inode,
/// size, modification and change time). FailedPrecondition/INPUT_CHANGED otherwise; the errors of
/// Roots::open_file(). A file that the plan does not list is opened unchecked.
absl::StatusOr<FileHandle> open_planned(const Roots& roots, const std::string& rooted,
                                        const v1::Plan& plan);

/// INPUT_CHANGED where an open file is no longer what `plan` was made for: it was written to while
/// it was read. What was read from it must not stay under a key that the plan made.
absl::Status check_unchanged(const FileHandle& file, const std::string& rooted,
                             const v1::Plan& plan);

/// Several of a job's inputs, by rooted path. The same path twice is opened once.
using OpenFiles = std::map<std::string, FileHandle>;
absl::StatusOr<OpenFiles> open_planned(const Roots& roots, const std::vector<std::string>& rooted,
                                       const v1::Plan& plan);
absl::Status check_unchanged(const OpenFiles& files, const v1::Plan& plan);

/// The identity of an input as text, for cache keys; empty when the plan does not list it.
std::string identity_text(const std::string& rooted, const v1::Plan& plan);

}  // namespace unfold::engine
