#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "common/roots/roots.h"

namespace unfold::fits {

/// The largest file that is taken into memory, decompressed.
inline constexpr std::uint64_t kMaxFileBytes = std::uint64_t{2} << 30;

/// Owns bytes that were never zeroed.
struct Buffer {
  struct Free {
    void operator()(std::byte* pointer) const { std::free(pointer); }
  };
  std::unique_ptr<std::byte, Free> data{};
  std::size_t size = 0;

  std::span<const std::byte> bytes() const { return {data.get(), size}; }
  std::span<std::byte> writable() { return {data.get(), size}; }
};

/// A buffer of `size` bytes; ResourceExhausted/OUT_OF_MEMORY.
absl::StatusOr<Buffer> allocate(std::size_t size);

/// A file's contents, decompressed where they are gzip (by content, not by name).
struct FileBytes {
  Buffer contents;
  bool compressed = false;
  std::string sha256;  ///< of the bytes as stored, where it was asked for
};

/// Opens a regular file for reading. `path` may be /proc/self/fd/N.
/// INPUT_NOT_FOUND, NOT_A_FILE, PERMISSION_DENIED.
absl::StatusOr<FileHandle> open_regular(const std::string& path, std::string_view shown);

/// A buffer with the same bytes.
absl::StatusOr<Buffer> copied(std::span<const std::byte> bytes);

/// True where the bytes, or the file, start as gzip does.
bool starts_as_gzip(std::span<const std::byte> bytes);
absl::StatusOr<bool> is_gzip(const FileHandle& file, std::string_view shown);

/// Reads all of it. TRUNCATED (a gzip file that ends early or fails its checks, a file that
/// shrank), TOO_LARGE.
enum class WithDigest { kNo, kYes };
absl::StatusOr<FileBytes> load(const FileHandle& file, std::string_view shown, WithDigest digest);

/// Decompresses gzip (all members) of at most kMaxFileBytes.
absl::StatusOr<Buffer> gunzip(std::span<const std::byte> compressed, std::string_view shown);

/// The first `most` bytes, or fewer where the file has no more. TRUNCATED where gzip is damaged
/// before that.
absl::StatusOr<Buffer> gunzip_beginning(const FileHandle& file, std::size_t most,
                                        std::string_view shown);

/// How messages name a file: `shown`, or the path itself.
std::string shown_name(const std::string& path, const std::string& shown);

}  // namespace unfold::fits
