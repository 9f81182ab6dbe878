#include "workers/engines/input_files.h"

#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"

namespace unfold::engine {
namespace {

const v1::InputIdentity* find(const std::string& rooted, const v1::Plan& plan) {
  for (const v1::InputIdentity& identity : plan.inputs()) {
    if (identity.path() == rooted) return &identity;
  }
  return nullptr;
}

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

bool same(const struct stat& now, const v1::InputIdentity& then) {
  return now.st_dev == then.device() && now.st_ino == then.inode() &&
         now.st_size == then.size_bytes() && nanoseconds(now.st_mtim) == then.modified_ns() &&
         nanoseconds(now.st_ctim) == then.changed_ns();
}

}  // namespace

absl::StatusOr<FileHandle> open_planned(const Roots& roots, const std::string& rooted,
                                        const v1::Plan& plan) {
  UNFOLD_ASSIGN_OR_RETURN(FileHandle file, roots.open_file(rooted));
  UNFOLD_RETURN_IF_ERROR(check_unchanged(file, rooted, plan));
  return file;
}

absl::Status check_unchanged(const FileHandle& file, const std::string& rooted,
                             const v1::Plan& plan) {
  const v1::InputIdentity* planned = find(rooted, plan);
  if (planned == nullptr) return absl::OkStatus();
  struct stat now {};
  if (::fstat(file.fd(), &now) != 0) return absl::ErrnoToStatus(errno, rooted);
  if (same(now, *planned)) return absl::OkStatus();
  return error({.code = absl::StatusCode::kFailedPrecondition,
                .reason = "INPUT_CHANGED",
                .field = "",
                .what = absl::StrCat("cannot use ", rooted),
                .why = "it was replaced or written to after the job was submitted",
                .remedy = "submit the job again"});
}

absl::StatusOr<OpenFiles> open_planned(const Roots& roots, const std::vector<std::string>& rooted,
                                       const v1::Plan& plan) {
  OpenFiles out;
  for (const std::string& path : rooted) {
    if (out.contains(path)) continue;
    UNFOLD_ASSIGN_OR_RETURN(FileHandle file, open_planned(roots, path, plan));
    out.emplace(path, std::move(file));
  }
  return out;
}

absl::Status check_unchanged(const OpenFiles& files, const v1::Plan& plan) {
  for (const auto& [path, file] : files) {
    UNFOLD_RETURN_IF_ERROR(check_unchanged(file, path, plan));
  }
  return absl::OkStatus();
}

std::string identity_text(const std::string& rooted, const v1::Plan& plan) {
  const v1::InputIdentity* planned = find(rooted, plan);
  if (planned == nullptr) return "";
  return absl::StrCat(planned->device(), ".", planned->inode(), ".", planned->size_bytes(), ".",
                      planned->modified_ns(), ".", planned->changed_ns());
}

}  // namespace unfold::engine
