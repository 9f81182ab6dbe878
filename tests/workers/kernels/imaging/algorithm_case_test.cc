#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "tests/support/cuda_modules.h"
#include "tests/support/imaging_case.h"
#include "tests/support/shared_data.h"
#include "workers/compute/cpu_device.h"
#include "workers/cuda/imaging_operator.h"
#include "workers/kernels/imaging/newton.h"
#include "workers/kernels/imaging/reconstruction.h"

namespace unfold::test {
namespace {

using imaging::Algorithm;
using imaging::AlgorithmOptions;

/// Largest difference over the largest wanted magnitude.
double error(const std::vector<double>& is, const std::vector<double>& wanted) {
  double largest = 0, worst = 0;
  for (const double x : wanted) largest = std::max(largest, std::abs(x));
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    worst = std::max(worst, std::abs(is.at(i) - wanted[i]));
  }
  return largest > 0 ? worst / largest : worst;
}

std::string case_path(const std::string& name) {
  return shared_file("data/imaging/" + name + ".h5").string();
}

/// sum y ln y - y: what Cash's statistic measures from.
double saturated(const std::vector<double>& counts) {
  double sum = 0;
  for (const double y : counts) sum += y > 0 ? y * std::log(y) - y : 0;
  return sum;
}

struct Loop {
  const char* group;
  const char* background;
  AlgorithmOptions options;
};

/// What happened, iteration by iteration.
struct History {
  std::vector<double> cash_before, step_length, amplitude_before, recorded;
};

enum class By { kReference, kFactored, kGpu };

ImagingFixture fixture_of(const ImagingData& data, By by) {
  if (by == By::kReference) return ImagingFixture(data);
  static compute::Cpu cpu(2);
  imaging::FactoredResponseBuilder builder(data.directions(), data.bins, imaging::Storage::kFp64);
  builder.append(data.instrument);
  if (by == By::kGpu) {
    const auto attitude = imaging::make_attitude(data.attitude, data.directions());
    const cuda::Gpu gpu = EmulatedGpu::gpu();
    return ImagingFixture(
        data, cuda::make_factored_operator(cuda::load_response(gpu, *builder.finish()),
                                           cuda::load_attitude(gpu, *attitude), data.shape(),
                                           data.solid_angle));
  }
  return ImagingFixture(
      data, imaging::make_factored_operator(
                builder.finish(), imaging::make_attitude(data.attitude, data.directions()),
                data.solid_angle, cpu));
}

class AlgorithmCase : public ::testing::TestWithParam<std::tuple<const char*, By>> {
 protected:
  void SetUp() override {
    path_ = case_path(name());
    if (path_.empty()) GTEST_SKIP() << "no shared data";
  }
  std::string name() const { return std::get<0>(GetParam()); }

  AlgorithmOptions dc1_options(const Hdf5Numbers& file, Algorithm algorithm) const {
    return {.algorithm = algorithm,
            .initial_flux = file.attribute("out/dc1", "A0"),
            .background_prior = file.attribute("out/dc1", "fitted_bg"),
            .dc1_scale = file.attribute("out/dc1", "afl_scl")};
  }

  /// The nearly flat line search of the dc1 loops, whose path an integer makes discontinuous, is
  /// good to 1e-5 at the end, in the first case to 1e-2 (README of the cases).
  double tolerance(const Hdf5Numbers& file, const std::string& map, const Loop& loop, bool last) {
    const bool dc1 = std::string(loop.group).starts_with("dc1");
    const double at_end = name() == "01_tiny_basic" ? 1e-2 : 1e-5;
    const double given = file.attribute(map, "tol_rel_max");
    return dc1 && last ? std::max(given, at_end) : given;
  }

