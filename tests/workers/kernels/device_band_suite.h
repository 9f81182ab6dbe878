#pragma once

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <array>
#include <cmath>
#include <optional>

#include "tests/support/made_psf.h"
#include "tests/support/on_device.h"
#include "workers/kernels/extraction/device/factor.h"
#include "workers/kernels/extraction/device/root.h"
#include "workers/kernels/extraction/poles.h"

// The band systems of a patch on a device, stage by stage, against dense algebra.
namespace unfold::test {

using Matrix = Eigen::MatrixXd;
namespace ext = extraction::device;

/// A diagonally dominant symmetric band matrix of n_fibre x n_wave bins, and a right-hand side.
struct BandCase {
  int n_fibre, n_wave, half_band;
  Matrix m;
  Eigen::VectorXd b;
  int n() const { return n_fibre * n_wave; }
};

inline BandCase make_band_case(int n_fibre, int n_wave, int half_band) {
  BandCase c{n_fibre, n_wave, half_band, Matrix::Zero(n_fibre * n_wave, n_fibre * n_wave),
             Eigen::VectorXd::Zero(n_fibre * n_wave)};
  Draws draws(static_cast<std::uint64_t>(100 * n_wave + n_fibre));
  for (int i = 0; i < c.n(); ++i) {
    c.b[i] = draws.normal();
    c.m(i, i) = 2 + draws.uniform();
    for (int d = 1; d <= half_band && i + d < c.n(); ++d) {
      c.m(i, i + d) = c.m(i + d, i) = draws.normal() / (1 + d * d);
    }
  }
  return c;
}

inline Matrix root_of(const Matrix& m) {
  return Eigen::SelfAdjointEigenSolver<Matrix>(m).operatorSqrt();
}

/// One patch of a BandCase in slot 0, all its fibres core.
template <class D>
class DeviceBand : public OnDevice<D> {
 protected:
  static constexpr double kTolerance = 1e-11;

  void open(const BandCase& c) {
    case_ = c;
    layout_ = {};
    layout_.n_fibre = layout_.n_core = c.n_fibre;
    layout_.n_wave = layout_.n_core_wave = c.n_wave;
    layout_.half_band = c.half_band;
    layout_.n_diag = 3;
    extraction::PatchJob job{};
    job.range.n_fibre = job.range.n_core = c.n_fibre;
    job.range.n_wave = job.range.n_core_wave = job.range.n_keep = c.n_wave;
    jobs_.emplace(this->on_device(device(), std::vector{job}));
    states_.emplace(this->on_device(device(), std::vector{ext::PatchState{{}, c.half_band, 0}}));
    slots_.emplace(this->on_device(device(), std::vector<int>{0}));
    std::vector<double> band(static_cast<std::size_t>(layout_.band()));
    for (int i = 0; i < c.n(); ++i) {
      for (int d = 0; d <= c.half_band && i + d < c.n(); ++d) {
        band[static_cast<std::size_t>(i * layout_.band_stride() + d)] = c.m(i, i + d);
      }
    }
    band_.emplace(this->on_device(device(), band));
    rhs_.emplace(this->on_device(device(), std::vector<double>(c.b.data(), c.b.data() + c.n())));
    weight_.emplace(
        this->on_device(device(), std::vector<double>(static_cast<std::size_t>(c.n()), 1.0)));
  }
  ext::PatchSet patches() {
    return {jobs_->view(1).data, states_->view(1).data, slots_->view(1).data, 1};
  }
  bool factor() {
    compute::Buffer<double, D> largest(device(), 1);
    compute::Buffer<int, D> failed(device(), 1);
    launch(device(), ext::FactorBand{patches(), layout_, 0, weight(), band(), data(*rhs_),
                                     data(largest), data(failed)});
    return this->on_host(failed)[0] == 0;
  }
  template <class T>
  static T* data(compute::Buffer<T, D>& buffer) {
    return buffer.view(buffer.size()).data;
  }
  double* band() { return data(*band_); }
  double* weight() { return data(*weight_); }

