#include "common/roots/roots.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/roots/beneath.h"

namespace unfold {
namespace {

namespace fs = std::filesystem;

constexpr char kRootForm[] = "give NAME=DIR or NAME=DIR:ro, NAME of letters, digits, _ and -";

std::string in_quotes(std::string_view path) { return absl::StrCat("\"", std::string(path), "\""); }

absl::Status bad_root(std::string_view specification, std::string why, std::string remedy) {
  return error({.reason = "BAD_ROOT",
                .field = "root",
                .what = absl::StrCat("cannot use root ", in_quotes(specification)),
                .why = std::move(why),
                .remedy = std::move(remedy)});
}

bool is_root_name(std::string_view name) {
  return !name.empty() && name.size() < 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
  });
}

// "a/./b/../c" -> "a/c" by name alone; empty where it climbs above its start.
std::string cleaned(std::string_view relative) {
  std::string out = fs::path(std::string(relative)).lexically_normal().string();
  while (!out.empty() && out.back() == '/') out.pop_back();
  if (out == ".." || absl::StartsWith(out, "../") || absl::StartsWith(out, "/")) return {};
  return out;
}

absl::Status outside(std::string_view path) {
  return error({.reason = "OUTSIDE_ROOTS",
                .what = absl::StrCat("cannot use ", in_quotes(path)),
                .why = "it lies outside the roots",
                .remedy = "`unfold doctor` lists the roots; start the service with --root NAME=DIR "
                          "to add one"});
}

absl::Status bad_path(std::string_view path) {
  return error({.reason = "BAD_PATH",
                .what = absl::StrCat("cannot use ", in_quotes(path)),
                .why = "it is no file name",
                .remedy = "give an absolute path or ROOT:PATH"});
}

// What a failed open means to the person who named the path.
absl::Status open_error(std::string_view rooted, int error_number) {
  Problem problem{.what = absl::StrCat("cannot open ", in_quotes(rooted))};
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      problem.code = absl::StatusCode::kNotFound;
      problem.reason = "INPUT_NOT_FOUND";
      problem.why = "no such file";
      problem.remedy = "check the path as the service sees it";
      break;
    case EACCES:
    case EPERM:
      problem.code = absl::StatusCode::kPermissionDenied;
      problem.reason = "PERMISSION_DENIED";
      problem.why = "permission denied";
      problem.remedy = "make it readable for the service's user";
      break;
    case EXDEV:
    case ELOOP:
      return outside(rooted);
    case ENAMETOOLONG:
      return bad_path(rooted);
    default:
      problem.code = absl::StatusCode::kUnavailable;
      problem.reason = "READ_FAILED";
      problem.why = std::strerror(error_number);
      problem.remedy = "try again";
  }
  return error(problem);
}

absl::Status not_a_file(std::string_view rooted, mode_t mode) {
  return error({.reason = "NOT_A_FILE",
                .what = absl::StrCat("cannot read ", in_quotes(rooted)),
                .why = S_ISDIR(mode) ? "it is a directory" : "it is not a regular file",
                .remedy = "name a file"});
}

absl::Status folder_missing(std::string_view rooted) {
  return error({.code = absl::StatusCode::kFailedPrecondition,
                .reason = "OUTPUT_FOLDER_MISSING",
                .what = absl::StrCat("cannot write ", in_quotes(rooted)),
                .why = "its folder does not exist",
                .remedy = "make it, or use --parents"});
}

