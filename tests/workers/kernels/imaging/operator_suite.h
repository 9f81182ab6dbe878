#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <tuple>

#include "tests/workers/kernels/imaging/operator_problem.h"
#include "workers/compute/cpu_device.h"
#include "workers/kernels/imaging/accuracy.h"

/// What every imaging operator promises, wherever it computes.
namespace unfold::test {

using imaging::Operator;
using imaging::Storage;
using imaging::Subset;

enum class Kind { kNearest, kFourNeighbours, kDense };
inline constexpr Storage kStorages[] = {Storage::kFp64, Storage::kFp32, Storage::kFp16,
                                        Storage::kInteger};

inline void expect_close(std::span<const double> is, std::span<const double> wanted,
                         double relative, const char* what) {
  ASSERT_EQ(is.size(), wanted.size());
  double largest = 0, worst = 0;
  for (const double x : wanted) largest = std::max(largest, std::abs(x));
  for (std::size_t i = 0; i < is.size(); ++i) worst = std::max(worst, std::abs(is[i] - wanted[i]));
  EXPECT_LE(worst, relative * largest) << what;
  EXPECT_TRUE(std::isfinite(worst)) << what;
}

/// The responses of a problem as kept in memory.
inline std::shared_ptr<const imaging::DenseResponse> dense_of(const OperatorProblem& problem,
                                                              Storage storage) {
  imaging::DenseResponseBuilder builder(problem.shape(), storage);
  const Index rows =
      storage == Storage::kInteger ? OperatorProblem::kTimes * OperatorProblem::kPixels : 0;
  builder.append(problem.response, std::vector<double>(at(rows), 1.0));
  return builder.finish();
}
inline std::shared_ptr<const imaging::FactoredResponse> factored_of(const OperatorProblem& problem,
                                                                    Storage storage) {
  imaging::FactoredResponseBuilder builder(OperatorProblem::kDirections, OperatorProblem::kBins,
                                           storage);
  const Index rows = storage == Storage::kInteger ? OperatorProblem::kDirections : 0;
  builder.append(problem.instrument, std::vector<double>(at(rows), 1.0));
  return builder.finish();
}

/// Where operators compute. unavailable(): why not here, or empty.
struct Place {
  std::string name;
  std::function<std::unique_ptr<Operator>(const OperatorProblem&, Kind, Storage, compute::Cpu&)>
      make;
  std::function<std::string()> unavailable = [] { return std::string(); };
};

/// Every operator, storage and place against the reference, whose response is the same to
/// the last bit.
class Operators : public ::testing::TestWithParam<std::tuple<Kind, Storage, Place>> {
 protected:
  Operators()
      : problem_(std::get<0>(GetParam()) == Kind::kDense            ? 0
                 : std::get<0>(GetParam()) == Kind::kFourNeighbours ? 4
                                                                    : 1),
        reference_(imaging::make_reference_operator(problem_.shape(), problem_.response)),
        error_(imaging::arithmetic_error(std::get<1>(GetParam()))) {}
  void SetUp() override {
    const std::string why = place().unavailable();
    if (!why.empty()) GTEST_SKIP() << why;
    operator_ = with_threads(cpu_);
  }

  static const Place& place() { return std::get<2>(GetParam()); }
  std::unique_ptr<Operator> with_threads(compute::Cpu& cpu) const {
    return place().make(problem_, std::get<0>(GetParam()), std::get<1>(GetParam()), cpu);
  }
  std::vector<double> image() { return problem_.random_values(OperatorProblem::kPixels); }

  struct Inputs {
    std::vector<double> counts, image, amplitude;
    imaging::Pass pass(Index replicates, Subset subset) const {
      return {subset, replicates, counts, image, amplitude, 0.25};
    }
  };
  Inputs inputs(Index replicates) {
    return {problem_.random_counts(replicates * problem_.events.size()),
            problem_.random_values(replicates * OperatorProblem::kPixels),
            problem_.random_values(replicates * 6)};
  }

