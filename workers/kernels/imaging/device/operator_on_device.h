#pragma once

#include "workers/kernels/imaging/device/add_up.h"
#include "workers/kernels/imaging/device/residents.h"
#include "workers/kernels/imaging/operator.h"

namespace unfold::imaging {

/// A response as a linear map on a device. `response` and `attitude` (null: dense) outlive it, and
/// their sizes have been checked. Not thread safe.
template <compute::Accelerator D>
class OperatorOnDevice {
 public:
  /// `solid_angle` [P], empty for a dense response.
  OperatorOnDevice(int ordinal, ResponseOnDevice<D>& response, AttitudeOnDevice<D>* attitude,
                   std::span<const double> solid_angle)
      : device_(ordinal),
        ordinal_(ordinal),
        response_(response),
        attitude_(attitude),
        factor_(on_device(device_, solid_angle)) {}

  Shape shape() const {
    if (attitude_ == nullptr) return {response_.times(), response_.columns(), response_.bins()};
    return {attitude_->times(), attitude_->pixels(), response_.bins()};
  }
  int ordinal() const { return ordinal_; }
  ResponseOnDevice<D>& response() { return response_; }
  AttitudeView attitude() { return attitude_ == nullptr ? AttitudeView{} : attitude_->view(); }
  const double* factor() { return data_of(factor_); }

  /// As Operator::sensitivity.
  void sensitivity(Subset subset, std::span<double> image) {
    const Shape shape = this->shape();
    constexpr Index kTimes = SensitivityOfRun::kTimesOfRun;
    const Index wanted =
        std::max<Index>(0, (shape.times - subset.first + subset.step - 1) / subset.step);
    const Index runs = (wanted + kTimes - 1) / kTimes;
    compute::Buffer<double, D> back(device_, runs * shape.pixels), out(device_, shape.pixels);
    double* const parts = back.view(back.size()).data;
    parallel_for(device_, runs * shape.pixels,
                 SensitivityOfRun{.times = shape.times,
                                  .pixels = shape.pixels,
                                  .columns = response_.columns(),
                                  .response_times = response_.times(),
                                  .first = subset.first,
                                  .step = subset.step,
                                  .attitude = attitude(),
                                  .row_sum = response_.row_sum(),
                                  .back = parts});
    launch(device_, AddRuns{.lanes = 1,
                            .n_runs = static_cast<int>(runs),
                            .pixels = shape.pixels,
                            .back = parts,
                            .factor = factor(),
                            .out = out.view(out.size()).data});
    out.download(image);
  }

 private:
  D device_;
  int ordinal_;
  ResponseOnDevice<D>& response_;
  AttitudeOnDevice<D>* attitude_;
  compute::Buffer<double, D> factor_;
};

}  // namespace unfold::imaging
