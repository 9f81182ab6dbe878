#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/shared_data.h"
#include "tests/support/spi_case.h"
#include "workers/kernels/spi/merging.h"

namespace unfold::spi {

inline double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  double ab = 0, aa = 0, bb = 0, sum_a = 0, sum_b = 0;
  const auto n = static_cast<double>(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
    sum_a += a[i];
    sum_b += b[i];
  }
  return (ab - sum_a * sum_b / n) / std::sqrt((aa - sum_a * sum_a / n) * (bb - sum_b * sum_b / n));
}

/// data/spi/c6_merge.h5: 300 frames of a protein with their true orientations and scales; merged on
/// the host, or on device_.
class StoredMerge : public ::testing::Test {
 protected:
  static constexpr Index kGrid = 37;

  void SetUp() override {
    const std::string path = test::shared_file("data/spi/c6_merge.h5").string();
    if (path.empty()) GTEST_SKIP() << "no shared data";
    file_.emplace(path);
  }

  MergeResult solve(const std::string& frames, const std::string& group,
                    const MergeOptions& options, MergeWeight weight = MergeWeight::kLeastSquares) {
    const test::SpiCase given =
        test::read_spi_case(test::shared_file("data/spi/" + frames).string(), 300);
    const std::vector<double> scale = file_->doubles(group + "/scale");
    std::vector<Assignment> each;
    for (Index i = 0; i < 300; ++i) each.push_back({i, static_cast<std::int32_t>(i), 1.0f});
    const Merged merged =
        sum_frames(cpu_, given.frames, given.detector, given.orientation, each, scale, {}, weight);
    compute::SoloCommunicator solo;
    return Merger(cpu_, kGrid, given.detector, solo, device_).solve(merged, {}, {}, options);
  }

  void expect_clean_frames_give_the_truth() {
    const MergeResult result = solve("c4_full_clean.h5", "clean",
                                     {.ridge = 1e-4, .tolerance = 1e-4, .nufft_tolerance = 1e-6});
    EXPECT_LE(result.residual, 1e-4);
    EXPECT_GE(correlation(result.autocorrelation, file_->doubles("ac_true")), 0.9998);
    EXPECT_GE(correlation(result.autocorrelation, file_->doubles("clean/x")), 0.9999);
  }

  compute::Cpu cpu_{2};
  MergeDevice* device_ = nullptr;
  std::optional<test::Hdf5Numbers> file_;
};

}  // namespace unfold::spi
