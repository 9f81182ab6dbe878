#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/formats/fits/file_bytes.h"
#include "common/formats/spi/source.h"

// Files of plain numbers. Of this module alone.
namespace unfold::spi_data {

/// A whole file in memory, at most fits::kMaxFileBytes.
class RawBytes {
 public:
  static absl::StatusOr<RawBytes> read(const NamedFile& file);
  std::span<const std::byte> bytes() const { return contents_.bytes(); }

 private:
  explicit RawBytes(fits::Buffer contents) : contents_(std::move(contents)) {}
  fits::Buffer contents_;
};

/// Creates or replaces `path`. DISK_FULL, WRITE_FAILED.
absl::Status write_file(const std::string& path, std::string_view bytes);

// The caller has looked that the bytes are there.
inline std::uint32_t load_word(std::span<const std::byte> bytes, std::size_t place, bool big) {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    out |= std::to_integer<std::uint32_t>(bytes[place + i]) << (8 * (big ? 3 - i : i));
  }
  return out;
}
inline std::uint16_t load_short(std::span<const std::byte> bytes, std::size_t place, bool big) {
  const auto first = std::to_integer<unsigned>(bytes[place + (big ? 0 : 1)]);
  return static_cast<std::uint16_t>(first << 8 |
                                    std::to_integer<unsigned>(bytes[place + (big ? 1 : 0)]));
}
inline void store_little(std::string& bytes, std::size_t place, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) bytes[place + i] = static_cast<char>(value >> (8 * i) & 0xFF);
}

}  // namespace unfold::spi_data
