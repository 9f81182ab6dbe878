#include <gtest/gtest.h>

#include "tests/workers/kernels/spi/merge_problem.h"

namespace unfold::spi {
namespace {

using test::at;

struct Frames {
  Detector detector = test::small_detector(7);
  std::vector<Quaternion> rotations = test::random_rotations(4, 1);
  std::vector<double> fluence = {0.5, 1.5, 1.25, 0.75, 1.0};
  std::vector<float> background = std::vector<float>(49, 0.25f);
  PatternSet frames = PatternSet::dense(5, 49, counts());
  /// Rotation 1 is met by three frames out of order, 3 by one of them too, 0 by one of no weight.
  std::vector<Assignment> assignments = {
      {4, 1, 1.0f}, {0, 3, 0.25f}, {2, 1, 0.5f}, {0, 1, 0.75f}, {3, 0, 0.0f}};

  static std::vector<float> counts() {
    std::vector<float> out;
    for (std::uint64_t n = 0; n < 5 * 49; ++n) {
      out.push_back(static_cast<float>(compute::Random(7, 0, n).poisson(1.5)));
    }
    return out;
  }
  Merged sum(const PatternSet& set, MergeWeight weight, int threads = 2) const {
    compute::Cpu cpu(threads);
    return sum_frames(cpu, set, detector, rotations, assignments, fluence, background, weight);
  }
  double radius(std::uint32_t pixel) const {
    const double* q = detector.q.data() + 3 * static_cast<Index>(pixel);
    return std::hypot(q[0], q[1], q[2]) / detector.qmax;
  }
  /// What the header says, term by term.
  double value(std::int32_t rotation, std::uint32_t pixel, bool least_squares) const {
    double sum = 0;
    for (const Assignment& a : assignments) {
      if (a.rotation != rotation) continue;
      const double count = static_cast<double>(counts()[at(a.frame) * 49 + pixel]);
      const double net = static_cast<double>(a.weight) * (count - 0.25);
      const double c = static_cast<double>(detector.correction[pixel]);
      sum += least_squares ? c * fluence[at(a.frame)] * net : radius(pixel) * net;
    }
    return sum;
  }
};

TEST(SumFrames, SumsWhatEachRotationWasAssignedAndLeavesOutTheRest) {
  const Frames given;
  const Merged merged = given.sum(given.frames, MergeWeight::kPoisson);
  ASSERT_EQ(merged.rotation.size(), 2u);
  EXPECT_EQ(merged.rotation[0], given.rotations[1]);
  EXPECT_EQ(merged.rotation[1], given.rotations[3]);
  EXPECT_NEAR(merged.weight[0], 1.0 + 0.5 * 1.25 + 0.75 * 0.5, 1e-12);
  EXPECT_NEAR(merged.weight[1], 0.25 * 0.5, 1e-12);
  for (std::size_t p = 0; p < merged.pixels.size(); ++p) {
    EXPECT_NEAR(merged.value[p], given.value(1, merged.pixels[p], false), 1e-5);
    const std::uint32_t pixel = merged.pixels[p];
    const double c = static_cast<double>(given.detector.correction[pixel]);
    EXPECT_NEAR(merged.pixel_weight[p], given.radius(pixel) * c, 1e-12);
  }
}

TEST(SumFrames, LeastSquaresWeighsByFluenceAndCorrectionTwice) {
  const Frames given;
  const Merged merged = given.sum(given.frames, MergeWeight::kLeastSquares);
  EXPECT_NEAR(merged.weight[0], 1.0 + 0.5 * 1.25 * 1.25 + 0.75 * 0.5 * 0.5, 1e-12);
  const std::size_t pixels = merged.pixels.size();
  for (std::size_t p = 0; p < pixels; ++p) {
    const double c = static_cast<double>(given.detector.correction[merged.pixels[p]]);
    EXPECT_NEAR(merged.value[p], given.value(1, merged.pixels[p], true), 1e-5);
    EXPECT_NEAR(merged.value[pixels + p], given.value(3, merged.pixels[p], true), 1e-5);
    EXPECT_NEAR(merged.pixel_weight[p], c * c, 1e-12);
  }
}

TEST(SumFrames, BadPixelsAreLeftOutAndMergeOnlyOnesAreNot) {
  const Frames given;
  const Merged merged = given.sum(given.frames, MergeWeight::kPoisson);
  std::vector<std::uint32_t> wanted;
  bool merge_only = false;
  for (std::uint32_t p = 0; p < 49; ++p) {
    if (given.detector.mask[p] != PixelClass::kBad) wanted.push_back(p);
    merge_only = merge_only || given.detector.mask[p] == PixelClass::kMergeOnly;
  }
  EXPECT_TRUE(merge_only);
  EXPECT_LT(wanted.size(), 49u);
  EXPECT_EQ(merged.pixels, wanted);
}

TEST(SumFrames, SparseFramesAndMoreThreadsGiveTheSameBits) {
  const Frames given;
  const Merged dense = given.sum(given.frames, MergeWeight::kPoisson, 1);
  const Merged sparse = given.sum(given.frames.to_sparse(), MergeWeight::kPoisson, 4);
  EXPECT_EQ(dense.value, sparse.value);
  EXPECT_EQ(dense.weight, sparse.weight);
}

TEST(SumFrames, AnAssignmentToWhatIsNotThereIsRefused) {
  Frames given;
  given.assignments[0].rotation = 4;
  EXPECT_THROW(given.sum(given.frames, MergeWeight::kPoisson), std::invalid_argument);
  given.assignments[0] = {5, 0, 1.0f};
  EXPECT_THROW(given.sum(given.frames, MergeWeight::kPoisson), std::invalid_argument);
}

}  // namespace
}  // namespace unfold::spi