// Opens `folder` below the root, making what is missing. -1 with errno on failure.
int make_folders(int root_fd, const std::string& folder) {
  std::string so_far;
  int at = open_beneath(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (const fs::path& part : fs::path(folder)) {
    if (at < 0) return -1;
    if (!so_far.empty()) so_far += '/';
    so_far += part.string();
    int next = open_beneath(root_fd, so_far, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (next < 0 && errno == ENOENT) {
      if (mkdirat(at, part.c_str(), 0777) == 0 || errno == EEXIST) {
        next = open_beneath(root_fd, so_far, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      }
    }
    const int kept = errno;
    close(at);
    errno = kept;
    at = next;
  }
  return at;
}

}  // namespace

FileHandle::~FileHandle() {
  if (fd_ >= 0) close(fd_);
}
FileHandle::FileHandle(FileHandle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
FileHandle& FileHandle::operator=(FileHandle&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}
std::string FileHandle::proc_path() const { return absl::StrCat("/proc/self/fd/", fd_); }

absl::StatusOr<Roots> Roots::make(const std::vector<std::string>& specifications) {
  Roots out;
  for (const std::string& specification : specifications) {
    const std::size_t equals = specification.find('=');
    if (equals == std::string::npos || !is_root_name(specification.substr(0, equals))) {
      return bad_root(specification, "it is not of the form NAME=DIR", kRootForm);
    }
    Root root{.name = specification.substr(0, equals), .given = specification.substr(equals + 1)};
    if (absl::EndsWith(root.given, ":ro")) {
      root.given.resize(root.given.size() - 3);
      root.read_only = true;
    }
    if (out.by_name(root.name) != nullptr) {
      return bad_root(specification, "the name is used twice", "give each root its own name");
    }
    root.handle =
        std::make_shared<FileHandle>(open(root.given.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    std::error_code failed;
    root.folder = fs::canonical(root.given, failed).string();
    if (root.handle->fd() < 0 || failed) {
      return bad_root(specification, "the folder cannot be opened",
                      "make it, and readable for the service's user");
    }
    out.roots_.push_back(std::move(root));
  }
  return out;
}

const Roots::Root* Roots::by_name(std::string_view name) const {
  const auto it = std::find_if(roots_.begin(), roots_.end(),
                               [&](const Root& root) { return root.name == name; });
  return it == roots_.end() ? nullptr : &*it;
}

absl::StatusOr<std::string> Roots::to_rooted(std::string_view path) const {
  if (path.find('\0') != std::string_view::npos || path.empty()) return bad_path(path);
  if (path.front() != '/') {
    UNFOLD_ASSIGN_OR_RETURN(const Place place, find(path));
    return absl::StrCat(place.root->name, ":", place.relative);
  }
  // First by name; then, for a path that reaches a root through a symbolic link, by where its
  // folder really is.
  const fs::path named = fs::path(std::string(path)).lexically_normal();
  std::error_code failed;
  const fs::path real = fs::weakly_canonical(named.parent_path(), failed) / named.filename();
  for (const fs::path& candidate : {named, failed ? named : real}) {
    const Root* best = nullptr;
    std::size_t best_size = 0;
    std::string relative;
    for (const Root& root : roots_) {
      for (const std::string& folder : {root.folder, root.given}) {
        const std::string prefix = folder == "/" ? folder : folder + "/";
        if (folder.empty() || folder.front() != '/' || prefix.size() <= best_size) continue;
        const std::string whole = candidate.string() + (candidate == folder ? "/." : "");
        if (!absl::StartsWith(whole, prefix)) continue;
        best = &root;
        best_size = prefix.size();
        relative = cleaned(whole.substr(prefix.size()));
      }
    }
    if (best != nullptr && !relative.empty()) return absl::StrCat(best->name, ":", relative);
  }
  return outside(path);
}

absl::StatusOr<Roots::Place> Roots::find(std::string_view rooted) const {
  const std::size_t colon = rooted.find(':');
  if (colon == std::string_view::npos || rooted.find('\0') != std::string_view::npos) {
    return bad_path(rooted);
  }
  const Root* root = by_name(rooted.substr(0, colon));
  if (root == nullptr) {
    return error({.reason = "NO_SUCH_ROOT",
                  .what = absl::StrCat("cannot use ", in_quotes(rooted)),
                  .why = absl::StrCat("there is no root ", in_quotes(rooted.substr(0, colon))),
                  .remedy = "`unfold doctor` lists the roots"});
  }
  std::string relative = cleaned(rooted.substr(colon + 1));
  if (relative.empty()) {
    return rooted.size() == colon + 1 ? bad_path(rooted) : outside(rooted);
  }
  return Place{root, std::move(relative)};
}

absl::StatusOr<FileHandle> Roots::open_file(std::string_view rooted) const {
  UNFOLD_ASSIGN_OR_RETURN(const Place place, find(rooted));
  // O_NONBLOCK: opening a pipe must not wait for its writer.
  FileHandle handle(open_beneath(place.root->handle->fd(), place.relative,
                                 O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (handle.fd() < 0) return open_error(rooted, errno);
  struct stat info {};
  if (fstat(handle.fd(), &info) != 0) return open_error(rooted, errno);
  if (!S_ISREG(info.st_mode)) return not_a_file(rooted, info.st_mode);
  return handle;
}

absl::StatusOr<Roots::OutputPlace> Roots::open_output(std::string_view rooted, bool parents) const {
  UNFOLD_ASSIGN_OR_RETURN(const Place place, find(rooted));
  const fs::path relative(place.relative);
  if (relative.filename() == ".") return bad_path(rooted);
  if (place.root->read_only) {
    return error({.code = absl::StatusCode::kFailedPrecondition,
                  .reason = "READ_ONLY_ROOT",
                  .what = absl::StrCat("cannot write ", in_quotes(rooted)),
                  .why = absl::StrCat("root ", in_quotes(place.root->name), " is read-only"),
                  .remedy = "write below another root"});
  }
  const std::string folder =
      relative.has_parent_path() ? relative.parent_path().string() : std::string(".");
  const int root_fd = place.root->handle->fd();
  FileHandle handle(parents ? make_folders(root_fd, folder)
                            : open_beneath(root_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (handle.fd() >= 0) return OutputPlace{std::move(handle), relative.filename().string()};
  if (errno == ENOENT) return folder_missing(rooted);
  if (errno == ENOTDIR) {
    return error({.reason = "BAD_PATH",
                  .what = absl::StrCat("cannot write ", in_quotes(rooted)),
                  .why = "a part of its path is not a folder",
                  .remedy = "check the path"});
  }
  return open_error(rooted, errno);
}

absl::StatusOr<std::vector<std::string>> Roots::list_folder(std::string_view rooted) const {
  // The root itself ("name:") is a folder too.
  const bool whole_root = !rooted.empty() && rooted.back() == ':';
  UNFOLD_ASSIGN_OR_RETURN(
      const Place place,
      find(whole_root ? absl::StrCat(std::string(rooted), ".") : std::string(rooted)));
  const int fd =
      open_beneath(place.root->handle->fd(), place.relative, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return open_error(rooted, errno);
  DIR* folder = fdopendir(fd);
  if (folder == nullptr) {
    const int kept = errno;
    close(fd);
    return open_error(rooted, kept);
  }
  std::vector<std::string> names;
  while (const dirent* entry = readdir(folder)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  closedir(folder);
  std::sort(names.begin(), names.end());
  return names;
}

std::map<std::string, std::string> Roots::table() const {
  std::map<std::string, std::string> out;
  for (const Root& root : roots_) out[root.name] = root.given;
  return out;
}

}  // namespace unfold
