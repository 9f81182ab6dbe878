#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/roots/roots.h"
#include "unfold/v1/types.pb.h"

namespace unfold::plan {

/// An input file, open.
struct InputFile {
  std::string rooted;
  FileHandle handle;
  v1::InputIdentity identity;
};

/// Finds and opens an input. MISSING_FIELD where `path` is empty; errors carry `field`.
absl::StatusOr<InputFile> open_input(const Roots& roots, const std::string& path,
                                     const std::string& field);

struct OutputRules {
  bool overwrite = false;
  bool parents = false;
};

/// The outputs of one job: each may be written, none twice, none over an input.
class OutputFiles {
 public:
  OutputFiles(const Roots& roots, OutputRules rules) : roots_(roots), rules_(rules) {}

  /// An input must not be overwritten.
  void protect(const v1::InputIdentity& input) { inputs_.push_back(input); }

  /// Checks one output and returns its rooted path; nothing is written. Errors carry `field`:
  /// OUTPUT_EXISTS, OUTPUT_FOLDER_MISSING, READ_ONLY_ROOT, DUPLICATE_OUTPUT, OUTPUT_IS_INPUT,
  /// NOT_A_FILE, PERMISSION_DENIED, BAD_PATH, OUTSIDE_ROOTS, NO_SUCH_ROOT, MISSING_FIELD.
  absl::StatusOr<std::string> add(const std::string& path, const std::string& field);

 private:
  absl::Status check_place(const std::string& rooted) const;
  absl::Status check_existing(const std::string& rooted, int folder_fd,
                              const std::string& name) const;

  const Roots& roots_;
  OutputRules rules_;
  std::vector<v1::InputIdentity> inputs_;
  std::vector<std::string> added_;
};

}  // namespace unfold::plan
