#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "tests/support/rank_pair.h"
#include "tests/workers/kernels/spi/merge_problem.h"

namespace unfold::spi {
namespace {

using test::at;

constexpr Index kGrid = 7, kVoxels = kGrid * kGrid * kGrid;

/// Twelve frames of a known autocorrelation, each at its own rotation.
struct Problem {
  Detector detector = test::small_detector(9);
  std::vector<double> truth = test::made_autocorrelation(kGrid, 3);
  std::vector<Quaternion> rotations = test::random_rotations(12, 5);
  std::vector<double> fluence;
  std::vector<float> background = std::vector<float>(81, 0.5f);

  Problem() {
    for (int i = 0; i < 12; ++i) fluence.push_back(0.7 + 0.05 * i);
  }
  Merged merged(MergeWeight weight, Index first = 0, Index last = 12) const {
    compute::Cpu cpu(2);
    const PatternSet frames =
        test::made_frames(kGrid, truth, detector, rotations, fluence, background);
    std::vector<Assignment> each;
    for (Index i = first; i < last; ++i) {
      each.push_back({i, static_cast<std::int32_t>(i), 1.0f});
    }
    return sum_frames(cpu, frames, detector, rotations, each, fluence, background, weight);
  }
  MergeResult solve(const Merged& merged, const MergeOptions& options,
                    std::span<const double> x0 = {},
                    std::span<const std::uint8_t> support = {}) const {
    compute::Cpu cpu(2);
    compute::SoloCommunicator solo;
    return Merger(cpu, kGrid, detector, solo).solve(merged, x0, support, options);
  }
};

MergeOptions exact() {
  return {.ridge = 1e-3,
          .anti_support = 0.5,
          .tolerance = 1e-11,
          .max_iterations = 2000,
          .nufft_tolerance = 1e-11};
}

/// S (C + rl + fl Z) S x - S (d + rl x0) with every sum written out, from the merged frames.
std::vector<double> residual_of(const Problem& problem, const Merged& merged,
                                const std::vector<double>& x, const std::vector<double>& x0,
                                const std::vector<std::uint8_t>& support,
                                const MergeOptions& options) {
  std::vector<double> out(at(kVoxels), 0.0);
  double total = 0;
  const auto mode = [](Index n, int axis) {
    const Index place[] = {n / kGrid / kGrid, n / kGrid % kGrid, n % kGrid};
    return static_cast<double>(place[axis] - kGrid / 2);
  };
  for (std::size_t j = 0; j < merged.rotation.size(); ++j) {
    const Matrix3 r = matrix_of(merged.rotation[j]);
    for (std::size_t p = 0; p < merged.pixels.size(); ++p) {
      const double* q = problem.detector.q.data() + 3 * merged.pixels[p];
      const double weight = merged.weight[j] * merged.pixel_weight[p];
      total += weight;
      const double model =
          test::intensity_at(kGrid, x, merged.rotation[j], q, problem.detector.qmax);
      const double miss =
          weight * model - static_cast<double>(merged.value[j * merged.pixels.size() + p]);
      for (Index n = 0; n < kVoxels; ++n) {
        double phase = 0;
        for (std::size_t d = 0; d < 3; ++d) {
          phase += mode(n, static_cast<int>(d)) * (r[d] * q[0] + r[3 + d] * q[1] + r[6 + d] * q[2]);
        }
        out[at(n)] += miss * std::cos(std::numbers::pi / problem.detector.qmax * phase);
      }
    }
  }
  for (Index n = 0; n < kVoxels; ++n) {
    double beyond = 0;
    for (Index k = 0; k < kVoxels; ++k) {
      const double square =
          std::pow(mode(k, 0), 2) + std::pow(mode(k, 1), 2) + std::pow(mode(k, 2), 2);
      if (square <= (kGrid / 2) * (kGrid / 2)) continue;
      for (Index m = 0; m < kVoxels; ++m) {
        double phase = 0;
        for (int d = 0; d < 3; ++d) phase += mode(k, d) * (mode(n, d) - mode(m, d));
        beyond += x[at(m)] * std::cos(2 * std::numbers::pi * phase / kGrid) / kVoxels;
      }
    }
    out[at(n)] =
        out[at(n)] / total + options.ridge * (x[at(n)] - x0[at(n)]) + options.anti_support * beyond;
    if (support[at(n)] == 0) out[at(n)] = 0;
  }
  return out;
}

TEST(Merger, TheNormalEquationsHoldTermByTerm) {
  const Problem problem;
  std::vector<std::uint8_t> support(at(kVoxels), 1);
  for (const Index n : {0, 5, 100}) support[at(n)] = support[at(kVoxels - 1 - n)] = 0;
  const std::vector<double> x0 = test::made_autocorrelation(kGrid, 9);
  for (const MergeWeight weight : {MergeWeight::kPoisson, MergeWeight::kLeastSquares}) {
    const Merged merged = problem.merged(weight);
    const MergeResult result = problem.solve(merged, exact(), x0, support);
    EXPECT_LE(result.residual, 1e-11);
    for (const Index n : {0, 5, 100}) EXPECT_EQ(result.autocorrelation[at(n)], 0);
    for (const double r :
         residual_of(problem, merged, result.autocorrelation, x0, support, exact())) {
      ASSERT_NEAR(r, 0, 1e-8);
    }
  }
}

TEST(Merger, FramesOfAnAutocorrelationGiveItBack) {
  Problem problem;
  problem.rotations = test::random_rotations(60, 5);
  problem.fluence.assign(60, 1.0);
  MergeOptions options = exact();
  options.ridge = 1e-9;
  options.anti_support = 0;
  const MergeResult result = problem.solve(problem.merged(MergeWeight::kPoisson, 0, 60), options);
  for (Index n = 0; n < kVoxels; ++n) {
    ASSERT_NEAR(result.autocorrelation[at(n)], problem.truth[at(n)], 5e-4);
  }
}

TEST(Merger, SummingFramesOfOneRotationChangesNothing) {
  Problem problem;
  problem.rotations[1] = problem.rotations[3] = problem.rotations[0];
  Merged summed = problem.merged(MergeWeight::kPoisson);
  compute::Cpu cpu(2);
  const PatternSet frames =
      test::made_frames(kGrid, problem.truth, problem.detector, problem.rotations, problem.fluence,
                        problem.background);
  std::vector<Assignment> each;
  for (Index i = 0; i < 12; ++i) {
    each.push_back({i, static_cast<std::int32_t>(i == 1 || i == 3 ? 0 : i), 1.0f});
  }
  const Merged shared = sum_frames(cpu, frames, problem.detector, problem.rotations, each,
                                   problem.fluence, problem.background, MergeWeight::kPoisson);
  ASSERT_EQ(shared.rotation.size(), 10u);
  const auto a = problem.solve(summed, exact()), b = problem.solve(shared, exact());
  for (Index n = 0; n < kVoxels; ++n) {
    ASSERT_NEAR(a.autocorrelation[at(n)], b.autocorrelation[at(n)], 1e-7);
  }
}

TEST(Merger, TwoRanksGiveTheAnswerOfOne) {
  const Problem problem;
  const MergeResult whole = problem.solve(problem.merged(MergeWeight::kPoisson), exact());
  test::RankPair pair;
  MergeResult halves[2];
  const auto work = [&](int rank) {
    compute::Cpu cpu(1);
    test::RankPair::Rank communicator(pair, rank);
    const Merged part =
        problem.merged(MergeWeight::kPoisson, rank == 0 ? 0 : 5, rank == 0 ? 5 : 12);
    halves[rank] = Merger(cpu, kGrid, problem.detector, communicator).solve(part, {}, {}, exact());
  };
  std::thread other(work, 1);
  work(0);
  other.join();
  EXPECT_EQ(halves[0].autocorrelation, halves[1].autocorrelation);
  for (Index n = 0; n < kVoxels; ++n) {
    ASSERT_NEAR(halves[0].autocorrelation[at(n)], whole.autocorrelation[at(n)], 1e-7);
  }
}

TEST(Merger, AWarmStartNeedsFewerIterationsAndEndsAtTheSamePlace) {
  const Problem problem;
  const Merged merged = problem.merged(MergeWeight::kPoisson);
  compute::Cpu cpu(2);
  compute::SoloCommunicator solo;
  Merger merger(cpu, kGrid, problem.detector, solo);
  MergeOptions options = exact();
  options.ridge = 0;
  options.tolerance = 1e-6;
  const MergeResult cold = merger.solve(merged, {}, {}, options);
  const MergeResult warm = merger.solve_again(cold.autocorrelation, {}, options);
  EXPECT_GT(cold.iterations, 3);
  EXPECT_LE(warm.iterations, 1);
  options.ridge = 1e-2;
  const MergeResult again = merger.solve_again({}, {}, options);
  EXPECT_EQ(again.autocorrelation, problem.solve(merged, options).autocorrelation);
}

/// x.C x - 2 d.x with every sum written out.
double misfit_of(const Problem& problem, const Merged& merged, const std::vector<double>& x) {
  double out = 0, total = 0;
  for (std::size_t j = 0; j < merged.rotation.size(); ++j) {
    for (std::size_t p = 0; p < merged.pixels.size(); ++p) {
      const double* q = problem.detector.q.data() + 3 * merged.pixels[p];
      const double weight = merged.weight[j] * merged.pixel_weight[p];
      const double model =
          test::intensity_at(kGrid, x, merged.rotation[j], q, problem.detector.qmax);
      out += model *
             (weight * model - 2 * static_cast<double>(merged.value[j * merged.pixels.size() + p]));
      total += weight;
    }
  }
  return out / total;
}

TEST(Merger, HeldOutFramesChooseThePenaltyThatPredictsThemBest) {
  const Problem problem;
  const Merged kept = problem.merged(MergeWeight::kPoisson, 0, 9);
  const Merged held_out = problem.merged(MergeWeight::kPoisson, 9, 12);
  const Penalties penalties[] = {{1e-3, 0.5}, {1e-1, 0.5}, {10, 0.5}, {1e-3, 5}};
  compute::Cpu cpu(2);
  compute::SoloCommunicator solo;
  Merger merger(cpu, kGrid, problem.detector, solo);
  const ChosenMerge got = merger.choose(kept, held_out, {}, {}, exact(), penalties);
  ASSERT_EQ(got.misfit.size(), std::size(penalties));
  std::size_t best = 0;
  for (std::size_t k = 0; k < std::size(penalties); ++k) {
    MergeOptions options = exact();
    options.ridge = penalties[k].ridge;
    options.anti_support = penalties[k].anti_support;
    const double misfit =
        misfit_of(problem, held_out, problem.solve(kept, options).autocorrelation);
    EXPECT_NEAR(got.misfit[k], misfit, 1e-7 * std::abs(misfit)) << k;
    if (got.misfit[k] < got.misfit[best]) best = k;
  }
  EXPECT_EQ(got.chosen, best);
  MergeOptions options = exact();
  options.ridge = penalties[best].ridge;
  options.anti_support = penalties[best].anti_support;
  const MergeResult all = problem.solve(problem.merged(MergeWeight::kPoisson), options);
  for (Index n = 0; n < kVoxels; ++n) {
    ASSERT_NEAR(got.merged.autocorrelation[at(n)], all.autocorrelation[at(n)], 1e-7);
  }
}

TEST(Merger, ThreadsDoNotChangeABit) {
  const Problem problem;
  const Merged merged = problem.merged(MergeWeight::kPoisson);
  compute::SoloCommunicator solo;
  std::vector<double> first;
  for (const int threads : {1, 3}) {
    compute::Cpu cpu(threads);
    const auto x = Merger(cpu, kGrid, problem.detector, solo).solve(merged, {}, {}, {});
    if (first.empty()) first = x.autocorrelation;
    EXPECT_EQ(x.autocorrelation, first);
  }
}

TEST(Merger, NothingToMergeIsRefused) {
  const Problem problem;
  EXPECT_THROW(problem.solve(Merged{}, {}), std::invalid_argument);
  compute::Cpu cpu(1);
  compute::SoloCommunicator solo;
  const Merged some = problem.merged(MergeWeight::kPoisson);
  Merger merger(cpu, kGrid, problem.detector, solo);
  EXPECT_THROW(merger.choose(some, some, {}, {}, {}, {}), std::invalid_argument);
}

}  // namespace
}  // namespace unfold::spi
