#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/sha256.h"
#include "common/base/status_macros.h"
#include "common/publish/publication.h"

namespace unfold {

int FileCalls::rename_no_replace(int folder, const char* from, const char* to) {
  return ::renameat2(folder, from, folder, to, RENAME_NOREPLACE);
}
int FileCalls::rename(int folder, const char* from, const char* to) {
  return ::renameat(folder, from, folder, to);
}
int FileCalls::link(int folder, const char* from, const char* to) {
  return ::linkat(folder, from, folder, to, 0);
}
int FileCalls::unlink(int folder, const char* name) { return ::unlinkat(folder, name, 0); }
int FileCalls::open(int folder, const char* name, int flags, unsigned mode) {
  return ::openat(folder, name, flags, mode);
}
int FileCalls::fsync(int fd) { return ::fsync(fd); }

namespace {

/// NFS forgets handles when a server fails over; the same call then works again.
constexpr int kStaleRetries = 4;

template <class Call>
auto retried(Call call) {
  auto result = call();
  for (int i = 1; i < kStaleRetries && result < 0 && (errno == ESTALE || errno == EINTR); ++i) {
    result = call();
  }
  return result;
}

struct Trouble {
  int number;
  absl::StatusCode code;
  const char* reason;
  const char* why;
  const char* remedy;
};
constexpr Trouble kTroubles[] = {
    {ENOSPC, absl::StatusCode::kResourceExhausted, "DISK_FULL", "no space left on the device",
     "free space, then retry the job"},
    {EDQUOT, absl::StatusCode::kResourceExhausted, "DISK_FULL", "disk quota exceeded",
     "free space, then retry the job"},
    {EXDEV, absl::StatusCode::kFailedPrecondition, "CROSS_DEVICE",
     "its temporary file is on another file system", "publish into a plain folder"},
    {EEXIST, absl::StatusCode::kAlreadyExists, "OUTPUT_EXISTS", "the file exists",
     "choose another name or use --overwrite"},
    {ENOENT, absl::StatusCode::kNotFound, "OUTPUT_IO", "no such file", ""},
};

absl::Status trouble(int number, absl::string_view what, const std::string& name) {
  Problem problem{.code = absl::StatusCode::kUnavailable,
                  .reason = "OUTPUT_IO",
                  .field = "",
                  .what = absl::StrCat("cannot ", what, " ", name),
                  .why = std::strerror(number),
                  .remedy = "check the output folder"};
  for (const Trouble& known : kTroubles) {
    if (known.number != number) continue;
    problem.code = known.code;
    problem.reason = known.reason;
    problem.why = known.why;
    problem.remedy = known.remedy;
  }
  return error(problem);
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

class PosixPublishFiles final : public PublishFiles {
 public:
  PosixPublishFiles(int folder, ProductOwnership ownership, std::shared_ptr<FileCalls> calls)
      : folder_(folder), ownership_(ownership), calls_(std::move(calls)) {}

  absl::Status sync_file(const std::string& name) override {
    const Descriptor file(open(name, O_RDONLY | O_NOFOLLOW));
    if (file.get() < 0) return trouble(errno, "open", name);
    if (ownership_.group >= 0 &&
        ::fchown(file.get(), static_cast<uid_t>(-1), static_cast<gid_t>(ownership_.group)) != 0) {
      return trouble(errno, "set the group of", name);
    }
    if (::fchmod(file.get(), ownership_.mode) != 0) return trouble(errno, "set the mode of", name);
    if (retried([&] { return calls_->fsync(file.get()); }) != 0) {
      return trouble(errno, "write", name);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Content> content(const std::string& name) override {
    const Descriptor file(open(name, O_RDONLY | O_NOFOLLOW));
    if (file.get() < 0) return trouble(errno, "open", name);
    Content content;
    Sha256 digest;
    std::vector<std::byte> block(std::size_t{1} << 18);
    for (;;) {
      const ssize_t n = retried([&] { return ::read(file.get(), block.data(), block.size()); });
      if (n < 0) return trouble(errno, "read", name);
      if (n == 0) break;
      digest.update({block.data(), static_cast<std::size_t>(n)});
      content.size_bytes += n;
    }
    content.sha256 = digest.hex();
    return content;
  }

  absl::Status rename(const std::string& from, const std::string& to, bool replace) override {
    if (replace) {
      const int done = retried([&] { return calls_->rename(folder_, from.c_str(), to.c_str()); });
      return done == 0 ? absl::OkStatus() : trouble(errno, "publish", to);
    }
    const int done =
        retried([&] { return calls_->rename_no_replace(folder_, from.c_str(), to.c_str()); });
    if (done == 0) return absl::OkStatus();
    if (errno == EINVAL || errno == ENOSYS) return link_and_unlink(from, to);
    return trouble(errno, "publish", to);
  }

  absl::Status remove(const std::string& name) override {
    const int done = retried([&] { return calls_->unlink(folder_, name.c_str()); });
    return done == 0 || errno == ENOENT ? absl::OkStatus() : trouble(errno, "remove", name);
  }

  absl::Status sync_folder() override {
    const int done = retried([&] { return calls_->fsync(folder_); });
    return done == 0 ? absl::OkStatus() : trouble(errno, "write", "the output folder");
  }

  absl::StatusOr<std::vector<std::string>> list() override {
    const int fd = open(".", O_RDONLY | O_DIRECTORY);
    if (fd < 0) return trouble(errno, "list", "the output folder");
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(::fdopendir(fd), &::closedir);
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(folder.get())) {
      const std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(name);
    }
    return names;
  }

 private:
  int open(const std::string& name, int flags) {
    return retried([&] { return calls_->open(folder_, name.c_str(), flags | O_CLOEXEC, 0); });
  }

  /// For file systems without RENAME_NOREPLACE (NFS, older Lustre): link() refuses an existing name
  /// just as atomically. A death between the two calls leaves the complete product and a .part that
  /// the next sweep takes.
  absl::Status link_and_unlink(const std::string& from, const std::string& to) {
    if (retried([&] { return calls_->link(folder_, from.c_str(), to.c_str()); }) != 0) {
      const int number = errno;
      // A repeated request over NFS sees its own success as EEXIST.
      if (number != EEXIST || !same_file(from, to)) return trouble(number, "publish", to);
    }
    return remove(from);
  }

  bool same_file(const std::string& a, const std::string& b) const {
    struct stat first {};
    struct stat second {};
    return ::fstatat(folder_, a.c_str(), &first, AT_SYMLINK_NOFOLLOW) == 0 &&
           ::fstatat(folder_, b.c_str(), &second, AT_SYMLINK_NOFOLLOW) == 0 &&
           first.st_dev == second.st_dev && first.st_ino == second.st_ino;
  }

  int folder_;
  ProductOwnership ownership_;
  std::shared_ptr<FileCalls> calls_;
};

}  // namespace

std::shared_ptr<PublishFiles> make_posix_publish_files(int folder_fd, ProductOwnership ownership,
                                                       std::shared_ptr<FileCalls> calls) {
  return std::make_shared<PosixPublishFiles>(folder_fd, ownership, std::move(calls));
}

absl::Status check_publication_place(int folder_fd, const std::string& final_name,
                                     std::int64_t fence, bool overwrite) {
  struct stat folder {};
  if (::fstat(folder_fd, &folder) != 0) return trouble(errno, "look at", "the output folder");
  struct stat existing {};
  if (::fstatat(folder_fd, final_name.c_str(), &existing, AT_SYMLINK_NOFOLLOW) == 0) {
    if (!overwrite) return trouble(EEXIST, "publish", final_name);
    if (existing.st_dev != folder.st_dev) return trouble(EXDEV, "publish", final_name);
  }
  const std::string part = part_name(final_name, fence);
  ::unlinkat(folder_fd, part.c_str(), 0);  // this fence is ours alone: a leftover is our own
  const Descriptor file(::openat(folder_fd, part.c_str(),
                                 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (file.get() < 0) return trouble(errno, "create", part);
  struct stat made {};
  const bool looked = ::fstat(file.get(), &made) == 0;
  ::unlinkat(folder_fd, part.c_str(), 0);
  if (!looked) return trouble(EIO, "look at", part);
  return made.st_dev == folder.st_dev ? absl::OkStatus() : trouble(EXDEV, "publish", final_name);
}

}  // namespace unfold
