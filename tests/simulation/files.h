#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/publish/publication.h"

namespace unfold::simulation {

/// One output folder in memory, shared by all workers. Knows which fence wrote each file, which the
/// real thing does not.
class Folder final : public PublishFiles {
 public:
  struct File {
    Content content;
    std::string job;
    std::int64_t fence = 0;
    bool synced = false;
  };

  bool full = false;

  absl::Status write(const std::string& name, File file) {
    if (full) return absl::ResourceExhaustedError("no space left on device");
    files_[name] = std::move(file);
    return absl::OkStatus();
  }
  const File* find(const std::string& name) const {
    const auto found = files_.find(name);
    return found == files_.end() ? nullptr : &found->second;
  }
  const std::map<std::string, File>& files() const { return files_; }

  absl::Status sync_file(const std::string& name) override {
    const auto found = files_.find(name);
    if (found == files_.end()) return absl::NotFoundError(name);
    if (full) return absl::ResourceExhaustedError("no space left on device");
    found->second.synced = true;
    return absl::OkStatus();
  }
  absl::StatusOr<Content> content(const std::string& name) override {
    const File* file = find(name);
    if (file == nullptr) return absl::NotFoundError(name);
    return file->content;
  }
  absl::Status rename(const std::string& from, const std::string& to, bool replace) override {
    const auto found = files_.find(from);
    if (found == files_.end()) return absl::NotFoundError(from);
    if (!replace && files_.contains(to)) return absl::AlreadyExistsError(to);
    File file = std::move(found->second);
    files_.erase(found);
    files_[to] = std::move(file);
    return absl::OkStatus();
  }
  absl::Status remove(const std::string& name) override {
    files_.erase(name);
    return absl::OkStatus();
  }
  absl::Status sync_folder() override { return absl::OkStatus(); }
  absl::StatusOr<std::vector<std::string>> list() override {
    std::vector<std::string> names;
    for (const auto& [name, file] : files_) names.push_back(name);
    return names;
  }

 private:
  std::map<std::string, File> files_;
};

}  // namespace unfold::simulation