  /// C's blocks, S and the fibres' states, as the solver makes them.
  struct Inverse {
    ext::BlockShape shape;
    std::vector<double> flux, covariance, schur;
    std::vector<ext::FibreState> fibres;
    /// Between waves w and w + q of a fibre.
    double at(const std::vector<double>& m, int fibre, int w, int q) const {
      return m[static_cast<std::size_t>(shape.at(0, fibre) + q * shape.n_wave + w)];
    }
  };
  Inverse invert(int reach, bool ring_in_global_memory) {
    const ext::BlockShape shape{layout_.n_core, reach, layout_.n_wave};
    const compute::Index size = shape.at(1, 0);
    compute::Buffer<double, D> covariance(device(), size), factor(device(), size);
    schur_.emplace(device(), size);
    flux_.emplace(device(), case_.n());
    fibres_.emplace(device(), layout_.n_core);
    ext::InvertBand kernel{patches(),    layout_,          shape,  band(), data(*rhs_),
                           data(*flux_), data(covariance), nullptr};
    compute::Buffer<double, D> ring(device(), kernel.ring_size());
    if (ring_in_global_memory) kernel.rings = data(ring);
    launch(device(), kernel);
    launch(device(), ext::LocalFactors{patches(), shape, data(covariance), data(factor)});
    launch(device(), ext::SchurRows{patches(), layout_, shape, data(covariance), data(factor),
                                    weight(), data(*schur_), data(*fibres_)});
    return {shape, this->on_host(*flux_), this->on_host(covariance), this->on_host(*schur_),
            this->on_host(*fibres_)};
  }

  /// Rows of a fibre's root, [n_wave, n_value], from poles for its condition.
  template <int kReach>
  std::vector<double> root(const Inverse& inverse, int fibre) {
    const extraction::PoleSet& set =
        extraction::poles_for(inverse.fibres[static_cast<std::size_t>(fibre)].condition);
    auto pole = this->on_device(device(), set.pole), weight = this->on_device(device(), set.weight);
    std::vector<ext::Octet> octets;
    for (std::size_t p = 0; p < set.pole.size(); p += ext::kOctet) {
      octets.push_back({fibre, static_cast<int>(p)});
    }
    const std::size_t used = octets.size();
    while (octets.size() % ext::kOctets != 0) octets.push_back({-1, 0});
    auto there = this->on_device(device(), octets);
    const compute::Index row = compute::Index{layout_.n_wave} * layout_.n_value();
    compute::Buffer<double, D> scratch(device(),
                                       ext::PoleRoot<kReach>::scratch_size(layout_.n_wave));
    compute::Buffer<double, D> sums(device(), static_cast<compute::Index>(octets.size()) * row);
    launch(device(),
           ext::PoleRoot<kReach>{patches(), layout_, inverse.shape, data(*schur_), data(*flux_),
                                 data(*fibres_), data(pole), data(weight), data(there),
                                 static_cast<int>(octets.size()), 1, data(scratch), data(sums)});
    const std::vector<double> all = this->on_host(sums);
    std::vector<double> total(static_cast<std::size_t>(row));
    for (std::size_t i = 0; i < used * total.size(); ++i) total[i % total.size()] += all[i];
    return total;
  }

  Matrix block_of(const Matrix& m, int fibre) const {
    Matrix out(case_.n_wave, case_.n_wave);
    for (int v = 0; v < case_.n_wave; ++v) {
      for (int w = 0; w < case_.n_wave; ++w) {
        out(v, w) = m(v * case_.n_fibre + fibre, w * case_.n_fibre + fibre);
      }
    }
    return out;
  }
  Matrix covariance() const {
    Matrix m = case_.m;
    m.diagonal().array() += extraction::kTinyPrior;
    return m.inverse();
  }

  /// Made by the first use: a test that is skipped has none.
  D& device() {
    if (!device_) device_.emplace(0);
    return *device_;
  }

