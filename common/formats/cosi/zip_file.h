#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/formats/fits/file_bytes.h"

namespace unfold::cosi {

/// What the directory of a zip file says of one member; checked against the file's size.
struct ZipEntry {
  std::string name{};
  bool deflated = false;  ///< else stored
  std::uint32_t crc = 0;
  std::uint64_t stored_bytes = 0;
  std::uint64_t bytes = 0;
  std::uint64_t header_at = 0;
};

/// The directory of a zip (or zip64) file. Nothing in it is trusted: BAD_ZIP where it disagrees
/// with the file or with itself, for encryption, other compressions and files of several discs.
class ZipFile {
 public:
  static absl::StatusOr<ZipFile> open(const std::string& path, std::string_view shown);
  const std::vector<ZipEntry>& entries() const { return entries_; }
  /// A member's bytes as they are stored, piece by piece.
  absl::Status read_stored(const ZipEntry& entry,
                           const std::function<void(std::span<const unsigned char>)>& take) const;
  const std::string& shown() const { return shown_; }

 private:
  friend class ZipMember;
  absl::StatusOr<std::uint64_t> data_of(const ZipEntry& entry) const;
  FileHandle file_;
  std::uint64_t size_ = 0;
  std::string shown_;
  std::vector<ZipEntry> entries_;
};

/// One member's bytes, in order, decompressed. The ZipFile outlives it. Move-only.
class ZipMember {
 public:
  static absl::StatusOr<ZipMember> open(const ZipFile& zip, const ZipEntry& entry);
  ZipMember(ZipMember&&) noexcept;
  ZipMember& operator=(ZipMember&&) noexcept;
  ~ZipMember();

  /// Fills all of `out`. BAD_ZIP where the member ends before, or its checksum is wrong (found
  /// with the last byte).
  absl::Status read(void* out, std::size_t size);

 private:
  struct State;
  explicit ZipMember(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace unfold::cosi
