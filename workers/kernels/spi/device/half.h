#pragma once

#include <cstdint>

#include "workers/compute/host_device.h"

/// Numbers of 16 bits (IEEE 754 binary16) as their bits, on any device.
namespace unfold::spi {

inline constexpr float kLargestHalf = 65504.0f;

/// To the nearest, ties to even; beyond the largest: the largest.
UNFOLD_HD inline std::uint16_t half_of(float x) {
  const auto bits = __builtin_bit_cast(std::uint32_t, x);
  const std::uint32_t sign = (bits >> 16) & 0x8000u;
  std::uint32_t size = bits & 0x7fffffffu;
  if (size >= 0x477ff000u) return static_cast<std::uint16_t>(sign | 0x7bffu);
  if (size < 0x38800000u) {  // below 2^-14 all are multiples of 2^-24, as floats from 1/2 to 1 are
    const float shifted = __builtin_bit_cast(float, size) + 0.5f;
    return static_cast<std::uint16_t>(sign |
                                      (__builtin_bit_cast(std::uint32_t, shifted) - 0x3f000000u));
  }
  size += 0xfffu + ((size >> 13) & 1u);
  return static_cast<std::uint16_t>(sign | ((size - 0x38000000u) >> 13));
}

UNFOLD_HD inline float float_of(std::uint16_t half) {
  const std::uint32_t size = half & 0x7fffu;
  const float value = size < 0x400u ? static_cast<float>(size) * 0x1p-24f
                                    : __builtin_bit_cast(float, (size << 13) + 0x38000000u);
  return (half & 0x8000u) != 0 ? -value : value;
}

/// The power of two that brings `largest` to [2048, 4096), so that counts up to 2048 stay exact and
/// nothing overflows; 1 where there is nothing to scale.
UNFOLD_HD inline float half_scale(float largest) {
  const int exponent = static_cast<int>((__builtin_bit_cast(std::uint32_t, largest) >> 23) & 0xffu);
  if (!(largest > 0) || exponent < 20 || exponent > 230) return 1;
  return __builtin_bit_cast(float, static_cast<std::uint32_t>(2 * 127 + 11 - exponent) << 23);
}

}  // namespace unfold::spi
