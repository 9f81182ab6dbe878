#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/formats/fits/file_bytes.h"
#include "common/formats/fits/header.h"
#include "common/formats/fits/table.h"

namespace unfold::fits {

/// Bytes that can be read at any place.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::uint64_t size() const = 0;
  /// Fills `into` from `offset`; false where the bytes cannot be had.
  virtual bool read(std::uint64_t offset, std::span<std::byte> into) const = 0;
};

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::uint64_t size() const override { return bytes_.size(); }
  bool read(std::uint64_t offset, std::span<std::byte> into) const override;

 private:
  std::span<const std::byte> bytes_;
};

class FileSource final : public ByteSource {
 public:
  explicit FileSource(const FileHandle& file);  ///< not owned
  std::uint64_t size() const override { return size_; }
  bool read(std::uint64_t offset, std::span<std::byte> into) const override;

 private:
  int fd_;
  std::uint64_t size_;
};

enum class HduType { kImage, kBinaryTable, kAsciiTable };

/// One header and data unit, checked: its data lie inside the file.
struct Hdu {
  std::string name;  ///< EXTNAME, or empty
  HduType type = HduType::kImage;
  int bitpix = 8;
  std::vector<std::int64_t> axes;  ///< NAXIS1 (fastest) first
  std::uint64_t header_offset = 0;
  std::uint64_t data_offset = 0;
  std::uint64_t data_bytes = 0;  ///< without padding; a table's heap included
  Header header;
  std::vector<Column> columns;    ///< of a binary table
  bool compressed_image = false;  ///< a tile-compressed image in a binary table

  std::uint64_t padded_end() const;
};

/// The structure of a FITS file, in file order.
struct Structure {
  std::string shown;
  std::vector<Hdu> hdus;

  const Hdu* find(std::string_view name) const;
  /// MISSING_HDU.
  absl::StatusOr<const Hdu*> require(std::string_view name) const;
};

/// Walks every HDU of `source` and checks what other readers take on trust: mandatory keywords and
/// their order, BITPIX, axes, PCOUNT and GCOUNT, column formats against the row length, heap place,
/// and every size, overflow-checked, against the bytes that are there.
/// Allocates in proportion to the headers only. Errors, all InvalidArgument and naming `shown`:
/// NOT_FITS, TRUNCATED, TOO_LARGE, BAD_STRUCTURE, BAD_HEADER_VALUE. Source: FITS standard 4.0.
absl::StatusOr<Structure> scan(const ByteSource& source, std::string_view shown);

/// Columns of a binary table's header, whose widths must add up to `row_bytes`.
absl::StatusOr<std::vector<Column>> parse_columns(const Header& header, std::int64_t row_bytes);

/// A scanned file with its bytes.
struct LoadedFile {
  FileBytes bytes;
  Structure structure;

  std::span<const std::byte> data(const Hdu& hdu) const;
};
absl::StatusOr<LoadedFile> load_and_scan(const std::string& path, const std::string& shown,
                                         WithDigest digest = WithDigest::kYes);

/// The same of bytes in memory, gzip or plain.
absl::StatusOr<LoadedFile> load_from_memory(std::span<const std::byte> stored,
                                            std::string_view shown);

/// Structure alone: of a plain file only the headers are read; gzip is decompressed whole.
struct ScannedHeaders {
  Structure structure;
  bool compressed = false;
};
absl::StatusOr<ScannedHeaders> scan_headers(const std::string& path, const std::string& shown);

/// The first header alone; of a gzip file only its beginning is decompressed, and nothing after it
/// is checked.
absl::StatusOr<Header> read_first_header(const std::string& path, const std::string& shown);

/// A binary table with its rows.
absl::StatusOr<Table> read_table(const LoadedFile& file, const Hdu& hdu);

}  // namespace unfold::fits
