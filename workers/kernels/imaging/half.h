#pragma once

#include <bit>
#include <cstdint>

namespace unfold::imaging {

/// IEEE binary16, for values in [0, 65504]: rounded to nearest even.
struct Half {
  std::uint16_t bits = 0;

  Half() = default;
  explicit Half(double value) {
    const auto single = static_cast<float>(value);
    const auto wide = std::bit_cast<std::uint32_t>(single);
    constexpr float kSmallestNormal = 0x1p-14f;
    if (single < kSmallestNormal) {  // the addition rounds at 2^-24, the unit of subnormals
      constexpr float kAligned = 0.5f;
      bits = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(single + kAligned) -
                                        std::bit_cast<std::uint32_t>(kAligned));
    } else {
      constexpr std::uint32_t kRebias = (127 - 15) << 10;
      bits = static_cast<std::uint16_t>(((wide + 0xfff + ((wide >> 13) & 1)) >> 13) - kRebias);
    }
  }
  explicit operator double() const {
    return static_cast<double>(std::bit_cast<float>(std::uint32_t{bits} << 13) * 0x1p112f);
  }
};
static_assert(sizeof(Half) == 2);

}  // namespace unfold::imaging
