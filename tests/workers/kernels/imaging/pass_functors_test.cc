#include "workers/kernels/imaging/pass_functors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/workers/kernels/imaging/operator_problem.h"
#include "workers/compute/cpu_device.h"

namespace unfold::test {
namespace {

using compute::View;

/// The problem's arrays as a device would hold them, pointings in order of time.
template <class Real>
struct OnDevice {
  explicit OnDevice(const OperatorProblem& problem) {
    const imaging::AttitudeTable& a = problem.attitude;
    begin.assign(1, 0);
    for (Index t = 0; t < a.times; ++t) {
      for (Index v = 0; v < a.pointings; ++v) {
        if (a.time_bin[at(v)] != t) continue;
        live.push_back(static_cast<Real>(a.live_time[at(v)]));
        lookup.insert(lookup.end(), a.lookup.begin() + v * a.pixels,
                      a.lookup.begin() + (v + 1) * a.pixels);
      }
      begin.push_back(static_cast<Index>(live.size()));
      time.insert(time.end(), at(problem.events.begin[at(t + 1)] - problem.events.begin[at(t)]),
                  static_cast<std::int32_t>(t));
    }
    rows.resize(problem.instrument.size());
    for (Index k = 0; k < OperatorProblem::kDirections; ++k) {
      for (Index d = 0; d < OperatorProblem::kBins; ++d) {
        rows[at(d * OperatorProblem::kDirections + k)] =
            static_cast<Real>(problem.instrument[at(k * OperatorProblem::kBins + d)]);
      }
    }
    area.assign(problem.solid_angle.begin(), problem.solid_angle.end());
  }
  imaging::FactoredView<Real> view() const {
    return {{rows.data(), OperatorProblem::kBins, OperatorProblem::kDirections},
            {lookup.data(), static_cast<Index>(live.size()), OperatorProblem::kPixels},
            {live.data(), static_cast<Index>(live.size())},
            {begin.data(), static_cast<Index>(begin.size())},
            {area.data(), OperatorProblem::kPixels}};
  }
  std::vector<Real> rows, live, area;
  std::vector<std::uint16_t> lookup;
  std::vector<Index> begin;
  std::vector<std::int32_t> time;
};

template <class Real>
class PassFunctors : public ::testing::Test {};
using Reals = ::testing::Types<double, float>;
TYPED_TEST_SUITE(PassFunctors, Reals);

TYPED_TEST(PassFunctors, MakeTheReferencesPass) {
  using Real = TypeParam;
  OperatorProblem problem(1);
  const Index times = OperatorProblem::kTimes, pixels = OperatorProblem::kPixels,
              directions = OperatorProblem::kDirections, events = problem.events.size();
  const OnDevice<Real> device(problem);
  const std::vector<double> image = problem.random_values(pixels),
                            counts = problem.random_counts(events);
  const std::vector<double> level = problem.random_values(events);
  std::vector<double> ratio(at(events)), log_term(at(events)), back(at(pixels));
  std::vector<Real> w(at(times * directions)), sum(w.size());
  const View<Real, 2> w_view(w.data(), times, directions), sum_view(sum.data(), times, directions);
  const View<double, 1> ratio_view(ratio.data(), events), log_view(log_term.data(), events),
      back_view(back.data(), pixels);
  const imaging::EventsView list{{problem.events.begin.data(), times + 1},
                                 {problem.events.bin.data(), events},
                                 {device.time.data(), events},
                                 {counts.data(), events},
                                 {level.data(), events}};
  compute::Cpu cpu(2);
  const auto response = device.view();
  parallel_for(cpu, times, imaging::SpreadImage<Real>{response, {image.data(), pixels}, w_view});
  parallel_for(cpu, events,
               imaging::RatioAtEvent<Real>{response, list, w_view, ratio_view, log_view});
  parallel_for(cpu, times * directions,
               imaging::SumOverEvents<Real>{response, list, ratio_view, sum_view});
  parallel_for(cpu, pixels, imaging::GatherImage<Real>{response, sum_view, back_view});

  const imaging::Background background{1, 1, std::vector<std::int32_t>(at(times)), level,
                                       std::vector<double>(at(times))};
  const auto wanted =
      imaging::make_reference_operator(problem.shape(), problem.response)
          ->pass(problem.events, background,
                 {.counts = counts, .image = image, .amplitude = std::vector<double>{1}});
  const double error = std::is_same_v<Real, double> ? 1e-13 : 1e-6;
  const double largest = *std::max_element(wanted.back.begin(), wanted.back.end());
  for (Index p = 0; p < pixels; ++p) {
    EXPECT_NEAR(back[at(p)], wanted.back[at(p)], error * largest) << p;
  }
  EXPECT_NEAR(std::accumulate(log_term.begin(), log_term.end(), 0.0), wanted.log_model[0],
              error * std::abs(wanted.log_model[0]));
}

TEST(PassFunctor, AnEventWithoutAModelHasNoRatio) {
  const double zero[] = {0}, counts[] = {3};
  const Index begin[] = {0, 1};
  const std::int32_t first[] = {0};
  double ratio = -1, log_term = -1;
  const imaging::FactoredView<double> response{{zero, 1, 1}, {}, {}, {}, {}};
  const imaging::EventsView list{{begin, 2}, {first, 1}, {first, 1}, {counts, 1}, {zero, 1}};
  imaging::RatioAtEvent<double>{response, list, {zero, 1, 1}, {&ratio, 1}, {&log_term, 1}}(0);
  EXPECT_EQ(ratio, 0);
  EXPECT_EQ(log_term, 0);
}

}  // namespace
}  // namespace unfold::test
