#pragma once

#include <bit>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "workers/nufft/device/fft.h"
#include "workers/nufft/device/gather.h"
#include "workers/nufft/device/modes.h"
#include "workers/nufft/device/sort.h"
#include "workers/nufft/device/spread.h"

namespace unfold::nufft {

/// nufft.h's Plan on a device: the same window, modes, signs and tolerances; arrays lie on the
/// device, a complex number two Reals side by side. Parts 2: complex, 1: cosine transforms. All
/// calls are queued, but that set_points waits for the number of points in each bin. The same
/// device, points and values give the same bits. The device must outlive it.
template <compute::Accelerator D, class Real, int Parts>
class DeviceNufft {
 public:
  using Value = Cell<Real, Parts>;

  /// Throws as Plan's constructor.
  DeviceNufft(D& device, const Edges& modes, const DeviceOptions& options)
      : DeviceNufft(device, tables_of<Real>(modes, Parts, options)) {}

  /// x [P, 3] radians, finite, which may be freed then. Throws std::invalid_argument where P is
  /// 2^32 or more.
  void set_points(View<const Real, 2> x);
  Index points() const { return points_.size(); }
  /// Cells of the window along an axis.
  int width() const { return bins_.width; }

  /// Type 1: f[k] = sum_p c[p] exp(sign i k.x_p), of cosines for Parts 1; c [P], f [M0 M1 M2].
  void type1(const Value* c, Value* f, int sign = +1) {
    spread(c);
    if constexpr (Parts == 2) {
      fft_(fine_data(), sign);
      parallel_for(*device_, map().size(), TakeModes<Real>{map(), fine(), f});
    } else {
      fft_.forward(fine_data(), half_data());
      const auto* half = reinterpret_cast<const Cell<Real, 2>*>(half_data());
      parallel_for(*device_, map().size(), TakeCosines<Real>{map(), half, &f->part[0]});
    }
  }

  /// Type 2: c[p] = sum_k f[k] exp(sign i k.x_p), of cosines for Parts 1.
  void type2(const Value* f, Value* c, int sign = -1) {
    if constexpr (Parts == 2) {
      parallel_for(*device_, map().cells(), PutModes<Real>{map(), f, fine()});
      fft_(fine_data(), sign);
    } else {
      auto* half = reinterpret_cast<Cell<Real, 2>*>(half_data());
      parallel_for(*device_, map().cells(), PutCosines<Real>{map(), &f->part[0], half});
      fft_.backward(half_data(), fine_data());
    }
    gather(c);
  }

  /// The two costly halves by themselves: fine grid from points, and points from the fine grid.
  void spread(const Value* c);
  void gather(Value* c) {
    launch(*device_, GatherParts<Real, Parts>{bins_, window_view(), parts_view(),
                                              points_.view(points_.size()).data,
                                              order_.view(order_.size()).data, fine(), c});
  }

 private:
  using Fft = std::conditional_t<Parts == 2, DeviceComplexFft<D, Real>, DeviceRealFft<D, Real>>;

  DeviceNufft(D& device, const DeviceTables<Real>& tables)
      : device_(&device),
        modes_(tables.modes),
        n_(tables.n),
        degree_(tables.degree),
        bins_(bins_of(tables.n, tables.width, sizeof(Value))),
        window_(device, static_cast<Index>(tables.window.size())),
        corrections_{on_device(tables.corrections[0]), on_device(tables.corrections[1]),
                     on_device(tables.corrections[2])},
        fft_(device, tables.n, 1),
        fine_(device, tables.n[0] * tables.n[1] * tables.n[2]),
        half_(device, Parts == 1 ? half_size(tables.n) : 0),
        points_(device, 0),
        order_(device, 0),
        parts_(device, 0),
        first_part_(device, 0),
        subgrids_(device, 0) {
    window_.upload(tables.window);
  }

  template <class T>
  compute::Buffer<T, D> on_device(const std::vector<T>& host) {
    compute::Buffer<T, D> out(*device_, static_cast<Index>(host.size()));
    out.upload(host);
    return out;
  }
  void divide(const std::vector<std::uint32_t>& starts);
  template <int Threads>
  void spread_by(const Value* c) {
    launch(*device_, SpreadParts<Real, Parts, Threads>{bins_, window_view(), parts_view(),
                                                       points_.view(points_.size()).data,
                                                       order_.view(order_.size()).data, c,
                                                       subgrids_.view(subgrids_.size()).data});
  }

