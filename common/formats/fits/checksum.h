#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace unfold::fits {

/// The 32-bit one's complement sum of big-endian words that DATASUM and CHECKSUM use. Source: FITS
/// standard 4.0, appendix J.
class OnesComplementSum {
 public:
  /// Bytes of a whole number of 4-byte words.
  void add(std::span<const std::byte> words);
  void add_sum(std::uint32_t other) { total_ += other; }
  std::uint32_t value() const;

 private:
  std::uint64_t total_ = 0;
};

/// The 16 characters of CHECKSUM that bring an HDU whose other words add up to `sum` to all ones,
/// already rotated for a card's column 12.
std::string checksum_text(std::uint32_t sum);

}  // namespace unfold::fits
