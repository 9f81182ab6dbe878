#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/formats/fits/header.h"
#include "common/formats/fits/table.h"

namespace unfold::fits {

/// Writes a FITS file HDU by HDU, each with DATASUM and CHECKSUM, numbers converted to big-endian
/// block by block. The first HDU is the primary one. Compressed files are gathered in memory and
/// written by finish(). The file is not synced. Move-only, not thread safe.
///
/// Errors: ResourceExhausted/DISK_FULL, Unavailable/WRITE_FAILED, InvalidArgument/WRONG_SHAPE.
class Writer {
 public:
  /// Creates or truncates exactly `path` (no name syntax; /proc/self/fd/N/name works).
  static absl::StatusOr<Writer> create(const std::string& path, bool compress);
  Writer(Writer&&) noexcept;
  Writer& operator=(Writer&&) noexcept;
  ~Writer();

  /// `axes` NAXIS1 first. Structural cards, checksums and EXTNAME of `header` are ignored. Unsigned
  /// values are stored as FITS wants them, signed with BZERO.
  absl::Status image(const std::string& name, const std::vector<std::int64_t>& axes,
                     std::span<const float> values, const Header& header);
  absl::Status image(const std::string& name, const std::vector<std::int64_t>& axes,
                     std::span<const double> values, const Header& header);
  absl::Status image(const std::string& name, const std::vector<std::int64_t>& axes,
                     std::span<const std::int16_t> values, const Header& header);
  absl::Status image(const std::string& name, const std::vector<std::int64_t>& axes,
                     std::span<const std::uint32_t> values, const Header& header);
  absl::Status table(const std::string& name, const Table& table);

  /// Completes the file. Nothing may follow.
  absl::Status finish();

 private:
  class Sink;
  explicit Writer(std::unique_ptr<Sink> sink);
  template <class T>
  absl::Status write_image(const std::string& name, const std::vector<std::int64_t>& axes,
                           std::span<const T> values, const Header& header);
  template <class T, class Store>
  absl::Status write_data(Header header, std::span<const T> values, Store store);
  Header structural(int bitpix, const std::vector<std::int64_t>& axes) const;

  std::unique_ptr<Sink> sink_;
  std::uint64_t at_ = 0;
};

/// True for keywords that describe the bytes of one HDU and must not be carried to another:
/// SIMPLE, XTENSION, BITPIX, NAXISn, EXTEND, PCOUNT, GCOUNT, GROUPS, BSCALE, BZERO, BLANK, TFIELDS,
/// CHECKSUM, DATASUM, EXTNAME, INHERIT and the Z keywords of tile compression.
bool is_structural_keyword(std::string_view key);

}  // namespace unfold::fits
