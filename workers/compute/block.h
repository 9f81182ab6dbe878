#pragma once

#include <cstddef>

#include "workers/compute/view.h"

/// Kernels whose threads work together. A kernel is a value that a device launches:
///
///   struct Kernel {
///     static constexpr int kThreads = 128;      // of a block: a multiple of 32, at most 1024
///     Index blocks() const;                     // how many there are; 0: nothing is launched
///     std::size_t shared_bytes() const;         // what a block's shared() calls take, by
///     shared_size() template <class Block> UNFOLD_DEVICE void operator()(Block& block) const;
///   };
///   launch(device, kernel);                     // queued on the device
///
/// A block's work is a row of phases. Between two phases all of its threads meet, so a phase may
/// read what the one before wrote; within a phase no thread may read what another writes. Blocks
/// never meet. tests/support/emulated_device.h runs the same kernels on host threads, in several
/// orders, and finds the bodies that break this.
///
/// What a Block offers (`T` trivially copyable, `f` called with an int or an Index):
///   index()              which block this is
///   shared<T>(n)         n uninitialised elements that the block's threads share; every thread
///                        calls it, outside of phases
///   per_thread<T>()      one T a thread, in registers; p(thread) inside each_thread
///   each_thread(f)       a phase: f(thread) once for each of kThreads
///   for_each(n, f)       a phase: f(i) or f(i, thread) for i in [0, n), which thread i % kThreads
///   does each_warp(f)         a phase: f(warp) once for each group of 32 threads, which offers
///   index(),
///                        count(), per_lane<T>(), each_lane(f), for_each(n, f), sum(p), max(p):
///                        every lane gets the sum, taken in a fixed order (lane i with i ^ 16, 8,
///                        4, 2, 1)
///   sum(p), max(p)       over the block's threads of a per_thread, to all of them, in a fixed
///   order;
///                        a phase of its own; the first takes kReductionBytes of shared memory
namespace unfold::compute {

inline constexpr int kWarp = 32;
inline constexpr int kMostThreads = 1024;
/// What a block may share on the devices we build for (compute capability 8.0: 163 KiB; 9.0: 227).
inline constexpr std::size_t kMostShared = 163 * 1024;

/// Bytes that shared<T>(n) takes.
template <class T>
constexpr std::size_t shared_size(Index n) {
  return (static_cast<std::size_t>(n) * sizeof(T) + 15) / 16 * 16;
}

/// What sum() and max() of a block share, once for a kernel; T has at most 16 bytes.
inline constexpr std::size_t kReductionBytes = kWarp * 16;

}  // namespace unfold::compute
