#pragma once

#include "workers/cuda/module_table.h"
#include "workers/cuda/outcome.h"
#include "workers/kernels/spi/device/device_merge.h"
#include "workers/kernels/spi/device/device_phasing.h"

namespace unfold::cuda {

/// What a handle of open_merge() holds.
template <class D>
struct HeldMerge {
  HeldMerge(int ordinal, std::ptrdiff_t grid) : device(ordinal), merge(device, grid) {}
  D device;
  spi::DeviceMerge<D> merge;
};

template <class D>
Outcome open_merge(int ordinal, std::ptrdiff_t grid, void** handle) {
  return guarded<D>(ordinal, [&] { *handle = new HeldMerge<D>(ordinal, grid); });
}

template <class D>
Outcome close_merge(int ordinal, void* handle) {
  return guarded<D>(ordinal, [&] { delete static_cast<HeldMerge<D>*>(handle); });
}

template <class D>
Outcome add_to_merge(int ordinal, void* handle, const spi::MergeFrames* frames, double tolerance,
                     std::span<double> right, std::span<double> lags) {
  return guarded<D>(ordinal, [&] {
    static_cast<HeldMerge<D>*>(handle)->merge.add(*frames, tolerance, right, lags);
  });
}

template <class D>
Outcome solve_merge(int ordinal, void* handle, const MergeSystem* system, spi::SolveEnd* end) {
  return guarded<D>(ordinal, [&] {
    *end = static_cast<HeldMerge<D>*>(handle)->merge.solve(
        system->lags, system->right, system->x0, system->support, system->limits, system->x);
  });
}

template <class D>
Outcome phase_starts(int ordinal, const spi::PhaseBatch* batch, const spi::PhaseSchedule* schedule,
                     bool (*goes_on)(void*), void* asked) {
  return guarded<D>(ordinal, [&] {
    D device(ordinal);
    spi::DevicePhasing<D>(device).iterate(*batch, *schedule, [&] { return goes_on(asked); });
  });
}

template <class D>
FourierTable fourier_table() {
  return {.open_merge = open_merge<D>,
          .close_merge = close_merge<D>,
          .add = add_to_merge<D>,
          .solve = solve_merge<D>,
          .phase = phase_starts<D>};
}

}  // namespace unfold::cuda
