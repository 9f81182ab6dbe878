#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>

#include "tests/support/made_psf.h"
#include "workers/kernels/extraction/dense.h"
#include "workers/kernels/extraction/dispatch.h"
#include "workers/kernels/extraction/poles.h"
#include "workers/kernels/extraction/scratch.h"

// The band kernels of every instruction set against dense algebra in double precision.
namespace unfold::extraction {
namespace {

using Matrix = Eigen::MatrixXd;

/// A symmetric positive definite band matrix with the decay of real normal equations.
Matrix band_matrix(int n, int half_band, std::uint64_t seed) {
  test::Draws draws(seed);
  Matrix m = Matrix::Zero(n, n);
  for (int i = 0; i < n; ++i) {
    m(i, i) = 2 + draws.uniform();
    for (int d = 1; d <= half_band && i + d < n; ++d) {
      m(i, i + d) = m(i + d, i) = 0.8 * (draws.uniform() - 0.5) / d;
    }
  }
  return m;
}

class Band : public ::testing::TestWithParam<compute::Isa> {
 protected:
  const KernelTable& table() { return kernels(GetParam()); }

  /// Puts `m` into band storage and solves for `rhs`.
  bool solve(const Matrix& m, int half_band, const Eigen::VectorXd& rhs) {
    n_ = static_cast<int>(m.rows());
    half_band_ = half_band;
    stride_ = round_up(half_band + 1, kVectorPad) + 4 * kVectorPad;
    const std::size_t size = static_cast<std::size_t>(n_ + 1) * static_cast<std::size_t>(stride_);
    double* band = band_.reserve(size + 64);
    std::fill_n(band, size + 64, 0.0);
    for (int i = 0; i < n_; ++i) {
      for (int d = 0; d <= half_band && i + d < n_; ++d) band[i * stride_ + d] = m(i, i + d);
    }
    double* x = x_.reserve(static_cast<std::size_t>(n_ + kVectorPad));
    std::fill_n(x, n_ + kVectorPad, 0.0);
    for (int i = 0; i < n_; ++i) x[i] = rhs[i];
    return table().solve_band(system());
  }
  BandSystem system() { return {n_, half_band_, stride_, band_.data(), x_.data()}; }

