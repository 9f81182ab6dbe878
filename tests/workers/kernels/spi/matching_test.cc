#include "workers/kernels/spi/matching.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "tests/workers/kernels/spi/matching_problem.h"

namespace unfold::spi {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::Pointwise;

constexpr Index kGrid = 13;
constexpr Index kSide = 15;

struct Case {
  Metric metric;
  bool background;
};

std::string name_of(const testing::TestParamInfo<Case>& info) {
  if (info.param.background) return "PoissonWithBackground";
  return info.param.metric == Metric::kPoisson ? "Poisson"
         : info.param.metric == Metric::kSqrt  ? "Sqrt"
                                               : "Euclid";
}

class MatchingTest : public testing::TestWithParam<Case> {
 protected:
  explicit MatchingTest(double photons = 400) {
    slicer_.set(View<const double, 3>(a_.data(), kGrid, kGrid, kGrid));
    if (GetParam().background) {
      for (std::size_t p = 0; p < detector_.mask.size(); ++p)
        background_.push_back(0.2f + 0.1f * static_cast<float>(p % 7));
    }
    made_ = made_frames(37, photons, a_, kGrid, detector_, background_);
    for (double& phi : made_.fluence) phi *= photons / typical_total();
  }

  /// What a unit fluence's frame sums to, so that fluences are in the model's units.
  double typical_total() const {
    double sum = 0;
    for (std::uint32_t p = 0; p < detector_.mask.size(); ++p)
      if (detector_.mask[p] != PixelClass::kBad)
        sum += direct_slice(a_, kGrid, detector_, made_.truth[0], p);
    return sum;
  }

  MatchOptions options() const {
    MatchOptions options{.metric = GetParam().metric, .top = 5};
    options.euclid_scale = 0.02;
    if (GetParam().background) {
      options.background = background_;
      options.fluence = made_.fluence;
    }
    return options;
  }

  /// scores [N, J] in double.
  std::vector<double> oracle(std::span<const Quaternion> references) const {
    const std::vector<std::uint32_t> pixels = matching_pixels(detector_);
    std::vector<double> background;
    if (GetParam().background)
      for (const std::uint32_t p : pixels) background.push_back(background_[p]);
    std::vector<std::vector<double>> models;
    for (const Quaternion& reference : references) {
      models.emplace_back();
      for (const std::uint32_t p : pixels)
        models.back().push_back(direct_slice(a_, kGrid, detector_, reference, p));
    }
    std::vector<double> scores;
    std::vector<float> row(detector_.mask.size());
    for (Index i = 0; i < made_.set.frames(); ++i) {
      made_.set.rows(i, 1, View<float, 2>(row.data(), 1, detector_.pixels()));
      std::vector<double> frame;
      for (const std::uint32_t p : pixels) frame.push_back(row[p]);
      for (const auto& model : models)
        scores.push_back(oracle_score(options(), model, frame, background,
                                      made_.fluence[static_cast<std::size_t>(i)]));
    }
    return scores;
  }