  compute::Cpu cpu_{2};
  OperatorProblem problem_;
  std::unique_ptr<Operator> reference_, operator_;
  double error_;
};

TEST_P(Operators, ForwardAndBackAreTheReferences) {
  const std::vector<double> x = image();
  const Index size = OperatorProblem::kTimes * OperatorProblem::kBins;
  const std::vector<double> q = problem_.random_values(size, -1, 1);
  std::vector<double> is(at(size)), wanted(at(size));
  operator_->forward(x, is);
  reference_->forward(x, wanted);
  expect_close(is, wanted, error_, "forward");
  std::vector<double> back(x.size(), -1), wanted_back(x.size());
  operator_->back(q, back);
  reference_->back(q, wanted_back);
  expect_close(back, wanted_back, 10 * error_, "back");  // of data of both signs
}

TEST_P(Operators, ForwardAndBackAreAdjoint) {
  const std::vector<double> x = image();
  const std::vector<double> q =
      problem_.random_values(OperatorProblem::kTimes * OperatorProblem::kBins);
  std::vector<double> forward(q.size()), back(x.size());
  operator_->forward(x, forward);
  operator_->back(q, back);
  const double left = std::inner_product(q.begin(), q.end(), forward.begin(), 0.0);
  const double right = std::inner_product(x.begin(), x.end(), back.begin(), 0.0);
  EXPECT_GT(left, 0);
  EXPECT_NEAR(left, right, error_ * left);
}

TEST_P(Operators, SubsetsOfTheSensitivityAddUpToBackOfOnes) {
  std::vector<double> wanted(at(OperatorProblem::kPixels)), all(wanted.size()), sum(wanted.size());
  reference_->sensitivity({}, wanted);
  operator_->sensitivity({}, all);
  expect_close(all, wanted, 1e-13, "all");  // in double whatever the storage
  for (Index first = 0; first < 12; ++first) {
    std::vector<double> part(wanted.size(), -1);
    operator_->sensitivity({first, 12}, part);
    for (std::size_t p = 0; p < part.size(); ++p) sum[p] += part[p];
  }
  expect_close(sum, wanted, 1e-13, "sum of subsets");
}

TEST_P(Operators, EventsOfASubsetAreSeenAndNoOthersTouched) {
  const std::vector<double> x = problem_.random_values(OperatorProblem::kPixels, -1, 1);
  std::vector<double> is(problem_.events.bin.size(), -7), wanted = is;
  operator_->forward_events(problem_.events, {2, 3}, x, is);
  reference_->forward_events(problem_.events, {2, 3}, x, wanted);
  expect_close(is, wanted, 4 * error_, "forward of an image of both signs");
  for (Index t = 0; t < OperatorProblem::kTimes; ++t) {
    if (t % 3 == 2) continue;
    for (Index n = problem_.events.begin[at(t)]; n < problem_.events.begin[at(t + 1)]; ++n) {
      ASSERT_EQ(is[at(n)], -7);
    }
  }
  const std::vector<double> q = problem_.random_values(problem_.events.size());
  std::vector<double> back(x.size(), -1), wanted_back(x.size());
  operator_->back_events(problem_.events, {2, 3}, q, back);
  reference_->back_events(problem_.events, {2, 3}, q, wanted_back);
  expect_close(back, wanted_back, error_, "back");
}

TEST_P(Operators, APassIsTheReferencesForAnyNumberOfReplicates) {
  for (const Index replicates : {0, 1, 3, 8, 17}) {
    for (const Subset subset : {Subset{}, Subset{1, 3}, Subset{20, 30}}) {
      const Inputs in = inputs(replicates);
      const imaging::Pass pass = in.pass(replicates, subset);
      const auto is = operator_->pass(problem_.events, problem_.background, pass);
      const auto wanted = reference_->pass(problem_.events, problem_.background, pass);
      expect_close(is.back, wanted.back, error_, "back");
      expect_close(is.amplitude_back, wanted.amplitude_back, error_, "amplitudes");
      expect_close(is.log_model, wanted.log_model, error_, "log of the model");
      EXPECT_EQ(is.impossible, 0);
    }
  }
}

TEST_P(Operators, ReplicatesSideBySideAreSeparatePasses) {
  const Index replicates = 17, events = problem_.events.size();
  const Inputs in = inputs(replicates);
  const auto batch = operator_->pass(problem_.events, problem_.background, in.pass(replicates, {}));
  for (Index r = 0; r < replicates; ++r) {
    const auto part = [&](const std::vector<double>& all, Index size) {
      return std::span(all).subspan(at(r * size), at(size));
    };
    const auto alone = operator_->pass(problem_.events, problem_.background,
                                       {{},
                                        1,
                                        part(in.counts, events),
                                        part(in.image, OperatorProblem::kPixels),
                                        part(in.amplitude, 6),
                                        0.25});
    expect_close(part(batch.back, OperatorProblem::kPixels), alone.back, error_, "back");
    expect_close(part(batch.amplitude_back, 6), alone.amplitude_back, error_, "amplitudes");
    EXPECT_NEAR(batch.log_model[at(r)], alone.log_model[0], error_ * std::abs(alone.log_model[0]));
  }
}

TEST_P(Operators, ThreadsDoNotChangeABit) {
  const std::vector<double> q =
      problem_.random_values(OperatorProblem::kTimes * OperatorProblem::kBins);
  const Inputs one = inputs(1), many = inputs(17);
  std::vector<std::vector<double>> first;
  for (const int threads : {1, 2, 4}) {
    compute::Cpu cpu(threads);
    const auto with = with_threads(cpu);
    std::vector<double> back(at(OperatorProblem::kPixels)), sensitivity(back.size());
    with->back(q, back);
    with->sensitivity({}, sensitivity);
    const auto alone = with->pass(problem_.events, problem_.background, one.pass(1, {}));
    const auto batch = with->pass(problem_.events, problem_.background, many.pass(17, {}));
    const std::vector<std::vector<double>> all = {
        back,       sensitivity,          alone.back,     alone.amplitude_back, alone.log_model,
        batch.back, batch.amplitude_back, batch.log_model};
    if (first.empty()) first = all;
    EXPECT_EQ(all, first) << threads;
  }
}

TEST_P(Operators, AnEventWithoutAModelIsCountedAndLeftOut) {
  const std::vector<double> none(at(OperatorProblem::kPixels)), amplitude(6);
  const std::vector<double> counts = problem_.random_counts(problem_.events.size());
  const auto result = operator_->pass(problem_.events, problem_.background,
                                      {.counts = counts, .image = none, .amplitude = amplitude});
  EXPECT_EQ(result.impossible,
            std::count_if(counts.begin(), counts.end(), [](double y) { return y > 0; }));
  EXPECT_EQ(result.back, none);
  EXPECT_EQ(result.amplitude_back, amplitude);
  EXPECT_EQ(result.log_model[0], 0);
}

TEST_P(Operators, AModelNextToNothingGivesNoNaN) {
  std::vector<double> image(at(OperatorProblem::kPixels), 1e-44);
  const std::vector<double> counts(problem_.events.bin.size(), 1e6), amplitude(6);
  const auto result = operator_->pass(problem_.events, problem_.background,
                                      {.counts = counts, .image = image, .amplitude = amplitude});
  for (const double x : result.back) EXPECT_TRUE(std::isfinite(x));
  EXPECT_TRUE(std::isfinite(result.log_model[0]));
}

inline std::string name_of(const ::testing::TestParamInfo<Operators::ParamType>& info) {
  const char* kinds[] = {"Nearest", "FourNeighbours", "Dense"};
  const char* storages[] = {"Fp64", "Fp32", "Fp16", "Integer"};
  return std::string(kinds[static_cast<int>(std::get<0>(info.param))]) +
         storages[static_cast<int>(std::get<1>(info.param))] + std::get<2>(info.param).name;
}

inline auto everything_at(const std::vector<Place>& places) {
  return ::testing::Combine(::testing::Values(Kind::kNearest, Kind::kFourNeighbours, Kind::kDense),
                            ::testing::ValuesIn(kStorages), ::testing::ValuesIn(places));
}

}  // namespace unfold::test
