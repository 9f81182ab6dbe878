#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <numeric>
#include <tuple>

#include "tests/workers/kernels/imaging/operator_problem.h"
#include "workers/compute/cpu_device.h"
#include "workers/compute/isa.h"
#include "workers/kernels/imaging/accuracy.h"

namespace unfold::test {
namespace {

using imaging::Operator;
using imaging::Storage;
using imaging::Subset;

enum class Kind { kNearest, kFourNeighbours, kDense };
constexpr Storage kStorages[] = {Storage::kFp64, Storage::kFp32, Storage::kFp16, Storage::kInteger};

void expect_close(std::span<const double> is, std::span<const double> wanted, double relative,
                  const char* what) {
  ASSERT_EQ(is.size(), wanted.size());
  double largest = 0, worst = 0;
  for (const double x : wanted) largest = std::max(largest, std::abs(x));
  for (std::size_t i = 0; i < is.size(); ++i) worst = std::max(worst, std::abs(is[i] - wanted[i]));
  EXPECT_LE(worst, relative * largest) << what;
  EXPECT_TRUE(std::isfinite(worst)) << what;
}

std::unique_ptr<Operator> make_operator(const OperatorProblem& problem, Kind kind, Storage storage,
                                        compute::Cpu& cpu) {
  const bool counts = storage == Storage::kInteger;
  if (kind == Kind::kDense) {
    imaging::DenseResponseBuilder builder(problem.shape(), storage);
    const std::vector<double> ones(
        counts ? at(OperatorProblem::kTimes * OperatorProblem::kPixels) : 0, 1.0);
    builder.append(problem.response, ones);
    return make_dense_operator(builder.finish(), cpu);
  }
  imaging::FactoredResponseBuilder builder(OperatorProblem::kDirections, OperatorProblem::kBins,
                                           storage);
  builder.append(problem.instrument,
                 std::vector<double>(counts ? at(OperatorProblem::kDirections) : 0, 1.0));
  return make_factored_operator(builder.finish(),
                                make_attitude(problem.attitude, OperatorProblem::kDirections),
                                problem.solid_angle, cpu);
}

/// Every operator, storage and instruction set against the reference, whose response is the same to
/// the last bit.
class Operators : public ::testing::TestWithParam<std::tuple<Kind, Storage, compute::Isa>> {
 protected:
  Operators()
      : problem_(std::get<0>(GetParam()) == Kind::kDense            ? 0
                 : std::get<0>(GetParam()) == Kind::kFourNeighbours ? 4
                                                                    : 1),
        reference_(imaging::make_reference_operator(problem_.shape(), problem_.response)),
        error_(imaging::arithmetic_error(std::get<1>(GetParam()))) {
    setenv("UNFOLD_ISA", compute::to_string(std::get<2>(GetParam())).c_str(), 1);
    operator_ = with_threads(cpu_);
  }
  ~Operators() override { unsetenv("UNFOLD_ISA"); }

  std::unique_ptr<Operator> with_threads(compute::Cpu& cpu) const {
    return make_operator(problem_, std::get<0>(GetParam()), std::get<1>(GetParam()), cpu);
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

/// So many time bins that each run of the list walks through more than it adds up in float.
TEST(OperatorLists, LongOnesAreTheReferences) {
  const Index times = 2600, pixels = 5, bins = 3, directions = 7, events_n = times * bins;
  imaging::AttitudeTable table;
  table.times = table.pointings = times;
  table.pixels = pixels;
  std::vector<double> instrument;
  for (Index i = 0; i < directions * bins; ++i) {
    instrument.push_back(static_cast<double>(i * 13 % 11));
  }
  imaging::Events events{{0}, {}};
  for (Index t = 0; t < times; ++t) {
    for (Index p = 0; p < pixels; ++p) {
      table.lookup.push_back(static_cast<std::uint16_t>((t * t + 3 * p) % directions));
    }
    table.live_time.push_back(1 + static_cast<double>(t % 10));
    table.time_bin.push_back(static_cast<std::int32_t>(t));
    for (std::int32_t d = 0; d < bins; ++d) events.bin.push_back(d);
    events.begin.push_back(events.size());
  }
  const std::vector<double> area = {0.1, 0.2, 0.3, 0.4, 0.5};
  const auto reference = imaging::make_reference_operator(
      {times, pixels, bins}, imaging::expand(instrument, bins, table, area));
  const imaging::Background background{
      1, 1, std::vector<std::int32_t>(at(times)), std::vector<double>(at(events_n), 2.0), {}};
  compute::Cpu cpu(2);
  for (const Storage storage : {Storage::kFp64, Storage::kFp32}) {
    imaging::FactoredResponseBuilder builder(directions, bins, storage);
    builder.append(instrument);
    const auto op =
        make_factored_operator(builder.finish(), make_attitude(table, directions), area, cpu);
    for (const Index replicates : {1, 5}) {
      std::vector<double> counts, image;
      for (Index i = 0; i < replicates * events_n; ++i) {
        counts.push_back(static_cast<double>(i % 7));
      }
      for (Index i = 0; i < replicates * pixels; ++i) {
        image.push_back(static_cast<double>(1 + i % 4));
      }
      const std::vector<double> amplitude(at(replicates), 0.5);
      const imaging::Pass pass{
          .replicates = replicates, .counts = counts, .image = image, .amplitude = amplitude};
      const auto is = op->pass(events, background, pass);
      const auto wanted = reference->pass(events, background, pass);
      const double error = imaging::arithmetic_error(storage);
      expect_close(is.back, wanted.back, error, "back");
      expect_close(is.amplitude_back, wanted.amplitude_back, error, "amplitudes");
      expect_close(is.log_model, wanted.log_model, error, "log of the model");
    }
  }
}

std::string name_of(const ::testing::TestParamInfo<Operators::ParamType>& info) {
  const char* kinds[] = {"Nearest", "FourNeighbours", "Dense"};
  const char* storages[] = {"Fp64", "Fp32", "Fp16", "Integer"};
  return std::string(kinds[static_cast<int>(std::get<0>(info.param))]) +
         storages[static_cast<int>(std::get<1>(info.param))] +
         compute::to_string(std::get<2>(info.param));
}

INSTANTIATE_TEST_SUITE_P(All, Operators,
                         ::testing::Combine(::testing::Values(Kind::kNearest, Kind::kFourNeighbours,
                                                              Kind::kDense),
                                            ::testing::ValuesIn(kStorages),
                                            ::testing::ValuesIn(compute::available_isas())),
                         name_of);

}  // namespace
}  // namespace unfold::test
