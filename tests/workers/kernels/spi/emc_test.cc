#include "workers/kernels/spi/emc.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "tests/support/rank_pair.h"
#include "tests/workers/kernels/spi/merge_problem.h"
#include "workers/kernels/spi/emc_functors.h"

namespace unfold::spi {
namespace {

using test::at;

TEST(TrilinearCell, ReadsALinearVolumeExactlyAndSharesAddUpToOne) {
  const Index edge = 5;
  std::vector<double> volume;
  for (Index n = 0; n < edge * edge * edge; ++n) {
    volume.push_back(1.0 + 2.0 * static_cast<double>(n / 25) -
                     3.0 * static_cast<double>(n / 5 % 5) + 0.5 * static_cast<double>(n % 5));
  }
  const Matrix3 turn = matrix_of(random_rotation(1, 2, 3));
  const double q[] = {0.4, -0.3, 0.7};
  const TrilinearCell cell = cell_of(turn.data(), q, 1.5, 2);
  double place[3];
  for (std::size_t d = 0; d < 3; ++d) {
    place[d] = 2 + 1.5 * (turn[d] * q[0] + turn[3 + d] * q[1] + turn[6 + d] * q[2]);
  }
  const View<const double, 3> view(volume.data(), edge, edge, edge);
  EXPECT_NEAR(read_trilinear(view, cell), 1 + 2 * place[0] - 3 * place[1] + 0.5 * place[2], 1e-12);

  std::vector<double> value(volume.size(), 0.0), weight(volume.size(), 0.0);
  add_trilinear({value.data(), edge, edge, edge}, {weight.data(), edge, edge, edge}, cell, 3.0,
                2.0);
  double values = 0, weights = 0, read = 0;
  for (std::size_t n = 0; n < volume.size(); ++n) {
    values += value[n];
    weights += weight[n];
    read += value[n] * volume[n];
  }
  EXPECT_NEAR(values, 3, 1e-12);
  EXPECT_NEAR(weights, 2, 1e-12);
  EXPECT_NEAR(read, 3 * read_trilinear(view, cell), 1e-12);
}

/// Frames of a smooth intensity with corrections, masks and fluences.
struct Problem {
  Detector detector = test::small_detector(9);
  std::vector<Quaternion> rotations = test::random_rotations(20, 1);
  std::vector<double> fluence;
  EmcVolume volume{emc_edge(detector, 60), 60, {}, {}};
  std::vector<float> counts;

  Problem() {
    const Index c = volume.edge / 2;
    for (Index n = 0; n < volume.edge * volume.edge * volume.edge; ++n) {
      const Index i = n / volume.edge / volume.edge - c, j = n / volume.edge % volume.edge - c,
                  k = n % volume.edge - c;
      volume.intensity.push_back(
          5 * std::exp(-0.02 * static_cast<double>(i * i + 2 * j * j + 3 * k * k)));
    }
    compute::Cpu cpu(1);
    const EmcModels models = expand(cpu, volume, detector, rotations);
    for (std::uint64_t i = 0; i < 20; ++i) {
      fluence.push_back(0.5 + 0.05 * static_cast<double>(i));
      for (std::uint64_t p = 0; p < 81; ++p) {
        const double mean = fluence.back() * static_cast<double>(models.value[i * 81 + p]);
        counts.push_back(static_cast<float>(compute::Random(3, i, p).poisson(mean)));
      }
    }
  }
  PatternSet frames(Index first, Index last) const {
    return PatternSet::dense(
        last - first, 81,
        std::vector<float>(counts.begin() + first * 81, counts.begin() + last * 81));
  }

