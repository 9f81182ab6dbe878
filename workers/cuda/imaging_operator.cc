#include "workers/cuda/imaging_operator.h"

#include <algorithm>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "workers/cuda/imaging_crossing.h"
#include "workers/cuda/outcome.h"
#include "workers/kernels/imaging/attitude.h"
#include "workers/kernels/imaging/list_plan.h"
#include "workers/kernels/imaging/packed_response.h"

namespace unfold::cuda {
namespace {

using imaging::Index;

/// Indices of a list's events and of an attitude's lookups have 31 bits, pointings of a time
/// bin 16.
constexpr std::size_t kMostOfAList = std::size_t{1} << 31;
constexpr Index kMostPointings = 65536;

ImagingSubset crossing(imaging::Subset subset) { return {subset.first, subset.step}; }
Index size_of(std::span<const double> values) { return static_cast<Index>(values.size()); }

/// What a kernel must not be asked: a wrong call is no failure of the device.
void require(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(what);
}
void check(imaging::Subset subset) {
  require(subset.first >= 0 && subset.step > 0, "a subset starts at 0 or later and has a step");
}

class GpuEventOperator final : public imaging::EventOperator {
 public:
  GpuEventOperator(const GpuHandle& of_operator, imaging::Shape shape,
                   const imaging::Events& events, const imaging::Background& background)
      : list_(open(of_operator, shape, events, background)),
        shape_(shape),
        events_(events.size()),
        amplitudes_(background.amplitudes()) {}

  void forward(imaging::Subset subset, std::span<const double> image,
               std::span<double> expectation) const override {
    check(subset);
    require(size_of(image) == shape_.pixels, "an image has the wrong size");
    require(size_of(expectation) == events_, "data of events have the wrong size");
    cuda::require(table().forward(ordinal(), list_.get(), crossing(subset), image.data(),
                                  shape_.pixels, expectation.data(), events_));
  }
  void back(imaging::Subset subset, std::span<const double> data,
            std::span<double> image) const override {
    check(subset);
    require(size_of(image) == shape_.pixels, "an image has the wrong size");
    require(size_of(data) == events_, "data of events have the wrong size");
    cuda::require(table().back(ordinal(), list_.get(), crossing(subset), data.data(), events_,
                               image.data(), shape_.pixels));
  }
  imaging::PassResult pass(const imaging::Pass& pass) const override {
    check(pass.subset);
    require(pass.replicates >= 0 && size_of(pass.counts) == pass.replicates * events_,
            "counts have the wrong size");
    require(size_of(pass.image) == pass.replicates * shape_.pixels, "images have the wrong size");
    require(size_of(pass.amplitude) == pass.replicates * amplitudes_,
            "amplitudes have the wrong size");
    const auto of_each = [&](Index size) {
      return std::vector<double>(static_cast<std::size_t>(pass.replicates * size));
    };
    imaging::PassResult result{of_each(shape_.pixels), of_each(amplitudes_), of_each(1)};
    const ImagingPass crossing_pass{.subset = crossing(pass.subset),
                                    .replicates = pass.replicates,
                                    .events = events_,
                                    .pixels = shape_.pixels,
                                    .amplitudes = amplitudes_,
                                    .counts_version = pass.counts_version,
                                    .floor = pass.floor,
                                    .counts = pass.counts.data(),
                                    .image = pass.image.data(),
                                    .amplitude = pass.amplitude.data(),
                                    .back = result.back.data(),
                                    .amplitude_back = result.amplitude_back.data(),
                                    .log_model = result.log_model.data(),
                                    .impossible = &result.impossible};
    cuda::require(table().pass(ordinal(), list_.get(), &crossing_pass));
    return result;
  }

 private:
  static GpuHandle open(const GpuHandle& of_operator, imaging::Shape shape,
                        const imaging::Events& events, const imaging::Background& background) {
    require(events.bin.size() < kMostOfAList, "a list has more events than a GPU takes");
    require(events.times() == shape.times, "events and response differ in time bins");
    require(
        static_cast<Index>(background.at_events.size()) == background.components * events.size(),
        "the background at events has the wrong size");
    require(
        background.components == 0 || static_cast<Index>(background.group.size()) == shape.times,
        "background groups and response differ in time bins");
    const ImagingList host{.times = shape.times,
                           .events = events.size(),
                           .components = background.components,
                           .groups = background.groups,
                           .begin = events.begin.data(),
                           .bin = events.bin.data(),
                           .group = background.components == 0 ? nullptr : background.group.data(),
                           .at_events = background.at_events.data()};
    const Gpu& gpu = of_operator.gpu();
    void* list = nullptr;
    cuda::require(gpu.module->imaging.open_list(gpu.ordinal, of_operator.get(), &host, &list));
    return {gpu, list, 0};
  }
  const ImagingTable& table() const { return list_.gpu().module->imaging; }
  int ordinal() const { return list_.gpu().ordinal; }

  GpuHandle list_;
  imaging::Shape shape_;
  Index events_, amplitudes_;
};

class GpuOperator final : public imaging::Operator {
 public:
  GpuOperator(std::shared_ptr<const GpuResponse> response,
              std::shared_ptr<const GpuAttitude> attitude, imaging::Shape shape,
              const std::vector<double>& solid_angle)
      : response_(std::move(response)),
        attitude_(std::move(attitude)),
        shape_(shape),
        handle_(make(*response_, attitude_.get(), solid_angle)) {}

