#pragma once

#include "workers/kernels/spi/device/sums.h"
#include "workers/kernels/spi/phase_device.h"
#include "workers/kernels/spi/phase_functors.h"
#include "workers/nufft/device/fft.h"

namespace unfold::spi {

/// ReplaceModulus on spectra [S, n, 2] of several starts.
template <class Real>
struct ReplaceModuli {
  View<const Real, 1> amplitude;  ///< [n] of all
  Real* spectra;

  UNFOLD_HD void operator()(Index i) const {
    const Index n = amplitude.extent[0], k = i % n;
    ReplaceModulus<Real>{amplitude, {spectra + 2 * (i - k), n, 2}}(k);
  }
};

template <class Real>
struct Absolute {
  const Real* in;
  Real* out;
  UNFOLD_HD void operator()(Index i) const { out[i] = in[i] < 0 ? -in[i] : in[i]; }
};

/// out = in blurred along one axis of the cubes [S, L, L, L].
template <class Real>
struct BlurAlong {
  Index box;
  Index stride;  ///< of the axis
  const Real* tap;
  Index radius;
  const Real* in;
  Real* out;

  UNFOLD_HD void operator()(Index i) const {
    const Index place = i / stride % box;
    const Real* line = in + i - place * stride;
    out[i] = blurred_by(tap, radius, [&](Index d) {
      const Index n = place + d;
      return line[(n < 0 ? n + box : n >= box ? n - box : n) * stride];
    });
  }
};

/// A set's values, and their squares.
template <class Real>
struct ValueAndSquare {
  const Real* values;
  Index size;
  UNFOLD_HD Pair operator()(Index set, Index i) const {
    const double x = static_cast<double>(values[set * size + i]);
    return {x, x * x};
  }
};
template <class Real>
struct StoreLimit {
  Index voxels;  ///< M^3
  double weight;
  Real* limit;  ///< [S]
  UNFOLD_HD void operator()(Index set, const Pair& sums) const {
    limit[set] = shrink_limit<Real>(sums.a, sums.b, voxels, weight);
  }
};
template <class Real>
struct TakeSupport {
  const Real* values;
  const Real* limit;
  Index size;
  std::uint8_t* support;
  UNFOLD_HD void operator()(Index i) const { support[i] = values[i] > limit[i / size] ? 1 : 0; }
};

/// AmplitudeMisfit of each start.
template <class Real>
struct Misfits {
  View<const Real, 1> amplitude;
  const Real* spectra;
  Index box;
  UNFOLD_HD Pair operator()(Index set, Index k) const {
    const Index n = amplitude.extent[0];
    Pair out{0, 0};
    AmplitudeMisfit<Real>{amplitude, {spectra + 2 * set * n, n, 2}, box}(k, out.a, out.b);
    return out;
  }
};
struct StoreError {
  double* error;  ///< [S]
  UNFOLD_HD void operator()(Index set, const Pair& sums) const {
    error[set] = sums.b > 0 ? sqrt(sums.a / sums.b) : 0;
  }
};

/// All starts of a batch on their way, side by side in every launch and transform; nothing comes
/// back before they end. follow() takes it through a schedule.
template <compute::Accelerator D>
class DeviceIteration {
 public:
  using Real = float;

  DeviceIteration(D& device, const PhaseBatch& batch, const PhaseSchedule& schedule)
      : device_(&device),
        schedule_(schedule),
        grid_(batch.grid),
        box_(batch.box),
        voxels_(box_ * box_ * box_),
        modes_(nufft::half_size({box_, box_, box_})),
        starts_(static_cast<Index>(batch.fourier_error.size())),
        fft_(device, {box_, box_, box_}, starts_),
        amplitude_(device, modes_),
        taps_(device, static_cast<Index>(batch.taps.size())),
        density_(device, starts_ * voxels_),
        image_(device, starts_ * voxels_),
        spectra_(device, starts_ * modes_ * 2),
        limit_(device, starts_),
        error_(device, starts_),
        support_(device, starts_ * voxels_),
        sums_(device, starts_) {
    amplitude_.upload(batch.amplitude);
    taps_.upload(batch.taps);
    density_.upload(batch.density);
    support_.upload(batch.support);
  }

