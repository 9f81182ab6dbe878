#include "workers/engines/file_digests.h"

#include "common/base/sha256.h"
#include "common/base/status_macros.h"

namespace unfold::engine {
namespace {

constexpr std::size_t kMostFiles = 256;

}  // namespace

absl::StatusOr<std::string> FileDigests::of(const std::string& identity,
                                            const std::string& path) const {
  {
    const MutexLock lock(mutex_);
    for (const auto& [known, sha256] : known_) {
      if (known == identity) return sha256;
    }
  }
  UNFOLD_ASSIGN_OR_RETURN(std::string sha256, sha256_of_file(path));
  if (identity.empty()) return sha256;
  const MutexLock lock(mutex_);
  known_.emplace_back(identity, sha256);
  if (known_.size() > kMostFiles) known_.pop_front();
  return sha256;
}

absl::StatusOr<std::map<std::string, std::string>> FileDigests::of_all(const OpenFiles& files,
                                                                       const v1::Plan& plan) const {
  std::map<std::string, std::string> out;
  for (const auto& [path, file] : files) {
    UNFOLD_ASSIGN_OR_RETURN(out[path], of(identity_text(path, plan), file.proc_path()));
  }
  return out;
}

}  // namespace unfold::engine
