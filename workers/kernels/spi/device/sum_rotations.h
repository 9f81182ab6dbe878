#pragma once

#include <algorithm>
#include <type_traits>

#include "workers/compute/accelerator.h"
#include "workers/kernels/spi/device/frames.h"
#include "workers/kernels/spi/sum_device.h"

/// sum_frames() of merging.h on a device.
namespace unfold::spi {

/// A thread takes a pixel of a rotation through its frames, in their order.
struct SumAtPixel {
  FrameView frames;
  const Index* first;
  const std::int32_t* frame;
  const double* share;
  const double* beside;
  const std::uint32_t* pixel;
  const double* factor;
  const double* background;
  Index size;
  Index rotation;  ///< of value's first row
  float* value;

  UNFOLD_HD void operator()(Index i) const {
    const Index j = rotation + i / size, p = i % size;
    double sum = 0;
    for (Index k = first[j]; k < first[j + 1]; ++k) {
      sum += share[k] * static_cast<double>(frames.seen(frame[k], pixel[p]));
    }
    value[i] = static_cast<float>(factor[p] * (sum - beside[j] * background[p]));
  }
};

/// One call. What it holds on the device goes with it.
template <compute::Accelerator D>
void sum_rotations(D& device, const FrameSet<D>& frames, const SumTask& task) {
  const auto brought = [&](const auto* from, Index n) {
    compute::Buffer<std::remove_cvref_t<decltype(*from)>, D> to(device, n);
    to.upload({from, static_cast<std::size_t>(n)});
    return to;
  };
  const Index entries = task.first[task.rotations];
  auto first = brought(task.first, task.rotations + 1);
  auto frame = brought(task.frame, entries);
  auto share = brought(task.share, entries);
  auto beside = brought(task.beside, task.rotations);
  auto pixel = brought(task.pixel, task.size);
  auto factor = brought(task.factor, task.size);
  auto background = brought(task.background, task.size);
  const Index rows = std::clamp<Index>(task.most / task.size, 1, task.rotations);
  compute::Buffer<float, D> value(device, rows * task.size);
  const auto data = [](auto& buffer) { return buffer.view(buffer.size()).data; };
  for (Index j = 0; j < task.rotations; j += rows) {
    const Index count = std::min(rows, task.rotations - j) * task.size;
    parallel_for(
        device, count,
        SumAtPixel{frames.view(), data(first), data(frame), data(share), data(beside), data(pixel),
                   data(factor), data(background), task.size, j, data(value)});
    value.download({task.value + j * task.size, static_cast<std::size_t>(count)});
  }
}

}  // namespace unfold::spi
