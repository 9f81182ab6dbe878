#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/roots/roots.h"

namespace unfold::engine {

/// What one attempt at a job leaves for the next, on whatever worker: a file
/// ".NAME.JOB.checkpoint" beside the job's first output. It is replaced whole (written under
/// another name, synced, renamed), and holds a digest of everything that it depends on. Not thread
/// safe.
class CheckpointFile {
 public:
  /// The errors of Roots::open_output().
  static absl::StatusOr<CheckpointFile> beside(const Roots& roots, const std::string& output,
                                               const std::string& job_id);

  /// The numbers that an attempt with the same digest saved. NotFound where there is none;
  /// FailedPrecondition, which says why, where it is another's or damaged.
  absl::StatusOr<std::vector<double>> read(const std::string& digest) const;
  /// `attempt` keeps two writers of one job apart: a frozen worker may thaw.
  absl::Status write(const std::string& digest, std::span<const double> numbers, int attempt);
  /// Removes it and what a killed writer left.
  void remove() const;

 private:
  CheckpointFile(FileHandle folder, std::string name)
      : folder_(std::move(folder)), name_(std::move(name)) {}

  FileHandle folder_;
  std::string name_;
};

}  // namespace unfold::engine
