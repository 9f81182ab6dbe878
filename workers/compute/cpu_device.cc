#include "workers/compute/cpu_device.h"

#include <cstdlib>
#include <cstring>
#include <string>

namespace unfold::compute {
namespace {
constexpr std::size_t kAlignment = 64;
}

Cpu::Cpu(int threads) : arena_(threads > 0 ? threads : tbb::task_arena::automatic) {}

void* Cpu::allocate(std::size_t bytes) {
  const std::size_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  void* p = std::aligned_alloc(kAlignment, rounded == 0 ? kAlignment : rounded);
  if (p == nullptr) {
    throw OutOfMemory("host allocation of " + std::to_string(bytes) + " bytes failed");
  }
  return p;
}

void Cpu::deallocate(void* p) noexcept { std::free(p); }

void Cpu::copy_in(void* device, const void* host, std::size_t bytes) {
  if (bytes > 0) std::memcpy(device, host, bytes);
}

void Cpu::copy_out(void* host, const void* device, std::size_t bytes) {
  if (bytes > 0) std::memcpy(host, device, bytes);
}

}  // namespace unfold::compute
