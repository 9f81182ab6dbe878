#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "common/base/mutex.h"
#include "workers/engines/input_files.h"

namespace unfold::engine {

/// SHA-256 of the files read last, by their identity, so that a file is read for it once. Holds
/// 256. Thread safe.
class FileDigests {
 public:
  /// An empty identity is never remembered.
  absl::StatusOr<std::string> of(const std::string& identity, const std::string& path) const;

  /// Of a job's inputs, by rooted path.
  absl::StatusOr<std::map<std::string, std::string>> of_all(const OpenFiles& files,
                                                            const v1::Plan& plan) const;

 private:
  mutable Mutex mutex_;
  mutable std::deque<std::pair<std::string, std::string>> known_ UNFOLD_GUARDED_BY(mutex_);
};

}  // namespace unfold::engine