  /// Runs the loop and compares every map the case has.
  History run(const Hdf5Numbers& file, const Loop& loop, ImagingFixture& fixture) {
    const std::string out = std::string("out/") + loop.group;
    const auto iterations = static_cast<Index>(file.attribute(out, "iterations"));
    const imaging::Problem problem = fixture.problem();
    const auto made = imaging::make_reconstruction(problem, loop.options);
    History history;
    for (Index n = 1; n <= iterations; ++n) {
      const std::vector<double>& before = made->estimate().amplitude;
      history.amplitude_before.insert(history.amplitude_before.end(), before.begin(), before.end());
      const imaging::Step step = made->step();
      history.cash_before.push_back(2 * (saturated(fixture.counts()) - step.log_likelihood));
      history.step_length.push_back(step.step_length);
      const std::vector<double> recorded = made->recorded_amplitude();
      history.recorded.insert(history.recorded.end(), recorded.begin(), recorded.end());
      const std::string map = out + "/map_" + std::to_string(n);
      if (!file.has(map)) continue;
      EXPECT_LE(error(made->estimate().image, file.doubles(map)),
                tolerance(file, map, loop, n == iterations))
          << map;
      ++compared_;
    }
    last_amplitude_ = made->estimate().amplitude;
    EXPECT_EQ(made->iteration(), iterations);
    return history;
  }

  History run(const Hdf5Numbers& file, const Loop& loop) {
    ImagingFixture fixture =
        fixture_of(read_imaging_case(file, loop.background), std::get<1>(GetParam()));
    return run(file, loop, fixture);
  }

