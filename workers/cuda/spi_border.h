#pragma once

#include "workers/cuda/border.h"
#include "workers/kernels/spi/device/tasks.h"
#include "workers/kernels/spi/sum_device.h"

/// What crosses the module's border for single-particle imaging (module.h).
namespace unfold::cuda {

struct SpiTable {
  /// Frames made resident on a device: a handle, which release() frees with all its memory.
  Outcome (*load)(int ordinal, const spi::FramesTask* frames, void** handle);
  Outcome (*release)(void* handle);
  /// The same frames for another caller, or those at place [frames] (null: all), in a handle of
  /// their own. What `whole` holds must outlive it; `whole` itself is a load()'s.
  Outcome (*share)(const void* whole, const std::int32_t* place, spi::Index frames, void** handle);
  /// All of a handle's frames. One call at a time for a handle.
  Outcome (*match)(void* handle, const spi::MatchTask* task);
  Outcome (*match_near)(void* handle, const spi::NearTask* task);
  Outcome (*sum)(void* handle, const spi::SumTask* task);
};

}  // namespace unfold::cuda
