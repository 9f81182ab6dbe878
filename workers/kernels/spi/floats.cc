#include "workers/kernels/spi/floats.h"

#include <sys/mman.h>

#include <cstdint>

namespace unfold::spi {
namespace {

/// Whole large pages of [begin, begin + bytes): one fault and one entry of the address cache stand
/// for 512 small ones. Only a wish: the answer does not matter.
void want_large_pages(void* begin, std::size_t bytes) {
  constexpr std::uintptr_t kLarge = std::uintptr_t{1} << 21;
  const auto first = (reinterpret_cast<std::uintptr_t>(begin) + kLarge - 1) & ~(kLarge - 1);
  const auto last = (reinterpret_cast<std::uintptr_t>(begin) + bytes) & ~(kLarge - 1);
  if (first < last) (void)madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
}

}  // namespace

Floats::Floats(compute::Cpu& cpu, compute::Index size)
    : buffer_(cpu, size), data_(buffer_.view(size).data) {
  want_large_pages(data_, static_cast<std::size_t>(size) * sizeof(float));
}

}  // namespace unfold::spi
