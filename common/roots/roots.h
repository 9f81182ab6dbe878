#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace unfold {

/// An open file descriptor, closed on destruction. Move-only.
class FileHandle {
 public:
  FileHandle() = default;
  explicit FileHandle(int fd) : fd_(fd) {}
  ~FileHandle();
  FileHandle(FileHandle&& other) noexcept;
  FileHandle& operator=(FileHandle&& other) noexcept;

  int fd() const { return fd_; }
  /// "/proc/self/fd/N": how CFITSIO and HDF5 open what the roots allowed. Valid while this lives.
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
  /// in that form already. InvalidArgument/OUTSIDE_ROOTS when no root holds it.
  absl::StatusOr<std::string> to_rooted(std::string_view path) const;

  /// Opens a regular file for reading. NotFound, PermissionDenied, InvalidArgument (not a regular
  /// file, outside the root).
  absl::StatusOr<FileHandle> open_file(std::string_view rooted) const;

  /// An output's folder, opened, and its last path component. With `parents`, missing folders are
  /// made. FailedPrecondition where the folder is absent or the root is read-only.
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
    std::string folder;  // canonical, without a trailing slash
    int fd = -1;         // shared by copies; lives as long as the process
    bool read_only = false;
  };
  absl::StatusOr<const Root*> find(std::string_view rooted, std::string* relative) const;

  std::vector<Root> roots_;
};

}  // namespace unfold
