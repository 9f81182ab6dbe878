#include "common/formats/fits/tile_codes.h"

#include <zlib.h>

#include <algorithm>
#include <bit>

#include "common/formats/fits/big_endian.h"

namespace unfold::fits {
namespace {

// A place in a string of bits, the most significant of each byte first. It may move past the end,
// where all bits are 0.
class BitPlace {
 public:
  explicit BitPlace(std::span<const std::byte> bytes) : bytes_(bytes), end_(8 * bytes.size()) {}

  void skip(std::uint64_t bits) { at_ += bits; }

  std::uint32_t take(int bits) {
    const std::uint64_t value = window() >> (64 - bits);
    at_ += static_cast<std::uint64_t>(bits);
    return static_cast<std::uint32_t>(value);
  }

  // Zeros and the 1 that ends them.
  void skip_run() {
    while (at_ < end_) {
      const std::uint64_t bits = window();
      if (bits != 0) {
        at_ += static_cast<std::uint64_t>(std::countl_zero(bits)) + 1;
        return;
      }
      at_ += 64 - at_ % 8;
    }
    at_ = end_ + 1;
  }

  bool past_end() const { return at_ > end_; }

 private:
  // At least the next 57 bits, from the most significant down, then zeros.
  std::uint64_t window() const {
    const std::size_t first = at_ / 8;
    std::uint64_t out = 0;
    if (first + sizeof out <= bytes_.size()) {
      out = load_big<std::uint64_t>(bytes_.data() + first);
    } else {
      for (std::size_t i = first; i < first + sizeof out; ++i) {
        out = (out << 8) | (i < bytes_.size() ? std::to_integer<std::uint64_t>(bytes_[i]) : 0);
      }
    }
    return out << (at_ % 8);
  }

  std::span<const std::byte> bytes_;
  std::uint64_t end_;
  std::uint64_t at_ = 0;
};

}  // namespace

bool rice_code_ends_inside(std::span<const std::byte> code, int bytes_per_value,
                           std::int64_t block_values, std::int64_t count) {
  const int select_bits = bytes_per_value == 1 ? 3 : bytes_per_value == 2 ? 4 : 5;
  const int verbatim = bytes_per_value == 1 ? 6 : bytes_per_value == 2 ? 14 : 25;
  const std::uint64_t value_bits = 8 * static_cast<std::uint64_t>(bytes_per_value);
  BitPlace place(code);
  place.skip(value_bits);
  for (std::int64_t done = 0; done < count; done += block_values) {
    const std::int64_t values = std::min(block_values, count - done);
    const int split = static_cast<int>(place.take(select_bits)) - 1;
    if (split > verbatim) return false;
    if (split == verbatim) {
      place.skip(value_bits * static_cast<std::uint64_t>(values));
    } else if (split >= 0) {
      for (std::int64_t i = 0; i < values; ++i) {
        place.skip_run();
        place.skip(static_cast<std::uint64_t>(split));
      }
    }
    if (place.past_end()) return false;
  }
  return true;
}

bool gzip_code_holds(std::span<const std::byte> code, std::span<std::byte> plain) {
  z_stream stream{};
  constexpr int kGzipWindow = 15 + 16;
  if (inflateInit2(&stream, kGzipWindow) != Z_OK) return false;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(code.data()));
  stream.avail_in = static_cast<uInt>(code.size());
  stream.next_out = reinterpret_cast<Bytef*>(plain.data());
  stream.avail_out = static_cast<uInt>(plain.size());
  const int result = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  return result == Z_STREAM_END && stream.avail_out == 0;
}

}  // namespace unfold::fits
