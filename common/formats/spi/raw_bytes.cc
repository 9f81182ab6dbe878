#include "common/formats/spi/raw_bytes.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"

namespace unfold::spi_data {
namespace {

absl::Status failed(const std::string& path, int number) {
  const bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
  return error(
      {.code = full ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kUnavailable,
       .reason = full ? "DISK_FULL" : "WRITE_FAILED",
       .what = absl::StrCat("cannot write \"", path, "\""),
       .why = std::strerror(number),
       .remedy = full ? "free space on the output's file system" : "check the folder"});
}

}  // namespace

absl::StatusOr<RawBytes> RawBytes::read(const NamedFile& file) {
  UNFOLD_ASSIGN_OR_RETURN(const FileHandle handle, fits::open_regular(file.path, file.shown));
  UNFOLD_ASSIGN_OR_RETURN(fits::FileBytes bytes,
                          fits::load(handle, file.shown, fits::WithDigest::kNo));
  return RawBytes(std::move(bytes.contents));
}

absl::Status write_file(const std::string& path, std::string_view bytes) {
  const FileHandle file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (file.fd() < 0) return failed(path, errno);
  while (!bytes.empty()) {
    const ::ssize_t done = ::write(file.fd(), bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return failed(path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return absl::OkStatus();
}

}  // namespace unfold::spi_data