  struct Step {
    EmcVolume volume;
    std::vector<double> fluence, likelihoods;
  };
  Step step(Index first, Index last, bool sparse, int threads,
            compute::Communicator& communicator) const {
    compute::Cpu cpu(threads);
    PatternSet set = frames(first, last);
    if (sparse) set = set.to_sparse();
    const std::vector<double> phi(fluence.begin() + first, fluence.begin() + last);
    const EmcModels models = expand(cpu, volume, detector, rotations);
    const double scale = model_scale(models, set, detector, communicator);
    Step out;
    out.likelihoods = log_likelihoods(cpu, models, scale, set, detector, phi);
    std::vector<double> posterior = out.likelihoods;
    make_posterior(cpu, last - first, 0.5, posterior);
    out.volume = compress(cpu, posterior, set, detector, rotations, phi, volume.edge, volume.scale,
                          communicator);
    out.fluence = update_fluence(posterior, models, set, detector, communicator);
    return out;
  }
  Step step(bool sparse = false, int threads = 2) const {
    compute::SoloCommunicator solo;
    return step(0, 20, sparse, threads, solo);
  }
};

TEST(Emc, LikelihoodIsThePoissonOneOverGoodPixels) {
  const Problem problem;
  compute::Cpu cpu(2);
  const EmcModels models = expand(cpu, problem.volume, problem.detector, problem.rotations);
  const std::vector<double> is =
      log_likelihoods(cpu, models, 1.25, problem.frames(0, 20), problem.detector, problem.fluence);
  for (const std::size_t j : {std::size_t{0}, std::size_t{13}}) {
    for (const std::size_t i : {std::size_t{2}, std::size_t{19}}) {
      double wanted = 0;
      for (std::size_t p = 0; p < 81; ++p) {
        if (problem.detector.mask[p] != PixelClass::kGood) continue;
        const double m = 1.25 * static_cast<double>(models.value[j * 81 + p]);
        wanted +=
            static_cast<double>(problem.counts[i * 81 + p]) * std::log(m) - problem.fluence[i] * m;
      }
      EXPECT_NEAR(is[j * 20 + i], wanted, 1e-4);
    }
  }
}

TEST(Emc, CompressedVolumeIsFriedelSymmetricAndWeighedByWhatWasSeen) {
  const Problem problem;
  const EmcVolume next = problem.step().volume;
  double weights = 0;
  for (std::size_t n = 0; n < next.intensity.size(); ++n) {
    EXPECT_EQ(next.intensity[n], next.intensity[next.intensity.size() - 1 - n]);
    weights += next.weight[n];
  }
  double corrections = 0, fluences = 0;
  for (std::size_t p = 0; p < 81; ++p) {
    const bool bad = problem.detector.mask[p] == PixelClass::kBad;
    corrections += bad ? 0 : static_cast<double>(problem.detector.correction[p]);
  }
  for (const double phi : problem.fluence) fluences += phi;
  EXPECT_NEAR(weights, 2 * corrections * fluences, 1e-9 * weights);
}

TEST(Emc, SparseFramesAndThreadsDoNotChangeABit) {
  const Problem problem;
  const Problem::Step one = problem.step(false, 1), other = problem.step(true, 3);
  EXPECT_EQ(one.volume.intensity, other.volume.intensity);
  EXPECT_EQ(one.fluence, other.fluence);
  EXPECT_EQ(one.likelihoods, other.likelihoods);
}

TEST(Emc, TwoRanksGiveTheStepOfOne) {
  const Problem problem;
  const Problem::Step whole = problem.step();
  test::RankPair pair;
  Problem::Step halves[2];
  const auto work = [&](int rank) {
    test::RankPair::Rank communicator(pair, rank);
    halves[rank] = problem.step(rank == 0 ? 0 : 8, rank == 0 ? 8 : 20, false, 1, communicator);
  };
  std::thread other(work, 1);
  work(0);
  other.join();
  for (std::size_t n = 0; n < whole.volume.intensity.size(); ++n) {
    ASSERT_NEAR(halves[0].volume.intensity[n], whole.volume.intensity[n], 1e-9);
    ASSERT_EQ(halves[1].volume.intensity[n], halves[0].volume.intensity[n]);
  }
  for (std::size_t i = 0; i < 20; ++i) {
    const double phi = i < 8 ? halves[0].fluence[i] : halves[1].fluence[i - 8];
    EXPECT_NEAR(phi, whole.fluence[i], 1e-12);
  }
}

TEST(Emc, AVolumeTooSmallForTheDetectorIsRefused) {
  Problem problem;
  problem.volume.scale *= 2;
  compute::Cpu cpu(1);
  EXPECT_THROW(expand(cpu, problem.volume, problem.detector, problem.rotations),
               std::invalid_argument);
}

}  // namespace
}  // namespace unfold::spi
