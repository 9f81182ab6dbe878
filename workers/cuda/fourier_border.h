#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "workers/cuda/border.h"
#include "workers/kernels/spi/merge_device.h"
#include "workers/kernels/spi/phase_device.h"

/// What crosses the module's border for merging and phasing (module.h): host memory, and tasks as
/// MergeDevice and PhaseDevice take them, whose spans are pointers with a size.
namespace unfold::cuda {

/// MergeDevice::solve's arguments.
struct MergeSystem {
  std::span<const double> lags, right, x0;
  std::span<const std::uint8_t> support;
  spi::SolveLimits limits;
  std::span<double> x;  ///< overwritten
};

struct FourierTable {
  /// Merging on a grid: a handle, which close_merge() frees with all its memory. One call at a time
  /// for a handle.
  Outcome (*open_merge)(int ordinal, std::ptrdiff_t grid, void** handle);
  Outcome (*close_merge)(int ordinal, void* handle);
  /// right and lags are added to.
  Outcome (*add)(int ordinal, void* handle, const spi::MergeFrames* frames, double tolerance,
                 std::span<double> right, std::span<double> lags);
  Outcome (*solve)(int ordinal, void* handle, const MergeSystem* system, spi::SolveEnd* end);
  /// goes_on(asked) is called before each loop, by the calling thread; it must not throw.
  Outcome (*phase)(int ordinal, const spi::PhaseBatch* batch, const spi::PhaseSchedule* schedule,
                   bool (*goes_on)(void* asked), void* asked);
};

}  // namespace unfold::cuda
