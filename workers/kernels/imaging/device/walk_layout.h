#pragma once

#include <algorithm>

#include "workers/compute/block.h"
#include "workers/kernels/imaging/device/views.h"

namespace unfold::imaging {

/// Replicates that go side by side on a device.
inline constexpr int kDeviceLanes = 16;
/// Groups of kDeviceLanes threads of a block.
inline constexpr int kLaneGroups = 32;

/// What a block of a walk over a list keeps in shared memory: rows of `chunk` events between their
/// two uses, and what columns see of the image and sum up. What is too large stays far: rows are
/// read twice then, and columns lie in scratch memory of the device.
struct WalkLayout {
  int chunk = compute::kWarp;  ///< events met at a time, at most a warp of them
  bool rows_near = true, columns_near = true;
  std::size_t bytes = 0;  ///< of shared memory
};

/// Small arrays of a block, in bytes: coefficients, products and totals.
template <class Real>
std::size_t small_bytes(int lanes, int components) {
  const int products = lanes == 1 ? compute::kWarp : 4 * kLaneGroups * lanes;
  return compute::shared_size<Real>(compute::kWarp * lanes) + compute::shared_size<Real>(products) +
         compute::shared_size<double>((2 + components) * lanes);
}

/// One image at a time leaves room for three blocks on a multiprocessor; replicates take all of it.
template <class Real, class Stored>
WalkLayout walk_layout(int length, int lanes, int components) {
  constexpr std::size_t kOfThree = 72 * 1024, kFewest = 4;
  WalkLayout out;
  const std::size_t small = small_bytes<Real>(lanes, components);
  const std::size_t columns = 2 * compute::shared_size<Real>(length * lanes);
  const std::size_t row = compute::shared_size<Stored>(length);
  out.columns_near = small + columns + kFewest * row <= compute::kMostShared;
  const std::size_t taken = small + (out.columns_near ? columns : 0);
  std::size_t room = lanes == 1 ? kOfThree : compute::kMostShared;
  if (taken + kFewest * row > room) room = compute::kMostShared;
  out.rows_near = taken + kFewest * row <= room;
  if (out.rows_near) {
    const auto fit = static_cast<int>((room - taken) / row);
    out.chunk = std::min(compute::kWarp, fit / 4 * 4);
  }
  out.bytes = taken + (out.rows_near ? static_cast<std::size_t>(out.chunk) * row : 0);
  return out;
}

}  // namespace unfold::imaging
