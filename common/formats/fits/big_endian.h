#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

namespace unfold::fits {

template <std::size_t Bytes>
using UnsignedOf = std::conditional_t<
    Bytes == 1, std::uint8_t,
    std::conditional_t<Bytes == 2, std::uint16_t,
                       std::conditional_t<Bytes == 4, std::uint32_t, std::uint64_t>>>;

inline std::uint8_t swapped(std::uint8_t value) { return value; }
inline std::uint16_t swapped(std::uint16_t value) { return __builtin_bswap16(value); }
inline std::uint32_t swapped(std::uint32_t value) { return __builtin_bswap32(value); }
inline std::uint64_t swapped(std::uint64_t value) { return __builtin_bswap64(value); }

/// FITS numbers are big-endian; hosts of this program are little-endian.
static_assert(std::endian::native == std::endian::little);

template <class T>
T load_big(const std::byte* at) {
  UnsignedOf<sizeof(T)> raw;
  std::memcpy(&raw, at, sizeof raw);
  return std::bit_cast<T>(swapped(raw));
}

template <class T>
void store_big(std::byte* at, T value) {
  const auto raw = swapped(std::bit_cast<UnsignedOf<sizeof(T)>>(value));
  std::memcpy(at, &raw, sizeof raw);
}

/// Writes `values` as big-endian to `out`, which holds values.size() * sizeof(T) bytes.
template <class T>
void store_big(std::span<const T> values, std::byte* out) {
  for (std::size_t i = 0; i < values.size(); ++i) store_big(out + i * sizeof(T), values[i]);
}

}  // namespace unfold::fits