  imaging::Shape shape() const override { return shape_; }

  void forward(std::span<const double> image, std::span<double> expectation) const override {
    forward_events(imaging::every_bin(shape_), {}, image, expectation);
  }
  void back(std::span<const double> data, std::span<double> image) const override {
    back_events(imaging::every_bin(shape_), {}, data, image);
  }
  void sensitivity(imaging::Subset subset, std::span<double> image) const override {
    check(subset);
    require(size_of(image) == shape_.pixels, "an image has the wrong size");
    const std::scoped_lock lock(mutex_);
    const Gpu& gpu = handle_.gpu();
    cuda::require(gpu.module->imaging.sensitivity(gpu.ordinal, handle_.get(), crossing(subset),
                                                  image.data(), shape_.pixels));
  }
  void forward_events(const imaging::Events& events, imaging::Subset subset,
                      std::span<const double> image, std::span<double> expectation) const override {
    GpuEventOperator(handle_, shape_, events, {}).forward(subset, image, expectation);
  }
  void back_events(const imaging::Events& events, imaging::Subset subset,
                   std::span<const double> data, std::span<double> image) const override {
    GpuEventOperator(handle_, shape_, events, {}).back(subset, data, image);
  }
  imaging::PassResult pass(const imaging::Events& events, const imaging::Background& background,
                           const imaging::Pass& pass) const override {
    return GpuEventOperator(handle_, shape_, events, background).pass(pass);
  }
  std::unique_ptr<const imaging::EventOperator> at(
      const imaging::Events& events, const imaging::Background& background) const override {
    return std::make_unique<GpuEventOperator>(handle_, shape_, events, background);
  }

 private:
  static GpuHandle make(const GpuHandle& response, const GpuHandle* attitude,
                        const std::vector<double>& solid_angle) {
    const Gpu& gpu = response.gpu();
    void* made = nullptr;
    cuda::require(gpu.module->imaging.make_operator(
        gpu.ordinal, response.get(), attitude == nullptr ? nullptr : attitude->get(),
        solid_angle.empty() ? nullptr : solid_angle.data(), static_cast<Index>(solid_angle.size()),
        &made));
    return {gpu, made, 0};
  }

  std::shared_ptr<const GpuResponse> response_;
  std::shared_ptr<const GpuAttitude> attitude_;
  imaging::Shape shape_;
  GpuHandle handle_;
  mutable std::mutex mutex_;  ///< of handle_'s stream
};

std::shared_ptr<const GpuResponse> load(const Gpu& gpu, const imaging::PackedResponse& host) {
  const ImagingResponse response = crossing_of(host);
  void* handle = nullptr;
  std::size_t bytes = 0;
  require(gpu.module->imaging.load_response(gpu.ordinal, &response, &handle, &bytes));
  return std::make_shared<const GpuResponse>(gpu, handle, bytes);
}

}  // namespace

std::shared_ptr<const GpuResponse> load_response(const Gpu& gpu,
                                                 const imaging::FactoredResponse& host) {
  return load(gpu, host);
}
std::shared_ptr<const GpuResponse> load_response(const Gpu& gpu,
                                                 const imaging::DenseResponse& host) {
  return load(gpu, host);
}

std::shared_ptr<const GpuAttitude> load_attitude(const Gpu& gpu, const imaging::Attitude& host) {
  bool fits = host.entry.size() < kMostOfAList;
  for (std::size_t t = 1; t < host.begin.size(); ++t) {
    fits = fits && host.begin[t] - host.begin[t - 1] <= kMostPointings;
  }
  require(fits, "an attitude has more lookups or pointings than a GPU takes");
  std::vector<ImagingPart> parts;
  for (const imaging::Attitude::Part& part : host.part) {
    parts.push_back({part.begin, part.end, part.first_pixel, part.live_time});
  }
  const ImagingAttitude attitude{.times = host.times,
                                 .pixels = host.pixels,
                                 .directions = host.directions,
                                 .entries = static_cast<Index>(host.entry.size()),
                                 .begin = host.begin.data(),
                                 .part = parts.data(),
                                 .entry = host.entry.data(),
                                 .weight = host.weight.empty() ? nullptr : host.weight.data()};
  void* handle = nullptr;
  std::size_t bytes = 0;
  require(gpu.module->imaging.load_attitude(gpu.ordinal, &attitude, &handle, &bytes));
  return std::make_shared<const GpuAttitude>(gpu, handle, bytes);
}

std::unique_ptr<imaging::Operator> make_factored_operator(
    std::shared_ptr<const GpuResponse> response, std::shared_ptr<const GpuAttitude> attitude,
    imaging::Shape shape, const std::vector<double>& solid_angle) {
  require(static_cast<Index>(solid_angle.size()) == shape.pixels,
          "solid angles and attitude differ in pixels");
  return std::make_unique<GpuOperator>(std::move(response), std::move(attitude), shape,
                                       solid_angle);
}

std::unique_ptr<imaging::Operator> make_dense_operator(std::shared_ptr<const GpuResponse> response,
                                                       imaging::Shape shape) {
  return std::make_unique<GpuOperator>(std::move(response), nullptr, shape, std::vector<double>{});
}

}  // namespace unfold::cuda
