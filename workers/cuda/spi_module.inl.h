#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "workers/cuda/module_table.h"
#include "workers/cuda/outcome.h"
#include "workers/kernels/spi/device/match.h"
#include "workers/kernels/spi/device/near.h"
#include "workers/kernels/spi/device/sum_rotations.h"

namespace unfold::cuda {

/// What a handle stands for.
template <class D>
struct SpiFrames {
  SpiFrames(int on, const spi::FramesTask& task)
      : ordinal(on), device(on), set(std::in_place, device, task) {}
  SpiFrames(const SpiFrames& whole, const std::int32_t* place, spi::Index frames)
      : ordinal(whole.ordinal),
        device(ordinal),
        set(std::in_place, device, *whole.set, place, frames) {}
  int ordinal;
  D device;
  std::optional<spi::FrameSet<D>> set;
};

template <class D>
Outcome spi_load(int ordinal, const spi::FramesTask* frames, void** handle) {
  return guarded<D>(ordinal, [&] { *handle = new SpiFrames<D>(ordinal, *frames); });
}

template <class D>
Outcome spi_release(void* handle) {
  const std::unique_ptr<SpiFrames<D>> frames(static_cast<SpiFrames<D>*>(handle));
  return guarded<D>(frames->ordinal, [&] {
    frames->set.reset();
    frames->device.synchronize();  // now memory is free for others
  });
}

template <class D>
Outcome spi_share(const void* whole, const std::int32_t* place, spi::Index frames, void** handle) {
  const auto& held = *static_cast<const SpiFrames<D>*>(whole);
  return guarded<D>(held.ordinal, [&] { *handle = new SpiFrames<D>(held, place, frames); });
}

template <class D>
Outcome spi_match(void* handle, const spi::MatchTask* task) {
  auto& frames = *static_cast<SpiFrames<D>*>(handle);
  return guarded<D>(frames.ordinal, [&] {
    spi::Matching<D>(frames.device, *frames.set, *task).run();
    frames.device.synchronize();
  });
}

template <class D>
Outcome spi_match_near(void* handle, const spi::NearTask* task) {
  auto& frames = *static_cast<SpiFrames<D>*>(handle);
  return guarded<D>(frames.ordinal, [&] {
    spi::NearMatching<D>(frames.device, *frames.set, *task).run();
    frames.device.synchronize();
  });
}

template <class D>
Outcome spi_sum(void* handle, const spi::SumTask* task) {
  auto& frames = *static_cast<SpiFrames<D>*>(handle);
  return guarded<D>(frames.ordinal, [&] {
    spi::sum_rotations(frames.device, *frames.set, *task);
    frames.device.synchronize();
  });
}

template <class D>
SpiTable spi_table() {
  return {.load = spi_load<D>,
          .release = spi_release<D>,
          .share = spi_share<D>,
          .match = spi_match<D>,
          .match_near = spi_match_near<D>,
          .sum = spi_sum<D>};
}

}  // namespace unfold::cuda
