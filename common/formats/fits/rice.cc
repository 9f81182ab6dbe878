#include "common/formats/fits/rice.h"

#include <algorithm>
#include <bit>

namespace unfold::fits {
namespace {

// Bits from the most significant end; reads past the end give zeros and are remembered.
class BitReader {
 public:
  explicit BitReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::uint32_t bits(int count) {
    while (held_ < count) pull();
    held_ -= count;
    const std::uint64_t value = window_ >> held_;
    window_ &= (std::uint64_t{1} << held_) - 1;
    return static_cast<std::uint32_t>(value);
  }

  // How many 0 bits come before the next 1, which is consumed too.
  std::uint32_t zeros() {
    std::uint32_t count = 0;
    while (window_ == 0) {
      count += static_cast<std::uint32_t>(held_);
      held_ = 0;
      if (at_ >= bytes_.size()) {
        overrun_ = true;
        return count;
      }
      pull();
    }
    const int width = static_cast<int>(std::bit_width(window_));
    count += static_cast<std::uint32_t>(held_ - width);
    held_ = width - 1;
    window_ &= (std::uint64_t{1} << held_) - 1;
    return count;
  }

  bool overrun() const { return overrun_; }

 private:
  void pull() {
    std::uint64_t next = 0;
    if (at_ < bytes_.size()) {
      next = std::to_integer<std::uint64_t>(bytes_[at_++]);
    } else {
      overrun_ = true;
    }
    window_ = (window_ << 8) | next;
    held_ += 8;
  }

  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  std::uint64_t window_ = 0;  // the low held_ bits are unread
  int held_ = 0;
  bool overrun_ = false;
};

// Differences are stored folded: 0, -1, 1, -2, 2 ... as 0, 1, 2, 3, 4 ...
std::uint32_t unfolded(std::uint32_t folded) {
  return (folded & 1U) != 0 ? ~(folded >> 1) : folded >> 1;
}

std::int32_t narrowed(std::uint32_t value, int bytes) {
  switch (bytes) {
    case 1:
      return static_cast<std::uint8_t>(value);
    case 2:
      return static_cast<std::int16_t>(value);
    default:
      return static_cast<std::int32_t>(value);
  }
}

}  // namespace

bool rice_decode(std::span<const std::byte> code, int bytes_per_value, std::int64_t block_values,
                 std::span<std::int32_t> out) {
  const int select_bits = bytes_per_value == 1 ? 3 : bytes_per_value == 2 ? 4 : 5;
  const int verbatim = bytes_per_value == 1 ? 6 : bytes_per_value == 2 ? 14 : 25;
  const int value_bits = 8 * bytes_per_value;
  BitReader reader(code);
  std::uint32_t last = reader.bits(value_bits);
  for (std::size_t begin = 0; begin < out.size(); begin += static_cast<std::size_t>(block_values)) {
    const std::size_t end = std::min(out.size(), begin + static_cast<std::size_t>(block_values));
    const int split = static_cast<int>(reader.bits(select_bits)) - 1;
    for (std::size_t i = begin; i < end; ++i) {
      if (split >= verbatim) {
        last += unfolded(reader.bits(value_bits));
      } else if (split >= 0) {
        const std::uint32_t high = reader.zeros();
        last += unfolded((high << split) | reader.bits(split));
      }
      out[i] = narrowed(last, bytes_per_value);
    }
    if (reader.overrun()) return false;
  }
  return true;
}

}  // namespace unfold::fits
