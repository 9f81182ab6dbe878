#include "common/roots/beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "absl/strings/str_split.h"

namespace unfold {
namespace {

int open_with_openat2(int folder_fd, const std::string& relative, int flags) {
  open_how how{};
  how.flags = static_cast<__u64>(flags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  int fd = -1;
  do {
    fd = static_cast<int>(syscall(SYS_openat2, folder_fd, relative.c_str(), &how, sizeof how));
  } while (fd < 0 && (errno == EINTR || errno == EAGAIN));
  return fd;
}

// openat with O_NOFOLLOW says ELOOP or ENOTDIR for a link, depending on the other flags.
bool is_link(int folder_fd, const std::string& name) {
  struct stat info {};
  return fstatat(folder_fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(info.st_mode);
}

int fail(int error_number) {
  errno = error_number;
  return -1;
}

}  // namespace

int open_beneath(int folder_fd, const std::string& relative, int flags) {
  const int fd = open_with_openat2(folder_fd, relative, flags);
  if (fd < 0 && errno == ENOSYS) return open_beneath_by_steps(folder_fd, relative, flags);
  return fd;
}

int open_beneath_by_steps(int folder_fd, const std::string& relative, int flags) {
  if (relative.empty()) return fail(ENOENT);
  if (relative.front() == '/') return fail(EXDEV);
  const std::vector<std::string> steps = absl::StrSplit(relative, '/', absl::SkipEmpty());
  int at = openat(folder_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  for (std::size_t i = 0; at >= 0 && i < steps.size(); ++i) {
    int next = -1;
    if (steps[i] == ".." || is_link(at, steps[i])) {
      errno = EXDEV;
    } else {
      const bool last = i + 1 == steps.size();
      next = openat(at, steps[i].c_str(),
                    (last ? flags : O_PATH | O_DIRECTORY | O_CLOEXEC) | O_NOFOLLOW);
    }
    const int kept = errno;
    close(at);
    errno = kept;
    at = next;
  }
  return at;
}

}  // namespace unfold
