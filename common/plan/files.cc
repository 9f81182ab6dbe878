#include "common/plan/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/plan/refuse.h"

namespace unfold::plan {
namespace {

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

v1::InputIdentity identity_of(const std::string& rooted, const FileHandle& handle) {
  v1::InputIdentity out;
  struct stat info {};
  fstat(handle.fd(), &info);
  out.set_path(rooted);
  out.set_device(info.st_dev);
  out.set_inode(info.st_ino);
  out.set_size_bytes(info.st_size);
  out.set_modified_ns(nanoseconds(info.st_mtim));
  out.set_changed_ns(nanoseconds(info.st_ctim));
  return out;
}

absl::Status missing(const std::string& field) {
  return refuse(field, "MISSING_FIELD", absl::StrCat(field, " is missing"), "the job needs it",
                "name a file");
}

absl::Status cannot_write(const std::string& rooted, std::string reason, std::string why,
                          std::string remedy) {
  return error({.code = absl::StatusCode::kFailedPrecondition,
                .reason = std::move(reason),
                .what = absl::StrCat("cannot write \"", rooted, "\""),
                .why = std::move(why),
                .remedy = std::move(remedy)});
}

}  // namespace

absl::StatusOr<InputFile> open_input(const Roots& roots, const std::string& path,
                                     const std::string& field) {
  if (path.empty()) return missing(field);
  const absl::StatusOr<std::string> rooted = roots.to_rooted(path);
  if (!rooted.ok()) return with_field(rooted.status(), field);
  absl::StatusOr<FileHandle> handle = roots.open_file(*rooted);
  if (!handle.ok()) return with_field(handle.status(), field);
  v1::InputIdentity identity = identity_of(*rooted, *handle);
  return InputFile{*rooted, *std::move(handle), std::move(identity)};
}

absl::StatusOr<std::string> OutputFiles::add(const std::string& path, const std::string& field) {
  if (path.empty()) return missing(field);
  const absl::StatusOr<std::string> rooted = roots_.to_rooted(path);
  if (!rooted.ok()) return with_field(rooted.status(), field);
  if (std::find(added_.begin(), added_.end(), *rooted) != added_.end()) {
    return with_field(
        cannot_write(*rooted, "DUPLICATE_OUTPUT", "another output of this job has the same name",
                     "give each output its own name"),
        field);
  }
  if (const absl::Status status = check_place(*rooted); !status.ok()) {
    return with_field(status, field);
  }
  added_.push_back(*rooted);
  return *rooted;
}

absl::Status OutputFiles::check_place(const std::string& rooted) const {
  const absl::StatusOr<Roots::OutputPlace> place = roots_.open_output(rooted, false);
  if (!place.ok()) {
    const bool will_be_made =
        rules_.parents && reason_of(place.status()) == "OUTPUT_FOLDER_MISSING";
    return will_be_made ? absl::OkStatus() : place.status();
  }
  if (faccessat(place->folder.fd(), ".", W_OK | X_OK, AT_EACCESS) != 0) {
    return cannot_write(rooted, "PERMISSION_DENIED", "its folder may not be written",
                        "make it writable for the service's user");
  }
  return check_existing(rooted, place->folder.fd(), place->name);
}

absl::Status OutputFiles::check_existing(const std::string& rooted, int folder_fd,
                                         const std::string& name) const {
  struct stat info {};
  if (fstatat(folder_fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return absl::OkStatus();
  if (!S_ISREG(info.st_mode)) {
    return cannot_write(rooted, "NOT_A_FILE", "something that is not a file has that name",
                        "choose another name");
  }
  const bool is_input = std::any_of(inputs_.begin(), inputs_.end(), [&](const auto& input) {
    return input.device() == info.st_dev && input.inode() == info.st_ino;
  });
  if (is_input) {
    return cannot_write(rooted, "OUTPUT_IS_INPUT", "it is one of the job's inputs",
                        "choose another name");
  }
  if (rules_.overwrite) return absl::OkStatus();
  return cannot_write(rooted, "OUTPUT_EXISTS", "it exists",
                      "choose another name, or use --overwrite");
}

}  // namespace unfold::plan
