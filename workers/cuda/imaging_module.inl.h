#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "workers/cuda/module_table.h"
#include "workers/cuda/outcome.h"
#include "workers/kernels/imaging/device/list_on_device.h"
#include "workers/kernels/imaging/device/loading_response.h"

namespace unfold::cuda {

/// A handle of imaging: it is released without knowing what it is.
struct ImagingHeld {
  virtual ~ImagingHeld() = default;
};

template <class T>
struct ImagingHolds final : ImagingHeld {
  explicit ImagingHolds(T made) : value(std::move(made)) {}
  T value;
};

template <class D>
using HeldResponse = ImagingHolds<std::unique_ptr<imaging::ResponseOnDevice<D>>>;
template <class D>
using HeldLoading = ImagingHolds<std::unique_ptr<imaging::LoadingResponse<D>>>;
template <class D>
using HeldAttitude = ImagingHolds<std::unique_ptr<imaging::AttitudeOnDevice<D>>>;
template <class D>
using HeldOperator = ImagingHolds<std::unique_ptr<imaging::OperatorOnDevice<D>>>;
using HeldList = ImagingHolds<std::unique_ptr<imaging::ListOnAnyDevice>>;

/// What a handle holds.
template <class Held>
auto& held(void* handle) {
  return *static_cast<Held*>(static_cast<ImagingHeld*>(handle))->value;
}
template <class Held, class T>
void* hand_out(std::unique_ptr<T> value) {
  return static_cast<ImagingHeld*>(new Held(std::move(value)));
}

template <class T>
std::span<const T> span_of(const T* data, std::ptrdiff_t size) {
  return {data, data == nullptr ? 0 : static_cast<std::size_t>(size)};
}
inline imaging::Subset subset_of(ImagingSubset subset) { return {subset.first, subset.step}; }

inline imaging::ResponseArrays arrays_of(const ImagingResponse& host) {
  const std::ptrdiff_t columns = host.times * host.columns;
  return {.times = host.times,
          .columns = host.columns,
          .bins = host.bins,
          .stride = host.stride,
          .first_used = host.first_used,
          .last_used = host.last_used,
          .element = static_cast<imaging::Element>(host.element),
          .rows = static_cast<const std::byte*>(host.rows),
          .scale = span_of(host.scale, columns),
          .row_sum = span_of(host.row_sum, columns)};
}

template <class D>
Outcome load_imaging_response(int ordinal, const ImagingResponse* host, void** response,
                              std::size_t* bytes) {
  return guarded<D>(ordinal, [&] {
    auto made = std::make_unique<imaging::ResponseOnDevice<D>>(ordinal, arrays_of(*host));
    *bytes = made->bytes();
    *response = hand_out<HeldResponse<D>>(std::move(made));
  });
}

template <class D>
Outcome begin_imaging_response(int ordinal, const ImagingSizes* sizes, void** loading) {
  return guarded<D>(ordinal, [&] {
    *loading = hand_out<HeldLoading<D>>(std::make_unique<imaging::LoadingResponse<D>>(
        ordinal,
        imaging::ResponseSizes{sizes->times, sizes->columns, sizes->bins,
                               static_cast<imaging::Element>(sizes->element), sizes->scaled},
        sizes->piece_columns));
  });
}

template <class D>
Outcome lay_imaging_columns(int ordinal, void* loading, std::ptrdiff_t time, std::ptrdiff_t first,
                            const ImagingResponse* piece) {
  return guarded<D>(ordinal,
                    [&] { held<HeldLoading<D>>(loading).lay(time, first, arrays_of(*piece)); });
}

template <class D>
Outcome finish_imaging_response(int ordinal, void* loading, void** response, std::size_t* bytes) {
  return guarded<D>(ordinal, [&] {
    const std::unique_ptr<ImagingHeld> taken(static_cast<ImagingHeld*>(loading));
    auto made = held<HeldLoading<D>>(loading).finish();
    *bytes = made->bytes();
    *response = hand_out<HeldResponse<D>>(std::move(made));
  });
}

template <class D>
Outcome load_imaging_attitude(int ordinal, const ImagingAttitude* host, void** attitude,
                              std::size_t* bytes) {
  return guarded<D>(ordinal, [&] {
    std::vector<imaging::AttitudePart> parts;
    for (std::ptrdiff_t i = 0; i < host->begin[host->times]; ++i) {
      const ImagingPart& part = host->part[i];
      parts.push_back({part.begin, part.end, part.first_pixel, part.live_time});
    }
    auto made = std::make_unique<imaging::AttitudeOnDevice<D>>(
        ordinal, imaging::AttitudeArrays{.times = host->times,
                                         .pixels = host->pixels,
                                         .directions = host->directions,
                                         .begin = span_of(host->begin, host->times + 1),
                                         .part = parts,
                                         .entry = span_of(host->entry, host->entries),
                                         .weight = span_of(host->weight, host->entries)});
    *bytes = made->bytes();
    *attitude = hand_out<HeldAttitude<D>>(std::move(made));
  });
}

template <class D>
Outcome make_imaging_operator(int ordinal, void* response, void* attitude,
                              const double* solid_angle, std::ptrdiff_t pixels, void** made) {
  return guarded<D>(ordinal, [&] {
    *made = hand_out<HeldOperator<D>>(std::make_unique<imaging::OperatorOnDevice<D>>(
        ordinal, held<HeldResponse<D>>(response),
        attitude == nullptr ? nullptr : &held<HeldAttitude<D>>(attitude),
        span_of(solid_angle, pixels)));
  });
}

template <class D>
Outcome imaging_sensitivity(int ordinal, void* of_operator, ImagingSubset subset, double* image,
                            std::ptrdiff_t pixels) {
  return guarded<D>(ordinal, [&] {
    held<HeldOperator<D>>(of_operator)
        .sensitivity(subset_of(subset), {image, static_cast<std::size_t>(pixels)});
  });
}

template <class D>
Outcome open_imaging_list(int ordinal, void* of_operator, const ImagingList* host, void** list) {
  return guarded<D>(ordinal, [&] {
    *list = hand_out<HeldList>(imaging::list_on_device<D>(
        held<HeldOperator<D>>(of_operator),
        {.begin = span_of(host->begin, host->times + 1),
         .bin = span_of(host->bin, host->events),
         .components = host->components,
         .groups = host->groups,
         .group = span_of(host->group, host->times),
         .at_events = span_of(host->at_events, host->components * host->events)}));
  });
}

template <class D>
Outcome imaging_forward(int ordinal, void* list, ImagingSubset subset, const double* image,
                        std::ptrdiff_t pixels, double* expectation, std::ptrdiff_t events) {
  return guarded<D>(ordinal, [&] {
    held<HeldList>(list).forward(subset_of(subset), span_of(image, pixels),
                                 {expectation, static_cast<std::size_t>(events)});
  });
}

template <class D>
Outcome imaging_back(int ordinal, void* list, ImagingSubset subset, const double* data,
                     std::ptrdiff_t events, double* image, std::ptrdiff_t pixels) {
  return guarded<D>(ordinal, [&] {
    held<HeldList>(list).back(subset_of(subset), span_of(data, events),
                              {image, static_cast<std::size_t>(pixels)});
  });
}

template <class D>
Outcome imaging_pass(int ordinal, void* list, const ImagingPass* pass) {
  return guarded<D>(ordinal, [&] {
    const ImagingPass& p = *pass;
    const imaging::PassResult result =
        held<HeldList>(list).pass({.subset = subset_of(p.subset),
                                   .replicates = p.replicates,
                                   .counts = span_of(p.counts, p.replicates * p.events),
                                   .image = span_of(p.image, p.replicates * p.pixels),
                                   .amplitude = span_of(p.amplitude, p.replicates * p.amplitudes),
                                   .floor = p.floor,
                                   .counts_version = p.counts_version});
    std::copy(result.back.begin(), result.back.end(), p.back);
    std::copy(result.amplitude_back.begin(), result.amplitude_back.end(), p.amplitude_back);
    std::copy(result.log_model.begin(), result.log_model.end(), p.log_model);
    *p.impossible = result.impossible;
  });
}

template <class D>
Outcome release_imaging(int ordinal, void* handle) {
  return guarded<D>(ordinal, [&] {
    delete static_cast<ImagingHeld*>(handle);
    D(ordinal).synchronize();  // freed memory goes back to the device at a wait
  });
}

template <class D>
Outcome imaging_copy_rate(int ordinal, std::size_t bytes, double* rate) {
  return guarded<D>(ordinal, [&] {
    constexpr int kCopies = 10;
    D device(ordinal);
    const auto half = static_cast<std::ptrdiff_t>(bytes / 2);
    compute::Buffer<std::byte, D> from(device, half), to(device, half);
    device.clear(from.view(half).data, from.bytes());
    device.copy(to.view(half).data, from.view(half).data, from.bytes());
    const auto begin = device.mark();
    for (int i = 0; i < kCopies; ++i) {
      device.copy(to.view(half).data, from.view(half).data, from.bytes());
    }
    const auto end = device.mark();
    device.synchronize();
    *rate = 2.0 * kCopies * static_cast<double>(half) / device.seconds(begin, end);
  });
}

template <class D>
ImagingTable imaging_table() {
  return {.load_response = load_imaging_response<D>,
          .begin_response = begin_imaging_response<D>,
          .lay_columns = lay_imaging_columns<D>,
          .finish_response = finish_imaging_response<D>,
          .load_attitude = load_imaging_attitude<D>,
          .make_operator = make_imaging_operator<D>,
          .sensitivity = imaging_sensitivity<D>,
          .open_list = open_imaging_list<D>,
          .forward = imaging_forward<D>,
          .back = imaging_back<D>,
          .pass = imaging_pass<D>,
          .release = release_imaging<D>,
          .copy_rate = imaging_copy_rate<D>};
}

}  // namespace unfold::cuda
