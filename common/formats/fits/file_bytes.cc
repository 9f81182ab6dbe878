#include "common/formats/fits/file_bytes.h"

#include <fcntl.h>
#include <libdeflate.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/base/sha256.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/errors.h"

namespace unfold::fits {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 20;  // stays in cache between read and digest
constexpr std::size_t kMaxDeflateRatio = 1032;
constexpr std::size_t kFirstGuess = std::size_t{64} << 20;
constexpr std::size_t kSmallestMember = 18;  // bytes of gzip header and trailer

absl::Status too_large(std::string_view shown) {
  return bad_file(shown, "TOO_LARGE",
                  absl::StrCat("it holds more than ", kMaxFileBytes >> 20, " MiB"),
                  "check that this is the right file");
}

absl::Status truncated_gzip(std::string_view shown) {
  return bad_file(shown, "TRUNCATED", "its gzip data end early or are damaged",
                  "copy the file again");
}

absl::Status read_error(std::string_view shown, int error_number) {
  const bool missing = error_number == ENOENT || error_number == ENOTDIR;
  const bool denied = error_number == EACCES || error_number == EPERM;
  return error({.code = missing  ? absl::StatusCode::kNotFound
                        : denied ? absl::StatusCode::kPermissionDenied
                                 : absl::StatusCode::kUnavailable,
                .reason = missing  ? "INPUT_NOT_FOUND"
                          : denied ? "PERMISSION_DENIED"
                                   : "READ_FAILED",
                .what = absl::StrCat("cannot read \"", std::string(shown), "\""),
                .why = missing ? "no such file" : std::strerror(error_number),
                .remedy = "check the path"});
}

absl::StatusOr<std::size_t> read_some(int fd, std::span<std::byte> into, std::size_t offset,
                                      std::string_view shown) {
  ssize_t got = -1;
  do {
    got = pread(fd, into.data(), into.size(), static_cast<off_t>(offset));
  } while (got < 0 && errno == EINTR);
  if (got < 0) return read_error(shown, errno);
  return static_cast<std::size_t>(got);
}

absl::StatusOr<std::size_t> size_of(const FileHandle& file, std::string_view shown) {
  struct stat info {};
  if (fstat(file.fd(), &info) != 0) return read_error(shown, errno);
  return static_cast<std::size_t>(info.st_size);
}

// The trailer's uncompressed size: right for a single intact member, a hint otherwise.
std::size_t promised_size(std::span<const std::byte> compressed) {
  std::uint32_t size = 0;
  std::memcpy(&size, compressed.data() + compressed.size() - sizeof size, sizeof size);
  return size;
}

struct Decompressor {
  libdeflate_decompressor* handle = libdeflate_alloc_decompressor();
  Decompressor() = default;
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;
  ~Decompressor() { libdeflate_free_decompressor(handle); }
};

absl::StatusOr<Buffer> grown(const Buffer& from, std::size_t used, std::size_t size) {
  UNFOLD_ASSIGN_OR_RETURN(Buffer out, allocate(size));
  std::copy_n(from.data.get(), used, out.data.get());
  return out;
}

}  // namespace

absl::StatusOr<Buffer> allocate(std::size_t size) {
  Buffer out;
  out.data.reset(static_cast<std::byte*>(std::malloc(std::max<std::size_t>(size, 1))));
  out.size = size;
  if (out.data == nullptr) {
    return error({.code = absl::StatusCode::kResourceExhausted,
                  .reason = "OUT_OF_MEMORY",
                  .what = absl::StrCat("cannot allocate ", size, " bytes"),
                  .remedy = "free memory, or raise the limit"});
  }
  return out;
}

absl::StatusOr<FileHandle> open_regular(const std::string& path, std::string_view shown) {
  FileHandle file(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat info {};
  if (file.fd() < 0 || fstat(file.fd(), &info) != 0) return read_error(shown, errno);
  if (!S_ISREG(info.st_mode)) {
    return bad_file(shown, "NOT_A_FILE",
                    S_ISDIR(info.st_mode) ? "it is a directory" : "it is not a regular file",
                    "name a file");
  }
  return file;
}

absl::StatusOr<Buffer> copied(std::span<const std::byte> bytes) {
  UNFOLD_ASSIGN_OR_RETURN(Buffer out, allocate(bytes.size()));
  std::copy(bytes.begin(), bytes.end(), out.data.get());
  return out;
}

bool starts_as_gzip(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b};
}

absl::StatusOr<bool> is_gzip(const FileHandle& file, std::string_view shown) {
  std::array<std::byte, 2> magic{};
  UNFOLD_ASSIGN_OR_RETURN(const std::size_t got, read_some(file.fd(), magic, 0, shown));
  return starts_as_gzip(std::span(magic).first(got));
}

