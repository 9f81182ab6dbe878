#pragma once

#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include "workers/compute/device.h"

namespace unfold::compute {

/// Host memory and a pool of host threads. One per process, sized to the worker's slots; copies of
/// work from several callers share its threads. Thread safe.
class Cpu {
 public:
  static constexpr DeviceKind kKind = DeviceKind::kCpu;

  /// 0: as many threads as the process may run on.
  explicit Cpu(int threads = 0);
  Cpu(const Cpu&) = delete;
  Cpu& operator=(const Cpu&) = delete;

  void* allocate(std::size_t bytes);  ///< 64-byte aligned; throws OutOfMemory
  void deallocate(void* p) noexcept;
  void copy_in(void* device, const void* host, std::size_t bytes);
  void copy_out(void* host, const void* device, std::size_t bytes);
  void synchronize() {}

  int threads() const { return arena_.max_concurrency(); }

  /// Calls body(i) for each i in [0, n) on the pool, waits for all, and rethrows the first
  /// exception. `body` must not depend on order.
  template <class Body>
  void parallel_for(Index n, const Body& body) {
    arena_.execute([&] { tbb::parallel_for(Index{0}, n, body, tbb::simple_partitioner()); });
  }

 private:
  tbb::task_arena arena_;
};
static_assert(Device<Cpu>);

/// Same as Cpu::parallel_for, as a free function that every device overloads.
template <class Body>
void parallel_for(Cpu& cpu, Index n, const Body& body) {
  cpu.parallel_for(n, body);
}

}  // namespace unfold::compute
