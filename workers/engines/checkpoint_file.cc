#include "workers/engines/checkpoint_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/sha256.h"
#include "common/base/status_macros.h"

namespace unfold::engine {
namespace {

constexpr char kFirstLine[] = "unfold checkpoint 2\n";
constexpr std::size_t kHex = 64;
constexpr std::size_t kHeadBytes = sizeof kFirstLine - 1 + 2 * (kHex + 1);

absl::Status system_error(const char* what) {
  return absl::ErrnoToStatus(errno, absl::StrCat("the checkpoint: ", what));
}

absl::Status unusable(const char* why) {
  return absl::FailedPreconditionError(absl::StrCat("the checkpoint is ignored: ", why));
}

std::string sha256_of(std::span<const double> numbers) {
  Sha256 digest;
  digest.update(std::as_bytes(numbers));
  return digest.hex();
}

std::string head_of(const std::string& digest, std::span<const double> numbers) {
  return absl::StrCat(kFirstLine, digest, "\n", sha256_of(numbers), "\n");
}

absl::Status read_all(int fd, char* to, std::size_t bytes) {
  while (bytes > 0) {
    const ssize_t got = ::read(fd, to, bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("read");
    if (got == 0) return unusable("it ends early");
    to += got;
    bytes -= static_cast<std::size_t>(got);
  }
  return absl::OkStatus();
}

absl::Status write_all(int fd, const char* from, std::size_t bytes) {
  while (bytes > 0) {
    const ssize_t put = ::write(fd, from, bytes);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return system_error("write");
    from += put;
    bytes -= static_cast<std::size_t>(put);
  }
  return absl::OkStatus();
}

absl::Status write_file(int folder, const std::string& name, const std::string& head,
                        std::span<const double> numbers) {
  ::unlinkat(folder, name.c_str(), 0);
  const FileHandle file(
      ::openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.fd() < 0) return system_error("open");
  UNFOLD_RETURN_IF_ERROR(write_all(file.fd(), head.data(), head.size()));
  const auto bytes = std::as_bytes(numbers);
  UNFOLD_RETURN_IF_ERROR(
      write_all(file.fd(), reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  return ::fsync(file.fd()) == 0 ? absl::OkStatus() : system_error("fsync");
}

}  // namespace

absl::StatusOr<CheckpointFile> CheckpointFile::beside(const Roots& roots, const std::string& output,
                                                      const std::string& job_id) {
  UNFOLD_ASSIGN_OR_RETURN(Roots::OutputPlace place, roots.open_output(output, false));
  return CheckpointFile(std::move(place.folder),
                        absl::StrCat(".", place.name, ".", job_id, ".checkpoint"));
}

absl::StatusOr<std::vector<double>> CheckpointFile::read(const std::string& digest) const {
  const FileHandle file(
      ::openat(folder_.fd(), name_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (file.fd() < 0) {
    if (errno == ENOENT) return absl::NotFoundError("no checkpoint");
    return system_error("open");
  }
  struct stat info {};
  if (::fstat(file.fd(), &info) != 0) return system_error("stat");
  const auto size = static_cast<std::size_t>(info.st_size);
  if (!S_ISREG(info.st_mode) || size < kHeadBytes || (size - kHeadBytes) % sizeof(double) != 0) {
    return unusable("it is damaged");
  }
  std::string head(kHeadBytes, '\0');
  UNFOLD_RETURN_IF_ERROR(read_all(file.fd(), head.data(), head.size()));
  if (!absl::StartsWith(head, absl::StrCat(kFirstLine, digest, "\n"))) {
    return unusable("it was made from other inputs or options, or by another version");
  }
  std::vector<double> numbers((size - kHeadBytes) / sizeof(double));
  UNFOLD_RETURN_IF_ERROR(
      read_all(file.fd(), reinterpret_cast<char*>(numbers.data()), size - kHeadBytes));
  if (head != head_of(digest, numbers)) return unusable("it is damaged");
  return numbers;
}

absl::Status CheckpointFile::write(const std::string& digest, std::span<const double> numbers,
                                   int attempt) {
  const std::string fresh = absl::StrCat(name_, ".", attempt, ".tmp");
  absl::Status status = write_file(folder_.fd(), fresh, head_of(digest, numbers), numbers);
  if (status.ok() && ::renameat(folder_.fd(), fresh.c_str(), folder_.fd(), name_.c_str()) != 0) {
    status = system_error("rename");
  }
  if (!status.ok()) ::unlinkat(folder_.fd(), fresh.c_str(), 0);
  return status;
}

void CheckpointFile::remove() const {
  const int copy = ::openat(folder_.fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const folder = copy < 0 ? nullptr : ::fdopendir(copy);
  if (folder == nullptr) {
    if (copy >= 0) ::close(copy);
    return;
  }
  while (const dirent* entry = ::readdir(folder)) {
    if (absl::StartsWith(entry->d_name, name_)) ::unlinkat(folder_.fd(), entry->d_name, 0);
  }
  ::closedir(folder);
}

}  // namespace unfold::engine
