#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/publish/publication.h"

namespace unfold::test {

/// A folder in memory whose next calls can be made to fail.
class MemoryFiles final : public PublishFiles {
 public:
  std::map<std::string, std::string> files;
  std::map<std::string, absl::Status> failures;  ///< by operation: "sync_file", "rename", ...
  std::vector<std::string> calls;

  absl::Status sync_file(const std::string& name) override {
    return begin("sync_file", name, files.contains(name));
  }
  absl::StatusOr<Content> content(const std::string& name) override {
    const absl::Status status = begin("content", name, files.contains(name));
    if (!status.ok()) return status;
    return content_of(files[name]);
  }
  absl::Status rename(const std::string& from, const std::string& to, bool replace) override {
    const absl::Status status = begin("rename", to, files.contains(from));
    if (!status.ok()) return status;
    if (!replace && files.contains(to)) return absl::AlreadyExistsError(to);
    files[to] = std::move(files[from]);
    files.erase(from);
    return absl::OkStatus();
  }
  absl::Status remove(const std::string& name) override {
    files.erase(name);
    return begin("remove", name, true);
  }
  absl::Status sync_folder() override { return begin("sync_folder", "", true); }
  absl::StatusOr<std::vector<std::string>> list() override {
    std::vector<std::string> names;
    for (const auto& [name, text] : files) names.push_back(name);
    return names;
  }

  static Content content_of(const std::string& text) {
    return {static_cast<std::int64_t>(text.size()), "digest of " + text};
  }

 private:
  absl::Status begin(const std::string& operation, const std::string& name, bool present) {
    calls.push_back(name.empty() ? operation : operation + " " + name);
    if (const auto failure = failures.find(operation); failure != failures.end()) {
      return failure->second;
    }
    return present ? absl::OkStatus() : absl::NotFoundError(name);
  }
};

}  // namespace unfold::test
