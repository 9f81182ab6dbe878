#include <libdeflate.h>

#include <algorithm>

#include "common/formats/hdf5/chunks.h"

namespace unfold::hdf5 {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::size_t kSumBytes = 4;

bool inflate(Bytes& bytes, std::size_t wanted) {
  Bytes out(wanted);
  std::size_t got = 0;
  libdeflate_decompressor* const tool = libdeflate_alloc_decompressor();
  const libdeflate_result result =
      libdeflate_zlib_decompress(tool, bytes.data(), bytes.size(), out.data(), out.size(), &got);
  libdeflate_free_decompressor(tool);
  bytes.swap(out);
  return result == LIBDEFLATE_SUCCESS && got == wanted;
}

// Byte k of all elements stands together; what is left of a whole element follows.
bool unshuffle(Bytes& bytes, std::size_t element) {
  if (element == 0) return false;
  const std::size_t count = bytes.size() / element;
  if (element == 1 || count < 2) return true;
  Bytes out = bytes;
  for (std::size_t k = 0; k < element; ++k) {
    const std::byte* from = bytes.data() + k * count;
    for (std::size_t i = 0; i < count; ++i) out[i * element + k] = from[i];
  }
  bytes.swap(out);
  return true;
}

// Sums modulo 65535, of which a sum that is not zero has the form 1 .. 65535.
std::uint32_t fletcher32(const Bytes& bytes, std::size_t count) {
  constexpr std::size_t kBeforeOverflow = 1 << 16;
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  const auto fold = [](std::uint64_t sum) { return sum == 0 ? 0 : (sum - 1) % 65535 + 1; };
  for (std::size_t i = 0; i < count; i += 2) {
    const auto high = std::to_integer<std::uint64_t>(bytes[i]);
    const auto low = i + 1 < count ? std::to_integer<std::uint64_t>(bytes[i + 1]) : 0;
    first += high << 8 | low;
    second += first;
    if (i % kBeforeOverflow == 0) {
      first = fold(first);
      second = fold(second);
    }
  }
  return static_cast<std::uint32_t>(fold(second) << 16 | fold(first));
}

bool checked(Bytes& bytes) {
  if (bytes.size() < kSumBytes) return false;
  const std::size_t count = bytes.size() - kSumBytes;
  std::uint32_t stored = 0;
  for (std::size_t i = kSumBytes; i-- > 0;) {
    stored = stored << 8 | std::to_integer<std::uint32_t>(bytes[count + i]);
  }
  const bool holds = stored == fletcher32(bytes, count);
  bytes.resize(count);
  return holds;
}

}  // namespace

bool unpack(const std::vector<Filter>& filters, std::size_t bytes, Chunk& chunk) {
  const auto skipped = [&](std::size_t i) { return (chunk.filter_mask >> i & 1) != 0; };
  std::vector<std::size_t> before;  // each filter; of a second deflate nothing is known
  bool known = true;
  for (std::size_t i = 0; i < filters.size(); ++i) {
    before.push_back(known ? bytes : 0);
    if (skipped(i)) continue;
    if (filters[i].id == kFletcher32) bytes += kSumBytes;
    known = known && filters[i].id != kDeflate;
  }
  const std::size_t whole = before.empty() ? bytes : before.front();
  for (std::size_t i = filters.size(); i-- > 0;) {
    if (skipped(i)) continue;
    const Filter& filter = filters[i];
    const bool done = filter.id == kDeflate ? before[i] > 0 && inflate(chunk.bytes, before[i])
                      : filter.id == kShuffle
                          ? !filter.values.empty() && unshuffle(chunk.bytes, filter.values.front())
                      : filter.id == kFletcher32 ? checked(chunk.bytes)
                                                 : false;
    if (!done) return false;
  }
  return chunk.bytes.size() == whole;
}

}  // namespace unfold::hdf5
