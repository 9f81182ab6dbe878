#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "workers/kernels/spi/merge_device.h"
#include "workers/nufft/device/device_nufft.h"

/// The transforms of merging's normal equations (normal_equations.h) on a device.
namespace unfold::spi {

using compute::Index;
using compute::View;

/// x[j P + p] = scale R_j^T q_p.
template <class Real>
struct TurnPixels {
  double scale;
  View<const double, 2> rotation;  ///< [J, 9] row-major matrices
  View<const double, 2> q;         ///< [P, 3]
  View<Real, 2> x;                 ///< [J P, 3] overwritten

  UNFOLD_HD void operator()(Index i) const {
    const double* r = rotation.data + i / q.extent[0] * 9;
    const double* at = q.data + i % q.extent[0] * 3;
    for (int d = 0; d < 3; ++d) {
      x(i, d) = static_cast<Real>(scale * (r[d] * at[0] + r[3 + d] * at[1] + r[6 + d] * at[2]));
    }
  }
};

/// out[j P + p] = g_j w_p.
template <class Real>
struct WeighPixels {
  View<const double, 1> weight, pixel_weight;
  Real* out;

  UNFOLD_HD void operator()(Index i) const {
    out[i] = static_cast<Real>(weight(i / pixel_weight.extent[0]) *
                               pixel_weight(i % pixel_weight.extent[0]));
  }
};

template <class From, class To>
struct Convert {
  const From* from;
  To* to;
  UNFOLD_HD void operator()(Index i) const { to[i] = static_cast<To>(from[i]); }
};

template <class From>
struct AddTo {
  const From* from;
  double* sum;
  UNFOLD_HD void operator()(Index i) const { sum[i] += static_cast<double>(from[i]); }
};

/// Points that were placed last time are not placed again. Real: what the tolerance needs.
template <compute::Accelerator D, class Real>
class DeviceNormalSums {
 public:
  DeviceNormalSums(D& device, Index grid, double tolerance)
      : device_(&device),
        right_(device, grid, tolerance),
        lags_(device, 2 * grid - 1, tolerance),
        values_(device, 0) {}

  /// right [M^3] and lags [(2M - 1)^3], on the host, are added to. Returns when done.
  void add(const MergeFrames& frames, std::span<double> right, std::span<double> lags) {
    const auto pixels = static_cast<Index>(frames.pixel_weight.size());
    const auto rotations = static_cast<Index>(frames.weight.size());
    right_.begin();
    lags_.begin();
    const auto q = on_device(frames.q), w = on_device(frames.pixel_weight);
    const Index at_once = std::max<Index>(1, kPointsAtOnce / std::max<Index>(1, pixels));
    for (Index first = 0; first < rotations && pixels > 0; first += at_once) {
      const Index count = std::min(at_once, rotations - first);
      place(frames, first, count, q);
      add_batch(frames, first, count, w);
    }
    right_.end(right);
    lags_.end(lags);
  }

 private:
  /// What bounds the memory that points take: about a gigabyte.
  static constexpr Index kPointsAtOnce = Index{1} << 24;
  using Doubles = compute::Buffer<double, D>;

  /// A transform and the sum of its answers.
  struct Target {
    Target(D& d, Index size, double tolerance)
        : device(&d),
          nufft(d, {size, size, size}, {.tolerance = tolerance}),
          modes(d, size * size * size),
          sum(d, size * size * size) {}
    void begin() { device->clear(sum.view(sum.size()).data, sum.bytes()); }
    void add(const nufft::Cell<Real, 1>* values) {
      nufft::Cell<Real, 1>* out = modes.view(modes.size()).data;
      nufft.type1(values, out);
      parallel_for(*device, sum.size(), AddTo<Real>{&out->part[0], sum.view(sum.size()).data});
    }
    void end(std::span<double> total) {
      std::vector<double> host(total.size());
      sum.download(host);
      for (std::size_t n = 0; n < host.size(); ++n) total[n] += host[n];
    }
    D* device;
    nufft::DeviceNufft<D, Real, 1> nufft;
    compute::Buffer<nufft::Cell<Real, 1>, D> modes;
    Doubles sum;
  };

  Doubles on_device(std::span<const double> host) {
    Doubles out(*device_, static_cast<Index>(host.size()));
    out.upload(host);
    return out;
  }
  static View<const double, 1> view(const Doubles& buffer) {
    auto& same = const_cast<Doubles&>(buffer);
    return same.view(buffer.size());
  }

  void place(const MergeFrames& frames, Index first, Index count, const Doubles& q) {
    const auto turned = frames.rotation.subspan(static_cast<std::size_t>(9 * first),
                                                static_cast<std::size_t>(9 * count));
    if (std::equal(turned.begin(), turned.end(), rotation_.begin(), rotation_.end()) &&
        std::equal(frames.q.begin(), frames.q.end(), q_.begin(), q_.end())) {
      return;
    }
    rotation_.assign(turned.begin(), turned.end());
    q_.assign(frames.q.begin(), frames.q.end());
    const Index pixels = q.size() / 3, points = count * pixels;
    const Doubles rotation = on_device(turned);
    compute::Buffer<Real, D> x(*device_, 3 * points);
    const View<Real, 2> at = x.view(points, Index{3});
    parallel_for(*device_, points,
                 TurnPixels<Real>{frames.scale,
                                  {view(rotation).data, count, Index{9}},
                                  {view(q).data, pixels, Index{3}},
                                  at});
    right_.nufft.set_points(at);
    lags_.nufft.set_points(at);
    values_ = compute::Buffer<nufft::Cell<Real, 1>, D>(*device_, points);
  }

  void add_batch(const MergeFrames& frames, Index first, Index count, const Doubles& w) {
    const Index points = count * w.size();
    compute::Buffer<float, D> value(*device_, points);
    value.upload(frames.value.subspan(static_cast<std::size_t>(first * w.size()),
                                      static_cast<std::size_t>(points)));
    nufft::Cell<Real, 1>* values = values_.view(points).data;
    parallel_for(*device_, points, Convert<float, Real>{value.view(points).data, &values->part[0]});
    right_.add(values);
    const Doubles g = on_device(
        frames.weight.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)));
    parallel_for(*device_, points, WeighPixels<Real>{view(g), view(w), &values->part[0]});
    lags_.add(values);
  }

  D* device_;
  Target right_, lags_;
  compute::Buffer<nufft::Cell<Real, 1>, D> values_;
  std::vector<double> rotation_, q_;  ///< of the points that are set
};

}  // namespace unfold::spi
