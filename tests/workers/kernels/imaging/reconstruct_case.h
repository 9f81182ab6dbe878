#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/support/made_imaging.h"
#include "workers/kernels/imaging/reconstruct.h"

/// A small reconstruction, for tests of the whole of it and of its bootstrap.
namespace unfold::test {

/// With a number for NaN, which equals nothing.
inline std::vector<double> plain(std::vector<double> values) {
  for (double& v : values) v = std::isnan(v) ? -1 : v;
  return values;
}

inline void expect_same(const imaging::Result& a, const imaging::Result& b) {
  EXPECT_EQ(a.estimate.image, b.estimate.image);
  EXPECT_EQ(a.estimate.amplitude, b.estimate.amplitude);
  EXPECT_EQ(a.iterations, b.iterations);
  EXPECT_EQ(a.log_likelihood, b.log_likelihood);
  EXPECT_EQ(a.amplitude, b.amplitude);
  EXPECT_EQ(a.saved_at, b.saved_at);
  EXPECT_EQ(a.saved, b.saved);
  EXPECT_EQ(a.validation, b.validation);
  EXPECT_EQ(plain(a.standard_error), plain(b.standard_error));
  EXPECT_EQ(a.on_bound, b.on_bound);
  EXPECT_EQ(a.amplitude_error, b.amplitude_error);
  EXPECT_EQ(a.replicate_iterations, b.replicate_iterations);
  EXPECT_EQ(a.stopped_by, b.stopped_by);
  EXPECT_EQ(a.warnings, b.warnings);
  ASSERT_EQ(a.regions.size(), b.regions.size());
  for (std::size_t i = 0; i < a.regions.size(); ++i) {
    EXPECT_EQ(a.regions[i].flux, b.regions[i].flux);
    EXPECT_EQ(plain({a.regions[i].standard_error, a.regions[i].bias}),
              plain({b.regions[i].standard_error, b.regions[i].bias}));
  }
}

inline imaging::Settings settings_of(imaging::Algorithm algorithm, imaging::Stop stop) {
  imaging::Settings out;
  out.algorithm.algorithm = algorithm;
  out.algorithm.subsets = 4;
  out.stop.stop = stop;
  out.stop.iterations = 8;
  out.stop.threshold = 30;
  out.stop.splits = 2;
  out.stop.patience = 2;
  out.regions = {{"source", -45, -27, 30}, {"empty", 100, 50, 25}};
  out.save_iterations = {1, 3};
  return out;
}

class Reconstruct : public ::testing::Test {
 protected:
  imaging::Result run(const imaging::Settings& settings, const imaging::Hooks& hooks = {},
                      const imaging::Checkpoint* resume = nullptr) {
    const imaging::Problem problem = fixture_.problem();
    return reconstruct(problem, settings, hooks, resume);
  }
  ImagingData data_ = made_imaging({.times = 12, .source_counts = 4000, .background_counts = 6000});
  ImagingFixture fixture_{data_};
};

struct Way {
  imaging::Algorithm algorithm;
  imaging::Stop stop;
};

/// Ends a run after so many reports, keeping the last checkpoint before.
struct Interruption {
  int reports_left;
  imaging::Checkpoint last;
  imaging::Hooks hooks() {
    return {.report = [this](const imaging::Report&) { --reports_left; },
            .cancelled = [this] { return reports_left <= 0; },
            .checkpoint = [this](const imaging::Checkpoint& c) { last = c; }};
  }
};

/// "EmThinning".
inline std::string name_of(const ::testing::TestParamInfo<Way>& info) {
  const char* algorithms[] = {"Dc1", "Dc1Feedback", "Em", "EmNewton", "Osem", "Map", "CosipyRl"};
  const char* stops[] = {"Iterations", "Likelihood", "Thinning"};
  return std::string(algorithms[static_cast<int>(info.param.algorithm)]) +
         stops[static_cast<int>(info.param.stop)];
}

}  // namespace unfold::test