  std::string path_;
  int compared_ = 0;
  std::vector<double> last_amplitude_;
};

TEST_P(AlgorithmCase, Dc1FollowsThePublishedLoop) {
  const Hdf5Numbers file(path_);
  const History is = run(file, {"dc1", "background_dc1", dc1_options(file, Algorithm::kDc1)});
  EXPECT_EQ(compared_, 5);
  EXPECT_LE(error(is.cash_before, file.doubles("out/dc1/h_cash_before")), 1e-6);
  EXPECT_LE(error(is.step_length, file.doubles("out/dc1/h_lam")), 1e-2);
  const bool nearly_flat = name() == "01_tiny_basic";
  EXPECT_LE(error(is.recorded, file.doubles("out/dc1/h_A")), nearly_flat ? 1e-3 : 1e-5);
}

TEST_P(AlgorithmCase, Dc1WithFeedbackFollowsItsReference) {
  const Hdf5Numbers file(path_);
  const History is =
      run(file, {"dc1_feedback", "background_dc1", dc1_options(file, Algorithm::kDc1Feedback)});
  EXPECT_EQ(compared_, 5);
  EXPECT_LE(error(is.cash_before, file.doubles("out/dc1_feedback/h_cash_before")), 1e-6);
  EXPECT_LE(error(is.step_length, file.doubles("out/dc1_feedback/h_lam")), 1e-4);
  // The case has each fit's factor, the engine what all of them make of the guess.
  std::vector<double> wanted;
  for (std::size_t i = 0; const double factor : file.doubles("out/dc1_feedback/h_A")) {
    wanted.push_back(factor * is.amplitude_before.at(i++));
  }
  EXPECT_LE(error(is.recorded, wanted), 1e-5);
}

TEST_P(AlgorithmCase, EmTakesTheBackgroundAlong) {
  const Hdf5Numbers file(path_);
  const History is = run(file, {"em_plain", "background_live", {.algorithm = Algorithm::kEm}});
  EXPECT_EQ(compared_, 1);
  std::vector<double> cash = file.doubles("out/em_plain/h_cash"),
                      amplitude = file.doubles("out/em_plain/h_A");
  cash.pop_back();
  amplitude.resize(is.amplitude_before.size());
  EXPECT_LE(error(is.cash_before, cash), 1e-10);
  EXPECT_LE(error(is.amplitude_before, amplitude), 1e-10);
  const std::string last = std::to_string(is.cash_before.size());
  EXPECT_LE(error(last_amplitude_, file.doubles("out/em_plain/A_" + last)), 1e-10);
}

TEST_P(AlgorithmCase, EmNewtonFitsScaleAndBackgroundExactly) {
  const Hdf5Numbers file(path_);
  const History is =
      run(file, {"em_joint", "background_live", {.algorithm = Algorithm::kEmNewton}});
  EXPECT_EQ(compared_, 1);
  std::vector<double> cash = file.doubles("out/em_joint/h_cash"),
                      amplitude = file.doubles("out/em_joint/h_A");
  cash.pop_back();
  amplitude.resize(is.amplitude_before.size());
  EXPECT_LE(error(is.cash_before, cash), 1e-8);
  EXPECT_LE(error(is.amplitude_before, amplitude), 1e-6);
  const std::string last = std::to_string(is.cash_before.size());
  EXPECT_LE(error(last_amplitude_, file.doubles("out/em_joint/A_" + last)), 1e-6);
}

TEST_P(AlgorithmCase, CosipyWeightsTheStepAndScalesTheBackground) {
  const Hdf5Numbers file(path_);
  const History is =
      run(file, {"cosipy_rl", "background_live", {.algorithm = Algorithm::kCosipyRl}});
  EXPECT_EQ(compared_, 1);
  EXPECT_EQ(is.step_length, file.doubles("out/cosipy_rl/alpha"));
  std::vector<double> wanted;
  for (const double norm : file.doubles("out/cosipy_rl/norm")) {
    wanted.insert(wanted.end(), last_amplitude_.size(), norm);
  }
  EXPECT_LE(error(is.recorded, wanted), 1e-10);
}

TEST_P(AlgorithmCase, CosipyAcceleratesUntilAPixelIsEmpty) {
  const Hdf5Numbers file(path_);
  const History is = run(
      file,
      {"cosipy_rl_accel", "background_live", {.algorithm = Algorithm::kCosipyRl, .max_step = 10}});
  EXPECT_EQ(compared_, 1);
  EXPECT_LE(error(is.step_length, file.doubles("out/cosipy_rl_accel/alpha")), 1e-10);
}

std::string name_of(const ::testing::TestParamInfo<AlgorithmCase::ParamType>& info) {
  const char* by[] = {"_by_reference", "_by_factored", "_by_gpu"};
  return std::string(std::get<0>(info.param)) + by[static_cast<int>(std::get<1>(info.param))];
}

INSTANTIATE_TEST_SUITE_P(
    Shared, AlgorithmCase,
    ::testing::Combine(::testing::Values("01_tiny_basic", "04_two_near_sources",
                                         "07_six_background_groups"),
                       ::testing::Values(By::kReference, By::kFactored, By::kGpu)),
    name_of);

TEST(AlgorithmOfCase10, AllZeroCountsGiveAZeroMapAndNoBackground) {
  const std::string path = case_path("10_all_zero_counts");
  if (path.empty()) GTEST_SKIP() << "no shared data";
  const Hdf5Numbers file(path);
  ImagingFixture fixture(read_imaging_case(file, "background_live"));
  const imaging::Problem problem = fixture.problem();
  const auto em = imaging::make_reconstruction(problem, {.algorithm = Algorithm::kEm});
  for (int n = 0; n < 3; ++n) em->step();
  EXPECT_EQ(em->estimate().image, file.doubles("out/map_3"));
  EXPECT_EQ(em->estimate().amplitude, file.doubles("out/A_3"));
}

/// Case 08 rounds the dense response itself; arithmetic is double throughout.
class RoundedResponse : public ::testing::TestWithParam<const char*> {};

double to_fp16(double value) {
  if (value == 0) return 0;
  int exponent = 0;
  std::frexp(value, &exponent);
  const double unit = std::ldexp(1.0, std::max(exponent, -13) - 11);  // subnormals below 2^-14
  return std::nearbyint(value / unit) * unit;
}

TEST_P(RoundedResponse, Dc1MakesTheExpectedMap) {
  const std::string path = case_path("08_precision_dense_R"), type = GetParam();
  if (path.empty()) GTEST_SKIP() << "no shared data";
  const Hdf5Numbers file(path);
  ImagingData data = read_imaging_case(file, "background_dc1");
  for (double& r : data.dense) {
    if (type == "fp32") r = static_cast<float>(r);
    if (type == "fp16") r = to_fp16(64 * r) / 64;
  }
  ImagingFixture fixture(data);
  EXPECT_LE(error(fixture.exposure(), file.doubles("out/" + type + "/exposure")), 1e-12);
  const imaging::Problem problem = fixture.problem();
  const auto dc1 = imaging::make_reconstruction(problem, {.algorithm = Algorithm::kDc1});
  std::vector<double> cash;
  for (int n = 0; n < 30; ++n) {
    cash.push_back(2 * (saturated(fixture.counts()) - dc1->step().log_likelihood));
  }
  EXPECT_LE(error(dc1->estimate().image, file.doubles("out/" + type + "/map_30")), 1e-5);
  EXPECT_LE(error(cash, file.doubles("out/" + type + "/h_cash_before")), 1e-6);
}

INSTANTIATE_TEST_SUITE_P(Case08, RoundedResponse, ::testing::Values("fp64", "fp32", "fp16"),
                         [](const auto& param) { return std::string(param.param); });

/// Case 09: f0, f1 and six amplitudes, with and without the published priors.
class NewtonOfCase09 : public ::testing::TestWithParam<const char*> {};

TEST_P(NewtonOfCase09, FindsTheMaximum) {
  const std::string path = case_path("09_newton_fit_only");
  const std::string out = std::string("out/") + GetParam();
  if (path.empty()) GTEST_SKIP() << "no shared data";
  const Hdf5Numbers file(path);
  ImagingFixture fixture(read_imaging_case(file, "background_dc1"));
  const std::vector<double> e = file.doubles("out/E"), c = file.doubles("out/C");
  const Index bins = fixture.response().shape().bins;
  const std::vector<double> e_events = at_events(fixture.events(), e, bins),
                            c_events = at_events(fixture.events(), c, bins);
  const auto sum = [](const std::vector<double>& v) {
    double s = 0;
    for (const double x : v) s += x;
    return s;
  };
  const imaging::Background& background = fixture.background();
  compute::SoloCommunicator solo;
  imaging::NewtonProblem problem{.events = fixture.events(),
                                 .background = background,
                                 .communicator = solo,
                                 .counts = fixture.counts(),
                                 .scaled = {e_events, c_events},
                                 .unit = std::vector<double>(6, 1.0),
                                 .total = {sum(e), sum(c)},
                                 .start = std::vector<double>(8, 1.0),
                                 .low = std::vector<double>(8, 1e-8),
                                 .high = std::vector<double>(8, 1e300),
                                 .centre = file.doubles(out + "/mu"),
                                 .inverse_variance = {}};
  problem.total.resize(8);
  for (std::size_t t = 0; t < background.sum.size(); ++t) {
    problem.total[2 + at(background.group[t])] += background.sum[t];
  }
  problem.high[0] = problem.high[1] = 9;
  for (const double s : file.doubles(out + "/sigma"))
    problem.inverse_variance.push_back(1 / (s * s));
  const imaging::NewtonResult is = imaging::maximise(problem);
  const std::vector<double> wanted = file.doubles(out + "/params");
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_NEAR(is.parameters[i], wanted[i], 1e-9 * std::abs(wanted[i])) << i;
  }
  const double value = file.number(out + "/logpost");
  EXPECT_NEAR(is.value, value, 1e-12 * std::abs(value));
  EXPECT_LE(is.iterations, 12);
}

INSTANTIATE_TEST_SUITE_P(Case09, NewtonOfCase09, ::testing::Values("noprior", "dc1prior"),
                         [](const auto& param) { return std::string(param.param); });

}  // namespace
}  // namespace unfold::test