  int n_ = 0, half_band_ = 0, stride_ = 0;
  Scratch<double> band_, x_;
};

TEST_P(Band, CholeskyReproducesTheMatrixAndSolvesTheSystem) {
  for (const int n : {1, 2, 7, 31, 32, 33, 200}) {
    for (const int half_band : {0, 1, 5, 31, 32, 58, 70}) {
      if (half_band >= n) continue;
      const Matrix m = band_matrix(n, half_band, static_cast<std::uint64_t>(n + half_band));
      const Eigen::VectorXd rhs = Eigen::VectorXd::LinSpaced(n, -1, 2);
      ASSERT_TRUE(solve(m, half_band, rhs));
      Matrix u = Matrix::Zero(n, n);
      for (int i = 0; i < n; ++i) {
        for (int d = 0; d <= half_band && i + d < n; ++d)
          u(i, i + d) = band_.data()[i * stride_ + d];
      }
      EXPECT_LT((u.transpose() * u - m).cwiseAbs().maxCoeff(), 1e-13) << n << " " << half_band;
      const Eigen::Map<const Eigen::VectorXd> x(x_.data(), n);
      EXPECT_LT((m * x - rhs).cwiseAbs().maxCoeff(), 1e-12) << n << " " << half_band;
    }
  }
}

TEST_P(Band, CholeskyRefusesAMatrixThatIsNotPositiveDefinite) {
  Matrix m = band_matrix(20, 3, 1);
  m(11, 11) = -1;
  EXPECT_FALSE(solve(m, 3, Eigen::VectorXd::Ones(20)));
}

TEST_P(Band, SelectedInverseEqualsTheInverseInsideItsBand) {
  for (const int n_fibre : {1, 3, 7}) {
    for (const int n_wave : {1, 2, 20, 40}) {
      for (const int reach : {8, 12}) {
        const int n = n_fibre * n_wave, half_band = std::min(n - 1, 4 * n_fibre + 1);
        const Matrix m = band_matrix(n, half_band, static_cast<std::uint64_t>(n));
        ASSERT_TRUE(solve(m, half_band, Eigen::VectorXd::Ones(n)));
        const int extent = std::max(half_band, reach * n_fibre);
        int rows = 1;
        while (rows <= half_band + 1) rows *= 2;
        const int ring_stride = round_up(half_band + extent + 1 + 5 * kVectorPad, kVectorPad);
        const int block_stride = round_up(n_wave, kVectorPad) + 8 * kVectorPad;
        std::vector<double> ring(static_cast<std::size_t>(rows * ring_stride + 64), 7);
        std::vector<double> blocks(static_cast<std::size_t>(n_fibre * (reach + 1) * block_stride),
                                   0);
        table().selected_inverse({.factor = system(),
                                  .n_fibre = n_fibre,
                                  .first_fibre = 0,
                                  .n_core = n_fibre,
                                  .reach = reach,
                                  .ring = ring.data(),
                                  .ring_rows = rows,
                                  .ring_stride = ring_stride,
                                  .blocks = blocks.data(),
                                  .block_stride = block_stride});
        const Matrix c = m.inverse();
        for (int s = 0; s < n_fibre; ++s) {
          for (int w = 0; w < n_wave; ++w) {
            for (int q = 0; q <= reach && w + q < n_wave; ++q) {
              EXPECT_NEAR(
                  blocks[static_cast<std::size_t>((s * (reach + 1) + q) * block_stride + w)],
                  c(w * n_fibre + s, (w + q) * n_fibre + s), 1e-13);
            }
          }
        }
      }
    }
  }
}

/// Band storage [reach + 1, stride] of a symmetric matrix; the diagonal past the end is `past_end`.
std::vector<double> waves_band(const Matrix& m, int reach, int stride, double past_end) {
  std::vector<double> out(static_cast<std::size_t>((reach + 1) * stride), 0);
  for (int w = 0; w < stride; ++w) {
    for (int q = 0; q <= reach; ++q) {
      double& v = out[static_cast<std::size_t>(q * stride + w)];
      if (w + q < m.rows()) v = m(w, w + q);
      if (q == 0 && w >= m.rows()) v = past_end;
    }
  }
  return out;
}

TEST_P(Band, SchurBandIsTheInverseOfTheCovariance) {
  // The inverse of a covariance whose inverse is a band is exact once the reach covers that band.
  for (const int n : {1, 5, 8, 9, 40, 74}) {
    for (const int reach : {8, 12, 16}) {
      const Matrix s = band_matrix(n, std::min(n - 1, 6), static_cast<std::uint64_t>(n));
      const int stride = round_up(kLead + n + reach, kVectorPad) + 3 * kVectorPad;
      std::vector<double> covariance = waves_band(s.inverse(), reach, stride, 1);
      std::vector<double> factor(static_cast<std::size_t>((reach + 1) * stride) + kVectorPad, 0);
      std::vector<double> schur(factor.size(), 0);
      Scratch<double> local;
      const double beyond = table().schur_band(
          {.n_wave = n,
           .reach = reach,
           .covariance = covariance.data(),
           .stride = stride,
           .factor = factor.data(),
           .schur = schur.data(),
           .local =
               local.reserve(static_cast<std::size_t>((reach + 1) * (reach + 2)) * kVectorPad)});
      EXPECT_LT(beyond, 1e-12);
      for (int w = 0; w < n; ++w) {
        for (int d = 0; d <= reach && w + d < n; ++d) {
          EXPECT_NEAR(schur[static_cast<std::size_t>(d * stride + w)], s(w, w + d), 1e-12);
        }
      }
    }
  }
}

TEST_P(Band, SymmetricRootEqualsTheDenseRoot) {
  for (const int n : {1, 3, 8, 33, 74}) {
    for (const int reach : kReaches) {
      const int n_diag = std::min(reach, 6);
      const Matrix s = band_matrix(n, std::min(n - 1, 6), static_cast<std::uint64_t>(n + reach));
      const int stride = round_up(n + reach, kVectorPad) + kVectorPad;
      const std::vector<double> schur = waves_band(s, reach, stride, 0);
      const PoleSet poles = make_poles(20, 16);
      std::vector<double> pole, weight, flux(static_cast<std::size_t>(n));
      for (std::size_t j = 0; j < poles.pole.size(); ++j) {
        pole.push_back(poles.pole[j] * 5);
        weight.push_back(poles.weight[j] * std::sqrt(5.0));
      }
      for (int w = 0; w < n; ++w) flux[static_cast<std::size_t>(w)] = 1 + w % 5;
      Scratch<double> scratch;
      std::vector<double> result(static_cast<std::size_t>(n * (n_diag + 3)), 99);
      table().symmetric_root({.n_wave = n,
                              .reach = reach,
                              .schur = schur.data(),
                              .stride = stride,
                              .n_pole = 16,
                              .pole = pole.data(),
                              .weight = weight.data(),
                              .flux = flux.data(),
                              .n_diag = n_diag,
                              .scratch = scratch.reserve(root_scratch(n, reach)),
                              .result = result.data()});
      const std::vector<double> list(s.data(), s.data() + s.size());
      const std::vector<double> root = dense::symmetric_root(list, n);
      const Eigen::Map<const Matrix> q(root.data(), n, n);
      const Eigen::Map<const Eigen::VectorXd> f(flux.data(), n);
      for (int w = 0; w < n; ++w) {
        const double* r = result.data() + w * (n_diag + 3);
        EXPECT_NEAR(r[0], q.row(w).sum(), 1e-10) << n << " " << reach;
        EXPECT_NEAR(r[1], q.row(w).dot(f), 1e-9);
        for (int d = 0; d <= n_diag && w + d < n; ++d) EXPECT_NEAR(r[2 + d], q(w, w + d), 1e-10);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, Band, ::testing::ValuesIn(compute::available_isas()),
                         [](const auto& p) { return compute::to_string(p.param); });

double approximate_root(const PoleSet& set, double x) {
  double sum = 0;
  for (std::size_t j = 0; j < set.pole.size(); ++j) sum += set.weight[j] * x / (x + set.pole[j]);
  return sum;
}

TEST(Poles, GiveTheSquareRootToTheStatedToleranceOverTheWholeRange) {
  for (const double condition : {1.0, 3.0, 500.0, 1e5, 1e9, 1e14}) {
    const PoleSet& set = poles_for(condition);
    ASSERT_GE(set.condition, condition);
    EXPECT_EQ(set.pole.size() % kVectorPad, 0u);
    for (double x = 1 / condition; x <= 1; x *= 1.01) {
      EXPECT_NEAR(approximate_root(set, x) / std::sqrt(x), 1, 10 * kRootTolerance) << condition;
    }
  }
}

TEST(Poles, MorePolesAreTakenForHigherConditionNumbers) {
  EXPECT_LT(poles_for(100).pole.size(), poles_for(1e10).pole.size());
}

}  // namespace
}  // namespace unfold::extraction