  Value* fine() { return fine_.view(fine_.size()).data; }
  Real* fine_data() { return &fine()->part[0]; }
  Real* half_data() { return &half_.view(half_.size()).data->part[0]; }
  View<const BinPart, 1> parts_view() { return parts_.view(parts_.size()); }
  WindowView<Real> window_view() {
    return {window_.view(window_.size()).data, bins_.width, degree_, kStride};
  }
  ModeMap<Real> map() {
    ModeMap<Real> out{};
    for (std::size_t d = 0; d < 3; ++d) {
      out.modes[d] = static_cast<int>(modes_[d]);
      out.n[d] = static_cast<int>(n_[d]);
      out.correction[d] = corrections_[d].view(corrections_[d].size()).data;
    }
    out.columns = Parts == 2 ? out.n[2] : out.n[2] / 2 + 1;
    return out;
  }

  D* device_;
  Edges modes_, n_;
  int degree_;
  Bins bins_;
  compute::Buffer<Real, D> window_;
  std::array<compute::Buffer<Real, D>, 3> corrections_;
  Fft fft_;
  compute::Buffer<Value, D> fine_;
  compute::Buffer<Cell<Real, 2>, D> half_;  ///< of a real grid's transform
  compute::Buffer<Placed<Real>, D> points_;
  compute::Buffer<std::uint32_t, D> order_;
  compute::Buffer<BinPart, D> parts_;
  compute::Buffer<std::uint32_t, D> first_part_;  ///< [bins + 1]
  compute::Buffer<Value, D> subgrids_;            ///< [parts, subgrid]
};

template <compute::Accelerator D, class Real, int Parts>
void DeviceNufft<D, Real, Parts>::set_points(View<const Real, 2> x) {
  const Index size = x.extent[0];
  if (size >= Index{1} << 32) {
    throw std::invalid_argument(
        "NUFFT points of 2^32 or more (they are counted in 32 bits) [set points in parts]");
  }
  using Numbers = compute::Buffer<std::uint32_t, D>;
  Numbers keys(*device_, size), order(*device_, size);
  parallel_for(*device_, size,
               FindBins<Real>{bins_, x, keys.view(size).data, order.view(size).data});
  const auto bits = static_cast<int>(std::bit_width(static_cast<unsigned>(bins_.size() - 1)));
  auto [sorted_keys, sorted_order] = sorted(*device_, std::move(keys), std::move(order), bits);
  order_ = std::move(sorted_order);
  points_ = compute::Buffer<Placed<Real>, D>(*device_, size);
  parallel_for(*device_, size,
               PlacePoints<Real>{bins_, x, order_.view(size).data, points_.view(size).data});
  Numbers starts(*device_, bins_.size() + 1);
  parallel_for(
      *device_, size + 1,
      FindStarts{sorted_keys.view(size).data, size, bins_.size(), starts.view(starts.size()).data});
  std::vector<std::uint32_t> host(static_cast<std::size_t>(starts.size()));
  starts.download(host);
  divide(host);
}

/// Parts of at most kPointsOfPart points, bin by bin.
template <compute::Accelerator D, class Real, int Parts>
void DeviceNufft<D, Real, Parts>::divide(const std::vector<std::uint32_t>& starts) {
  constexpr auto kMost = static_cast<std::uint32_t>(kPointsOfPart);
  std::vector<BinPart> parts;
  std::vector<std::uint32_t> first_part{0};
  for (std::size_t bin = 0; bin + 1 < starts.size(); ++bin) {
    for (std::uint32_t p = starts[bin]; p < starts[bin + 1];) {
      const std::uint32_t left = starts[bin + 1] - p, count = left < kMost ? left : kMost;
      parts.push_back({static_cast<int>(bin), p, p + count});
      p += count;
    }
    first_part.push_back(static_cast<std::uint32_t>(parts.size()));
  }
  parts_ = on_device(parts);
  first_part_ = on_device(first_part);
  subgrids_ = compute::Buffer<Value, D>(*device_, parts_.size() * bins_.subgrid());
}

template <compute::Accelerator D, class Real, int Parts>
void DeviceNufft<D, Real, Parts>::spread(const Value* c) {
  // One thread a cell of the window, where that many fit.
  if (bins_.width <= 5) {
    spread_by<128>(c);
  } else if (bins_.width == 6) {
    spread_by<224>(c);
  } else if (bins_.width == 7) {
    spread_by<352>(c);
  } else {
    spread_by<512>(c);
  }
  parallel_for(*device_, fine_.size(),
               SumSubgrids<Real, Parts>{bins_, first_part_.view(first_part_.size()).data,
                                        subgrids_.view(subgrids_.size()).data, fine()});
}

}  // namespace unfold::nufft