  std::optional<D> device_;
  BandCase case_;
  ext::Layout layout_;
  std::optional<compute::Buffer<extraction::PatchJob, D>> jobs_;
  std::optional<compute::Buffer<ext::PatchState, D>> states_;
  std::optional<compute::Buffer<int, D>> slots_;
  std::optional<compute::Buffer<double, D>> band_, rhs_, weight_, flux_, schur_;
  std::optional<compute::Buffer<ext::FibreState, D>> fibres_;
};
TYPED_TEST_SUITE_P(DeviceBand);

TYPED_TEST_P(DeviceBand, FactorsAreThoseOfDenseCholesky) {
  for (const auto& [n_fibre, n_wave, half_band] :
       {std::array{1, 1, 0}, {1, 9, 3}, {3, 8, 7}, {7, 11, 58}, {2, 40, 20}}) {
    this->open(make_band_case(n_fibre, n_wave, half_band));
    ASSERT_TRUE(this->factor());
    const Matrix u = this->case_.m.llt().matrixU();
    const Eigen::VectorXd y = u.transpose().triangularView<Eigen::Lower>().solve(this->case_.b);
    const std::vector<double> band = this->on_host(*this->band_), rhs = this->on_host(*this->rhs_);
    for (int i = 0; i < this->case_.n(); ++i) {
      ASSERT_NEAR(rhs[static_cast<std::size_t>(i)], y[i], this->kTolerance);
      for (int d = 0; d <= half_band && i + d < this->case_.n(); ++d) {
        ASSERT_NEAR(band[static_cast<std::size_t>(i * this->layout_.band_stride() + d)],
                    u(i, i + d), this->kTolerance);
      }
    }
  }
}

TYPED_TEST_P(DeviceBand, AMatrixThatIsNotPositiveDefiniteIsToldAsFailed) {
  BandCase c = make_band_case(2, 10, 5);
  c.m(13, 13) = -1;
  this->open(c);
  EXPECT_FALSE(this->factor());
}

TYPED_TEST_P(DeviceBand, SolutionAndBandOfTheInverseAreThoseOfDenseAlgebra) {
  for (const bool in_global_memory : {false, true}) {
    this->open(make_band_case(3, 20, 13));
    ASSERT_TRUE(this->factor());
    const auto inverse = this->invert(8, in_global_memory);
    const Matrix c = this->covariance();
    const Eigen::VectorXd flux = c * this->case_.b;
    for (int i = 0; i < this->case_.n(); ++i) {
      ASSERT_NEAR(inverse.flux[static_cast<std::size_t>(i)], flux[i], this->kTolerance);
    }
    for (int fibre = 0; fibre < 3; ++fibre) {
      const Matrix block = this->block_of(c, fibre);
      for (int w = 0; w < 20; ++w) {
        for (int q = 0; q <= 8 && w + q < 20; ++q) {
          ASSERT_NEAR(inverse.at(inverse.covariance, fibre, w, q), block(w, w + q),
                      this->kTolerance);
        }
      }
    }
  }
}

TYPED_TEST_P(DeviceBand, SchurComplementIsTheInverseOfTheBlockWhereReachHoldsAll) {
  this->open(make_band_case(2, 13, 9));
  ASSERT_TRUE(this->factor());
  const auto inverse = this->invert(12, false);
  for (int fibre = 0; fibre < 2; ++fibre) {
    const Matrix want = this->block_of(this->covariance(), fibre).inverse();
    for (int w = 0; w < 13; ++w) {
      for (int d = 0; w + d < 13; ++d) {
        ASSERT_NEAR(inverse.at(inverse.schur, fibre, w, d), want(w, w + d), this->kTolerance);
      }
    }
    const auto eigen = Eigen::SelfAdjointEigenSolver<Matrix>(want).eigenvalues();
    const auto& state = inverse.fibres[static_cast<std::size_t>(fibre)];
    EXPECT_GE(state.scale, eigen.maxCoeff());
    EXPECT_GE(state.condition, eigen.maxCoeff() / eigen.minCoeff());
  }
}

/// Tolerance of the poles, extraction::kRootTolerance, and room for rounding.
TYPED_TEST_P(DeviceBand, RootIsTheSymmetricRootForEveryReach) {
  const auto expect_root = [this](auto reach, int n_wave) {
    constexpr int kReach = decltype(reach)::value;
    this->open(make_band_case(2, n_wave, 5));
    ASSERT_TRUE(this->factor());
    const auto inverse = this->invert(kReach, false);
    for (int fibre = 0; fibre < 2; ++fibre) {
      const Matrix want = root_of(this->block_of(this->covariance(), fibre).inverse());
      const std::vector<double> got = this->template root<kReach>(inverse, fibre);
      const int n_value = this->layout_.n_value();
      for (int w = 0; w < n_wave; ++w) {
        const double* row = got.data() + w * n_value;
        double ones = 0, flux = 0;
        for (int v = 0; v < n_wave; ++v) {
          ones += want(w, v);
          flux += want(w, v) * inverse.flux[static_cast<std::size_t>(v * 2 + fibre)];
        }
        ASSERT_NEAR(row[0], ones, 1e-8);
        ASSERT_NEAR(row[1], flux, 1e-8);
        for (int d = 0; d <= this->layout_.n_diag && w + d < n_wave; ++d) {
          ASSERT_NEAR(row[2 + d], want(w, w + d), 1e-8) << "reach " << kReach << " wave " << w;
        }
      }
    }
  };
  expect_root(std::integral_constant<int, 8>(), 9);
  expect_root(std::integral_constant<int, 12>(), 13);
  expect_root(std::integral_constant<int, 16>(), 17);
  expect_root(std::integral_constant<int, 24>(), 25);
  expect_root(std::integral_constant<int, 32>(), 33);
  expect_root(std::integral_constant<int, 12>(), 3);
}

REGISTER_TYPED_TEST_SUITE_P(DeviceBand, FactorsAreThoseOfDenseCholesky,
                            AMatrixThatIsNotPositiveDefiniteIsToldAsFailed,
                            SolutionAndBandOfTheInverseAreThoseOfDenseAlgebra,
                            SchurComplementIsTheInverseOfTheBlockWhereReachHoldsAll,
                            RootIsTheSymmetricRootForEveryReach);

}  // namespace unfold::test

#define UNFOLD_DEVICE_SUITE DeviceBand