  void error_reduction(int times) {
    for (int i = 0; i < times; ++i) {
      project();
      parallel_for(*device_, density_.size(), ErrorReduction<Real>{volume()});
    }
  }

  void escape(int times, double beta_now) {
    const auto beta = static_cast<Real>(beta_now);
    for (int i = 0; i < times; ++i) {
      project();
      if (schedule_.raar) {
        parallel_for(*device_, density_.size(), RelaxedReflections<Real>{volume(), beta});
      } else {
        parallel_for(*device_, density_.size(), HybridInputOutput<Real>{volume(), beta});
      }
    }
  }

  void shrinkwrap() {
    Real* image = data(image_);
    Real* other = data(spectra_);  // has room for a cube a start
    parallel_for(*device_, density_.size(), Absolute<Real>{data(density_), image});
    blur(0, image, other);
    blur(1, other, image);
    blur(2, image, other);
    sums_(voxels_, ValueAndSquare<Real>{other, voxels_},
          StoreLimit<Real>{grid_ * grid_ * grid_, schedule_.shrink_weight, data(limit_)});
    parallel_for(*device_, density_.size(),
                 TakeSupport<Real>{other, data(limit_), voxels_, data(support_)});
  }

  /// Where the batch ended. Returns when done.
  void end(const PhaseBatch& batch) {
    fft_.forward(data(density_), data(spectra_));
    sums_(modes_, Misfits<Real>{amplitude(), data(spectra_), box_}, StoreError{data(error_)});
    density_.download(batch.density);
    support_.download(batch.support);
    error_.download(batch.fourier_error);
  }

 private:
  template <class T>
  static T* data(compute::Buffer<T, D>& buffer) {
    return buffer.view(buffer.size()).data;
  }
  View<const Real, 1> amplitude() { return amplitude_.view(modes_); }
  PhaseVolume<Real> volume() {
    const Index n = density_.size();
    return {image_.view(n), support_.view(n), density_.view(n),
            Real(1) / static_cast<Real>(voxels_)};
  }
  void project() {
    fft_.forward(data(density_), data(spectra_));
    parallel_for(*device_, starts_ * modes_, ReplaceModuli<Real>{amplitude(), data(spectra_)});
    fft_.backward(data(spectra_), data(image_));
  }
  void blur(int axis, const Real* in, Real* out) {
    const Index stride = axis == 0 ? box_ * box_ : axis == 1 ? box_ : 1;
    parallel_for(*device_, density_.size(),
                 BlurAlong<Real>{box_, stride, data(taps_), taps_.size() - 1, in, out});
  }

  D* device_;
  PhaseSchedule schedule_;
  Index grid_, box_, voxels_, modes_, starts_;
  nufft::DeviceRealFft<D, Real> fft_;
  compute::Buffer<Real, D> amplitude_, taps_, density_, image_, spectra_, limit_;
  compute::Buffer<double, D> error_;
  compute::Buffer<std::uint8_t, D> support_;
  SetSums<D> sums_;
};

/// PhaseDevice on an Accelerator.
template <compute::Accelerator D>
class DevicePhasing final : public PhaseDevice {
 public:
  explicit DevicePhasing(D& device) : device_(&device) {}
  void iterate(const PhaseBatch& batch, const PhaseSchedule& schedule,
               const std::function<bool()>& goes_on) override {
    if (batch.fourier_error.empty()) return;
    DeviceIteration<D> iteration(*device_, batch, schedule);
    follow(schedule, iteration, goes_on);
    iteration.end(batch);
  }

 private:
  D* device_;
};

}  // namespace unfold::spi
