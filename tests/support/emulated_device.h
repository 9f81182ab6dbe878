#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <type_traits>

#include "tests/support/emulated_block.h"
#include "workers/compute/accelerator.h"
#include "workers/cuda/module.h"

namespace unfold::test {

/// A GPU that host threads play: what runs on cuda::Cuda runs here, body by body, and what a GPU
/// would forgive or hide fails. Memory is poisoned, kernels' limits are checked, and what was not
/// given back is counted. Speed is no matter.
class Emulated {
 public:
  static constexpr compute::DeviceKind kKind = compute::DeviceKind::kCuda;

  using Mark = std::chrono::steady_clock::time_point;

  explicit Emulated(int = 0) : order_(usual_order()) {}

  /// UNFOLD_EMULATED_DEVICES of them, or one.
  static cuda::Outcome count(int* devices) {
    const char* set = std::getenv("UNFOLD_EMULATED_DEVICES");
    *devices = set != nullptr ? std::atoi(set) : 1;
    return {};
  }
  static void describe(int ordinal, cuda::DeviceInfo* info) {
    *info = {};
    std::snprintf(info->name, sizeof info->name, "Emulated GPU");
    std::snprintf(info->uuid, sizeof info->uuid, "00000000-0000-0000-0000-%012d", ordinal);
    info->memory_bytes = limit();
    info->free_bytes = limit() - held();
    info->compute_major = 9;
  }
  static void use(int) {}

  void* allocate(std::size_t bytes) {
    ++calls().allocations;
    if (held() + bytes > limit()) throw compute::OutOfMemory("the emulated device is full");
    return take(bytes, held());
  }
  void deallocate(void* data) noexcept { give_back(data, held()); }
  void copy_in(void* device, const void* host, std::size_t bytes) {
    ++calls().copies_in;
    if (bytes > 0) std::memcpy(device, host, bytes);
  }
  void copy_out(void* host, const void* device, std::size_t bytes) {
    ++calls().copies_out;
    if (bytes > 0) std::memcpy(host, device, bytes);
  }
  void queue_out(void* pinned, const void* device, std::size_t bytes) {
    copy_out(pinned, device, bytes);
  }
  void copy(void* to, const void* from, std::size_t bytes) {
    if (bytes > 0) std::memcpy(to, from, bytes);
  }
  void clear(void* device, std::size_t bytes) {
    if (bytes > 0) std::memset(device, 0, bytes);
  }
  void synchronize() {}
  void* allocate_pinned(std::size_t bytes) { return take(bytes, pinned()); }
  void deallocate_pinned(void* p) noexcept { give_back(p, pinned()); }
  Mark mark() { return std::chrono::steady_clock::now(); }
  double seconds(const Mark& from, const Mark& to) {
    return std::chrono::duration<double>(to - from).count();
  }
  void push_name(const char*) {}
  void pop_name() {}
  Order order() const { return order_; }

  /// The order of threads and blocks of devices to come; UNFOLD_EMULATED_ORDER=backward from the
  /// start.
  static Order& usual_order() {
    static Order order = [] {
      const char* set = std::getenv("UNFOLD_EMULATED_ORDER");
      return set != nullptr && std::string_view(set) == "backward" ? Order::kBackward
                                                                   : Order::kForward;
    }();
    return order;
  }

  /// Bytes of all emulated devices, and how many there may be: UNFOLD_EMULATED_BYTES where set.
  static std::atomic<std::size_t>& held() {
    static std::atomic<std::size_t> bytes{0};
    return bytes;
  }
  /// Host memory that is pinned now.
  static std::atomic<std::size_t>& pinned() {
    static std::atomic<std::size_t> bytes{0};
    return bytes;
  }
  /// Of this thread, to all devices.
  struct Calls {
    std::int64_t launches = 0, copies_in = 0, copies_out = 0, allocations = 0;
  };
  static Calls& calls() {
    thread_local Calls counts;
    return counts;
  }
  static std::atomic<std::size_t>& limit() {
    static std::atomic<std::size_t> bytes{std::size_t{8} << 30};
    const char* set = std::getenv("UNFOLD_EMULATED_BYTES");
    if (set != nullptr) bytes = std::strtoull(set, nullptr, 10);
    return bytes;
  }

 private:
  static constexpr std::size_t kHead = 64;

  static void* take(std::size_t bytes, std::atomic<std::size_t>& count) {
    auto* p = static_cast<std::size_t*>(std::malloc(bytes + kHead));
    if (p == nullptr) throw compute::OutOfMemory("no host memory for the emulated device");
    *p = bytes;
    count += bytes;
    char* data = reinterpret_cast<char*>(p) + kHead;
    std::memset(data, 0xff, bytes);
    return data;
  }
  static void give_back(void* data, std::atomic<std::size_t>& count) noexcept {
    void* p = static_cast<char*>(data) - kHead;
    count -= *static_cast<std::size_t*>(p);
    std::free(p);
  }

  Order order_;
};
static_assert(compute::Accelerator<Emulated>);

template <class Body>
void parallel_for(Emulated& device, Index n, const Body& body) {
  static_assert(std::is_trivially_copyable_v<Body>, "a kernel body is passed by value");
  ++Emulated::calls().launches;
  for (Index i = 0; i < n; ++i) body(device.order() == Order::kForward ? i : n - 1 - i);
}

template <class Kernel>
void launch(Emulated& device, const Kernel& kernel) {
  static_assert(std::is_trivially_copyable_v<Kernel>, "a kernel is passed by value");
  static_assert(Kernel::kThreads % compute::kWarp == 0 &&
                Kernel::kThreads <= compute::kMostThreads);
  if (kernel.shared_bytes() > compute::kMostShared) {
    throw std::logic_error("a kernel shares more than devices have");
  }
  ++Emulated::calls().launches;
  const Index n = kernel.blocks();
  for (Index i = 0; i < n; ++i) {
    EmulatedBlock block(device.order() == Order::kForward ? i : n - 1 - i, Kernel::kThreads,
                        kernel.shared_bytes(), device.order());
    kernel(block);
  }
}

}  // namespace unfold::test
