#include "common/formats/imaging/bitshuffle.h"

#include <lz4.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace unfold::imaging_data {
namespace {

constexpr std::size_t kHead = 12;
constexpr std::size_t kBlockHead = 4;
constexpr std::size_t kMaxBlock = std::size_t{1} << 26;
constexpr std::size_t kGroup = 8;  // elements that fill a byte of each bit

std::uint64_t big_endian(std::span<const std::byte> bytes) {
  std::uint64_t out = 0;
  for (const std::byte byte : bytes) out = out << 8 | std::to_integer<std::uint64_t>(byte);
  return out;
}

// shuffled [bits, n/8 bytes] to elements [n, element_bytes].
void unshuffle(std::span<const std::byte> shuffled, std::size_t element_bytes,
               std::span<std::byte> out) {
  const std::size_t elements = out.size() / element_bytes;
  const std::size_t row = elements / kGroup;
  std::fill(out.begin(), out.end(), std::byte{0});
  for (std::size_t byte = 0; byte < element_bytes; ++byte) {
    for (std::size_t bit = 0; bit < 8; ++bit) {
      const std::byte* from = shuffled.data() + (byte * 8 + bit) * row;
      for (std::size_t group = 0; group < row; ++group) {
        const auto bits = std::to_integer<unsigned>(from[group]);
        if (bits == 0) continue;  // counts are mostly small: most bits are
        std::byte* to = out.data() + group * kGroup * element_bytes + byte;
        for (std::size_t i = 0; i < kGroup; ++i) {
          to[i * element_bytes] |= static_cast<std::byte>((bits >> i & 1U) << bit);
        }
      }
    }
  }
}

}  // namespace

std::string undo_bitshuffle_lz4(std::span<const std::byte> stored, std::size_t element_bytes,
                                std::span<std::byte> out) {
  if (stored.size() < kHead) return "a chunk is too short for its head";
  if (big_endian(stored.first(8)) != out.size()) return "a chunk holds another number of bytes";
  const std::uint64_t block_bytes = big_endian(stored.subspan(8, 4));
  if (block_bytes == 0 || block_bytes > kMaxBlock || block_bytes % (kGroup * element_bytes) != 0) {
    return "a chunk's blocks have no sensible size";
  }
  stored = stored.subspan(kHead);
  std::vector<std::byte> shuffled;
  while (out.size() >= kGroup * element_bytes) {
    const std::size_t whole = out.size() - out.size() % (kGroup * element_bytes);
    const std::size_t bytes = std::min<std::size_t>(block_bytes, whole);
    if (stored.size() < kBlockHead) return "a chunk ends early";
    const std::uint64_t packed = big_endian(stored.first(kBlockHead));
    stored = stored.subspan(kBlockHead);
    if (packed > stored.size()) return "a chunk ends early";
    shuffled.resize(bytes);
    const int got = LZ4_decompress_safe(reinterpret_cast<const char*>(stored.data()),
                                        reinterpret_cast<char*>(shuffled.data()),
                                        static_cast<int>(packed), static_cast<int>(bytes));
    if (got < 0 || static_cast<std::size_t>(got) != bytes) return "a chunk's LZ4 data are damaged";
    unshuffle(shuffled, element_bytes, out.first(bytes));
    stored = stored.subspan(packed);
    out = out.subspan(bytes);
  }
  if (stored.size() != out.size()) return "a chunk has another length than its blocks";
  std::copy(stored.begin(), stored.end(), out.begin());
  return "";
}

}  // namespace unfold::imaging_data