  compute::Cpu cpu_{2};
  Detector detector_ = made_detector(kSide);
  std::vector<double> a_ = made_autocorrelation(kGrid, 4);
  std::vector<float> background_;
  MadeFrames made_;
  Slicer slicer_{cpu_, kGrid, detector_, 1e-6};
  std::vector<Quaternion> references_ = reference_rotations(303, random_rotation(1, 1, 1));
};

TEST_P(MatchingTest, ScoresAgreeWithDouble) {
  const std::span few(references_.data(), 3);
  std::vector<Quaternion> pairs;
  for (Index i = 0; i < made_.set.frames(); ++i) pairs.insert(pairs.end(), few.begin(), few.end());
  const std::vector<float> found = scores(cpu_, made_.set, slicer_, pairs, 3, options());
  const std::vector<double> exact = oracle(few);
  ASSERT_EQ(found.size(), exact.size());
  for (std::size_t k = 0; k < exact.size(); ++k)
    EXPECT_NEAR(found[k], exact[k], 2e-5 * std::abs(exact[k]) + 1e-4) << k;
}

TEST_P(MatchingTest, TheBestOfAllReferencesAreFoundInOrder) {
  const Matches found = match(cpu_, made_.set, slicer_, references_, options());
  const std::vector<double> exact = oracle(references_);
  ASSERT_EQ(found.top, 5);
  ASSERT_EQ(found.reference.size(), 5U * made_.fluence.size());
  for (std::size_t i = 0; i < made_.fluence.size(); ++i) {
    const std::span own(exact.data() + i * references_.size(), references_.size());
    std::vector<double> sorted(own.begin(), own.end());
    std::sort(sorted.rbegin(), sorted.rend());
    for (std::size_t k = 0; k < 5; ++k) {
      const double tolerance = 2e-5 * std::abs(sorted[k]) + 1e-4;
      const auto reference = static_cast<std::size_t>(found.reference[5 * i + k]);
      EXPECT_NEAR(found.score[5 * i + k], own[reference], tolerance);
      EXPECT_NEAR(found.score[5 * i + k], sorted[k], tolerance);
    }
  }
}

TEST_P(MatchingTest, HasTheSameBitsForAnyNumberOfThreads) {
  const Matches once = match(cpu_, made_.set, slicer_, references_, options());
  const std::span few(references_.data(), 37);
  const LocalMatches near = match_near(cpu_, made_.set, slicer_, few, 1, few, options());
  for (const int threads : {1, 3}) {
    compute::Cpu other(threads);
    Slicer slicer(other, kGrid, detector_, 1e-6);
    slicer.set(View<const double, 3>(a_.data(), kGrid, kGrid, kGrid));
    const Matches again = match(other, made_.set, slicer, references_, options());
    EXPECT_EQ(again.reference, once.reference);
    EXPECT_EQ(again.score, once.score);
    EXPECT_EQ(match_near(other, made_.set, slicer, few, 1, few, options()).score, near.score);
  }
}

TEST_P(MatchingTest, HowFramesAreHeldChangesNothing) {
  const Matches counts = match(cpu_, made_.set, slicer_, references_, options());
  const Matches sparse = match(cpu_, made_.set.to_sparse(), slicer_, references_, options());
  std::vector<float> values(static_cast<std::size_t>(made_.set.frames() * detector_.pixels()));
  made_.set.rows(0, made_.set.frames(),
                 View<float, 2>(values.data(), made_.set.frames(), detector_.pixels()));
  const PatternSet dense =
      PatternSet::dense(made_.set.frames(), detector_.pixels(), std::move(values));
  const Matches floats = match(cpu_, dense, slicer_, references_, options());
  EXPECT_EQ(sparse.reference, counts.reference);
  EXPECT_EQ(sparse.score, counts.score);
  EXPECT_EQ(floats.reference, counts.reference);
  EXPECT_EQ(floats.score, counts.score);
}

TEST_P(MatchingTest, EveryInstructionSetFindsTheSame) {
  for (const compute::Isa isa : compute::available_isas()) {
    MatchOptions other = options();
    other.isa = isa;
    const Matches found = match(cpu_, made_.set, slicer_, references_, other);
    const Matches reference = match(cpu_, made_.set, slicer_, references_, options());
    EXPECT_EQ(found.reference, reference.reference) << to_string(isa);
    for (std::size_t k = 0; k < found.score.size(); ++k)
      EXPECT_NEAR(found.score[k], reference.score[k], 1e-5 * std::abs(reference.score[k]) + 1e-5);
  }
}

TEST_P(MatchingTest, ALocalSearchScoresEachStartTimesEachTurn) {
  const Index starts = 2;
  std::vector<Quaternion> start, turns = {{1, 0, 0, 0}}, all;
  for (std::uint64_t c = 0; c < 6; ++c) turns.push_back(random_rotation(31, 0, c));
  for (Index i = 0; i < made_.set.frames() * starts; ++i)
    start.push_back(random_rotation(32, 0, static_cast<std::uint64_t>(i)));
  for (const Quaternion& s : start)
    for (const Quaternion& turn : turns) all.push_back(multiply(s, turn));
  const LocalMatches near = match_near(cpu_, made_.set, slicer_, start, starts, turns, options());
  const std::vector<float> each = scores(cpu_, made_.set, slicer_, all, 14, options());
  for (std::size_t i = 0; i < made_.fluence.size(); ++i) {
    std::vector<std::size_t> order(14);
    std::iota(order.begin(), order.end(), 14 * i);
    std::sort(order.begin(), order.end(),
              [&](std::size_t x, std::size_t y) { return each[x] > each[y]; });
    for (std::size_t k = 0; k < 5; ++k) {
      EXPECT_EQ(near.score[5 * i + k], each[order[k]]);
      EXPECT_LT(angle_between(near.rotation[5 * i + k], all[order[k]]), 1e-7);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Metrics, MatchingTest,
                         testing::Values(Case{Metric::kPoisson, false},
                                         Case{Metric::kPoisson, true}, Case{Metric::kSqrt, false},
                                         Case{Metric::kEuclid, false}),
                         name_of);

/// A background, but no fluences.
class ProfiledTest : public MatchingTest {};

TEST_P(ProfiledTest, TheBestOfAllReferencesHaveTheRatioOfPhotonsAsFluence) {
  MatchOptions profiled = options();
  profiled.fluence = {};
  const std::span few(references_.data(), 20);
  const Matches found = match(cpu_, made_.set, slicer_, few, profiled);
  const std::vector<double> totals = slice_totals(cpu_, slicer_, few, options());
  const std::vector<std::uint32_t> pixels = matching_pixels(detector_, options().qlimit);
  std::vector<std::uint8_t> chosen(static_cast<std::size_t>(detector_.pixels()), 0);
  double dark = 0;
  for (const std::uint32_t p : pixels) {
    chosen[p] = 1;
    dark += double{background_[p]};
  }
  for (std::size_t i = 0; i < 3; ++i) {
    const double seen = made_.set.total(static_cast<Index>(i), chosen);
    const Index own[] = {static_cast<Index>(i)};
    const PatternSet frame = made_.set.subset(own);
    float best = -std::numeric_limits<float>::infinity();
    for (std::size_t j = 0; j < few.size(); ++j) {
      const double fluence[] = {std::max(seen - dark, 1e-3 * seen) / totals[j]};
      MatchOptions given = options();
      given.fluence = fluence;
      const float score = scores(cpu_, frame, slicer_, few.subspan(j, 1), 1, given)[0];
      if (static_cast<std::int32_t>(j) == found.reference[5 * i]) {
        EXPECT_NEAR(found.score[5 * i], score, 2e-5 * std::abs(score) + 1e-4);
      }
      best = std::max(best, score);
    }
    EXPECT_NEAR(found.score[5 * i], best, 2e-5 * std::abs(best) + 1e-4);
  }
}

INSTANTIATE_TEST_SUITE_P(Metrics, ProfiledTest, testing::Values(Case{Metric::kPoisson, true}),
                         name_of);

/// Frames with about one photon in ten pixels: another way through match().
class FewPhotonsTest : public MatchingTest {
 protected:
  FewPhotonsTest() : MatchingTest(15) {}
};

TEST_P(FewPhotonsTest, TheBestScoresAreThoseOfDouble) {
  const Matches found = match(cpu_, made_.set, slicer_, references_, options());
  const std::vector<double> exact = oracle(references_);
  for (std::size_t i = 0; i < made_.fluence.size(); ++i) {
    const std::span own(exact.data() + i * references_.size(), references_.size());
    EXPECT_NEAR(found.score[5 * i], *std::max_element(own.begin(), own.end()), 1e-3);
  }
}

INSTANTIATE_TEST_SUITE_P(Metrics, FewPhotonsTest,
                         testing::Values(Case{Metric::kPoisson, false},
                                         Case{Metric::kPoisson, true}, Case{Metric::kSqrt, false}),
                         name_of);

TEST(PosteriorTest, IsTheSoftmaxOfScoresTimesBeta) {
  const float none = -std::numeric_limits<float>::infinity();
  const std::vector<float> score = {-1000, -1001, -1002, 5, none, none, none, none, none};
  const std::vector<float> weight = posterior(score, 3, 0.5);
  const double sum = 1 + std::exp(-0.5) + std::exp(-1.0);
  EXPECT_THAT(weight,
              Pointwise(testing::FloatNear(1e-6f),
                        std::vector<float>{
                            static_cast<float>(1 / sum), static_cast<float>(std::exp(-0.5) / sum),
                            static_cast<float>(std::exp(-1.0) / sum), 1, 0, 0, 0, 0, 0}));
  EXPECT_THAT(posterior(score, 9, 0), ElementsAre(0.25f, 0.25f, 0.25f, 0.25f, 0, 0, 0, 0, 0));
}

}  // namespace
}  // namespace unfold::spi