absl::StatusOr<FileBytes> load(const FileHandle& file, std::string_view shown,
                               WithDigest with_digest) {
  UNFOLD_ASSIGN_OR_RETURN(const std::size_t size, size_of(file, shown));
  if (size > kMaxFileBytes) return too_large(shown);
  UNFOLD_ASSIGN_OR_RETURN(Buffer stored, allocate(size));
  Sha256 digest;
  for (std::size_t at = 0; at < size;) {
    const std::span<std::byte> chunk = stored.writable().subspan(at, std::min(kChunk, size - at));
    UNFOLD_ASSIGN_OR_RETURN(const std::size_t got, read_some(file.fd(), chunk, at, shown));
    if (got == 0) {
      return bad_file(shown, "TRUNCATED", "it shrank while it was read", "copy the file again");
    }
    if (with_digest == WithDigest::kYes) digest.update(chunk.first(got));
    at += got;
  }
  FileBytes out;
  if (with_digest == WithDigest::kYes) out.sha256 = digest.hex();
  UNFOLD_ASSIGN_OR_RETURN(out.compressed, is_gzip(file, shown));
  if (out.compressed) {
    absl::StatusOr<Buffer> plain = gunzip(stored.bytes(), shown);
    if (!plain.ok()) return plain.status();
    out.contents = *std::move(plain);
  } else {
    out.contents = std::move(stored);
  }
  return out;
}

absl::StatusOr<Buffer> gunzip(std::span<const std::byte> compressed, std::string_view shown) {
  if (compressed.size() < kSmallestMember) return truncated_gzip(shown);
  const std::size_t limit =
      std::min<std::size_t>(kMaxFileBytes, compressed.size() * kMaxDeflateRatio);
  const Decompressor decompressor;
  absl::StatusOr<Buffer> first = allocate(std::min(promised_size(compressed), limit));
  if (!first.ok()) first = allocate(std::min(kFirstGuess, limit));  // a promise out of all reason
  if (!first.ok()) return first.status();
  Buffer out = *std::move(first);
  std::size_t in_used = 0;
  std::size_t out_used = 0;
  while (in_used < compressed.size()) {
    std::size_t in_got = 0;
    std::size_t out_got = 0;
    const libdeflate_result result = libdeflate_gzip_decompress_ex(
        decompressor.handle, compressed.data() + in_used, compressed.size() - in_used,
        out.data.get() + out_used, out.size - out_used, &in_got, &out_got);
    if (result == LIBDEFLATE_INSUFFICIENT_SPACE) {  // several members, or a wrong trailer
      if (out.size >= limit) {
        return limit == kMaxFileBytes ? too_large(shown) : truncated_gzip(shown);
      }
      const std::size_t more = std::min(limit, std::max(2 * out.size, kChunk));
      UNFOLD_ASSIGN_OR_RETURN(out, grown(out, out_used, more));
      continue;
    }
    if (result != LIBDEFLATE_SUCCESS) return truncated_gzip(shown);
    in_used += in_got;
    out_used += out_got;
  }
  out.size = out_used;
  return out;
}

absl::StatusOr<Buffer> gunzip_beginning(const FileHandle& file, std::size_t most,
                                        std::string_view shown) {
  UNFOLD_ASSIGN_OR_RETURN(const std::size_t size, size_of(file, shown));
  UNFOLD_ASSIGN_OR_RETURN(Buffer stored, allocate(std::min(size, most)));
  UNFOLD_ASSIGN_OR_RETURN(stored.size, read_some(file.fd(), stored.writable(), 0, shown));
  UNFOLD_ASSIGN_OR_RETURN(Buffer out, allocate(most));
  z_stream stream{};
  constexpr int kGzipWindow = 15 + 16;
  if (inflateInit2(&stream, kGzipWindow) != Z_OK) return truncated_gzip(shown);
  stream.next_in = reinterpret_cast<Bytef*>(stored.data.get());
  stream.avail_in = static_cast<uInt>(stored.size);
  stream.next_out = reinterpret_cast<Bytef*>(out.data.get());
  stream.avail_out = static_cast<uInt>(out.size);
  const int result = inflate(&stream, Z_SYNC_FLUSH);
  out.size -= stream.avail_out;
  inflateEnd(&stream);
  if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
    return truncated_gzip(shown);
  }
  return out;
}

std::string shown_name(const std::string& path, const std::string& shown) {
  return shown.empty() ? path : shown;
}

}  // namespace unfold::fits
