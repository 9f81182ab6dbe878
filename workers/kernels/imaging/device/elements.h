#pragma once

#include <bit>
#include <cstdint>

#include "workers/compute/host_device.h"
#include "workers/kernels/imaging/half.h"

/// Stored response elements as device code reads them: a thread takes four of a row at once.
namespace unfold::imaging {

template <class Stored>
struct alignas(sizeof(Stored) < 4 ? 4 * sizeof(Stored) : 16) Four {
  Stored v[4];
};

/// Exact, but for integers above 2^24, which are rounded. Small integers become the low bits of
/// 2^23 + n, which costs no conversion.
UNFOLD_HD inline double value_of(double x) { return x; }
UNFOLD_HD inline float value_of(float x) { return x; }
UNFOLD_HD inline float value_of(Half x) {
  return std::bit_cast<float>(std::uint32_t{x.bits} << 13) * 0x1p112f;
}
UNFOLD_HD inline float value_of(std::uint16_t n) {
  return std::bit_cast<float>(0x4b000000u | n) - 0x1p23f;
}
UNFOLD_HD inline float value_of(std::uint8_t n) { return value_of(std::uint16_t{n}); }
UNFOLD_HD inline float value_of(std::uint32_t n) { return static_cast<float>(n); }

}  // namespace unfold::imaging
