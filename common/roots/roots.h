#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace unfold {

/// An open file descriptor, closed on destruction (-1: none). Move-only.
class FileHandle {
 public:
  FileHandle() = default;
  explicit FileHandle(int fd) : fd_(fd) {}
  ~FileHandle();
  FileHandle(FileHandle&& other) noexcept;
  FileHandle& operator=(FileHandle&& other) noexcept;

  int fd() const { return fd_; }
  /// "/proc/self/fd/N": how readers open what the roots allowed. Valid while this lives.
  std::string proc_path() const;

 private:
  int fd_ = -1;
};

/// The named folders that jobs may read and write, as this host sees them ("NAME=DIR[:ro]").
///
/// A path is "name:relative". Resolution never leaves the root: openat2 with RESOLVE_BENEATH and
/// RESOLVE_NO_MAGICLINKS, so symbolic links that stay inside are followed, others refused.
/// Immutable after make(); thread safe.
class Roots {
 public:
  /// Opens each folder. InvalidArgument names the specification at fault.
  static absl::StatusOr<Roots> make(const std::vector<std::string>& specifications);

  /// "name:relative" for an absolute path (the longest root that holds it) or for a path that is
  /// in that form already; "." and ".." are removed by name ("name:." is the root itself).
  /// InvalidArgument: OUTSIDE_ROOTS when no root holds it, NO_SUCH_ROOT, BAD_PATH (neither form, or
  /// empty).
  absl::StatusOr<std::string> to_rooted(std::string_view path) const;

  /// Opens a regular file for reading. NotFound/INPUT_NOT_FOUND, PermissionDenied, and
  /// InvalidArgument (NOT_A_FILE, OUTSIDE_ROOTS, NO_SUCH_ROOT, BAD_PATH). Names are plain file
  /// names: no wild cards, filters or other syntax.
  absl::StatusOr<FileHandle> open_file(std::string_view rooted) const;

  /// An output's folder, opened, and its last path component. With `parents`, missing folders are
  /// made. FailedPrecondition where the folder is absent (OUTPUT_FOLDER_MISSING) or the root is
  /// read-only (READ_ONLY_ROOT).
  struct OutputPlace {
    FileHandle folder;
    std::string name;
  };
  absl::StatusOr<OutputPlace> open_output(std::string_view rooted, bool parents) const;

  /// The names of the entries of a folder, sorted.
  absl::StatusOr<std::vector<std::string>> list_folder(std::string_view rooted) const;

  /// name -> folder as given, for people.
  std::map<std::string, std::string> table() const;

 private:
  struct Root {
    std::string name;
    std::string given{};   // the folder as configured
    std::string folder{};  // canonical, without a trailing slash
    std::shared_ptr<const FileHandle> handle{};
    bool read_only = false;
  };
  struct Place {
    const Root* root = nullptr;
    std::string relative;
  };
  absl::StatusOr<Place> find(std::string_view rooted) const;
  const Root* by_name(std::string_view name) const;

  std::vector<Root> roots_;
};

}  // namespace unfold
