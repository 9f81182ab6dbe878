#pragma once

#include <memory>
#include <vector>

#include "tests/workers/kernels/imaging/operator_problem.h"
#include "workers/kernels/imaging/attitude.h"
#include "workers/kernels/imaging/device/list_on_device.h"
#include "workers/kernels/imaging/packed_response.h"

namespace unfold::test {

inline imaging::ResponseArrays arrays_of(const imaging::PackedResponse& r) {
  return {r.times,     r.columns, r.bins,       r.stride, r.first_used,
          r.last_used, r.element, r.data.get(), r.scale,  r.row_sum};
}

/// A problem on a device, and what holds the host's side.
template <class D>
struct DeviceProblem {
  explicit DeviceProblem(Index neighbours, imaging::Storage storage) : problem(neighbours) {
    imaging::FactoredResponseBuilder builder(OperatorProblem::kDirections, OperatorProblem::kBins,
                                             storage);
    builder.append(problem.instrument);
    response = std::make_unique<imaging::ResponseOnDevice<D>>(0, arrays_of(*builder.finish()));
    const auto host = imaging::make_attitude(problem.attitude, OperatorProblem::kDirections);
    std::vector<imaging::AttitudePart> parts;
    for (const auto& p : host->part) parts.push_back({p.begin, p.end, p.first_pixel, p.live_time});
    attitude = std::make_unique<imaging::AttitudeOnDevice<D>>(
        0, imaging::AttitudeArrays{host->times, host->pixels, host->directions, host->begin, parts,
                                   host->entry, host->weight});
    linear = std::make_unique<imaging::OperatorOnDevice<D>>(0, *response, attitude.get(),
                                                            problem.solid_angle);
    const imaging::Background& b = problem.background;
    list = imaging::list_on_device<D>(*linear, {problem.events.begin, problem.events.bin,
                                                b.components, b.groups, b.group, b.at_events});
  }

  /// Everything that a fit asks for, in a row.
  std::vector<double> results(Index replicates) {
    const auto counts = problem.random_counts(replicates * problem.events.size());
    const auto image = problem.random_values(replicates * OperatorProblem::kPixels);
    const auto amplitude = problem.random_values(replicates * 6);
    const auto pass = list->pass({.subset = {1, 2},
                                  .replicates = replicates,
                                  .counts = counts,
                                  .image = image,
                                  .amplitude = amplitude});
    std::vector<double> out = pass.back, seen(at(OperatorProblem::kPixels)), back = seen;
    std::vector<double> expectation(problem.events.bin.size());
    linear->sensitivity({}, seen);
    list->forward({}, std::span(image).first(seen.size()), expectation);
    list->back({}, expectation, back);
    for (const auto& part : {pass.amplitude_back, pass.log_model, seen, expectation, back}) {
      out.insert(out.end(), part.begin(), part.end());
    }
    return out;
  }

  OperatorProblem problem;
  std::unique_ptr<imaging::ResponseOnDevice<D>> response;
  std::unique_ptr<imaging::AttitudeOnDevice<D>> attitude;
  std::unique_ptr<imaging::OperatorOnDevice<D>> linear;
  std::unique_ptr<imaging::ListOnAnyDevice> list;
};

}  // namespace unfold::test
