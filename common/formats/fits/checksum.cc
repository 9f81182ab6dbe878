#include "common/formats/fits/checksum.h"

#include <array>

#include "common/formats/fits/big_endian.h"

namespace unfold::fits {
namespace {

constexpr std::uint32_t kAllOnes = 0xFFFFFFFF;
constexpr std::size_t kTextBytes = 16;

bool is_punctuation(int c) { return (c >= 0x3a && c <= 0x40) || (c >= 0x5b && c <= 0x60); }

// One byte of the sum as four characters that add up to it (beyond four times '0'), stepping pairs
// apart until none is punctuation.
std::array<int, 4> characters_of(std::uint32_t byte) {
  std::array<int, 4> out{};
  out.fill(static_cast<int>(byte / 4) + '0');
  out[0] += static_cast<int>(byte % 4);
  for (std::size_t pair : {std::size_t{0}, std::size_t{2}}) {
    while (is_punctuation(out[pair]) || is_punctuation(out[pair + 1])) {
      ++out[pair];
      --out[pair + 1];
    }
  }
  return out;
}

}  // namespace

void OnesComplementSum::add(std::span<const std::byte> words) {
  std::uint64_t sum = 0;  // 2^32 words before it could overflow
  for (std::size_t i = 0; i + 4 <= words.size(); i += 4) {
    sum += load_big<std::uint32_t>(words.data() + i);
  }
  total_ += (sum & kAllOnes) + (sum >> 32);
}

std::uint32_t OnesComplementSum::value() const {
  std::uint64_t folded = total_;
  while ((folded >> 32) != 0) folded = (folded & kAllOnes) + (folded >> 32);
  return static_cast<std::uint32_t>(folded);
}

std::string checksum_text(std::uint32_t sum) {
  const std::uint32_t complement = ~sum;
  std::string text(kTextBytes, '0');
  for (std::size_t byte = 0; byte < 4; ++byte) {
    const std::array<int, 4> characters = characters_of((complement >> (24 - 8 * byte)) & 0xFF);
    for (std::size_t i = 0; i < 4; ++i) {
      text[(4 * i + byte + 1) % kTextBytes] = static_cast<char>(characters[i]);
    }
  }
  return text;
}

}  // namespace unfold::fits
