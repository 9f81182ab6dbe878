#include "workers/kernels/extraction/dense.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

namespace unfold::extraction::dense {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::VectorXd;

std::vector<double> list(const Matrix& m) { return {m.data(), m.data() + m.size()}; }
std::vector<double> list(const Vector& v) { return {v.data(), v.data() + v.size()}; }

Matrix power(const Matrix& m, double exponent) {
  const Eigen::SelfAdjointEigenSolver<Matrix> eigen(m);
  const Vector u = eigen.eigenvalues().cwiseMax(0).array().pow(exponent);
  return eigen.eigenvectors() * u.asDiagonal() * eigen.eigenvectors().transpose();
}

/// Q: blocks C_ss^(-1/2) per fibre, or M^(1/2).
Matrix decorrelation(const Problem& p, const Matrix& m, const Matrix& c) {
  if (p.decorrelate_noise) return power(m, 0.5);
  Matrix q = Matrix::Zero(p.n_bin(), p.n_bin());
  for (int s = 0; s < p.n_fibre; ++s) {
    const int at = s * p.n_wave;
    q.block(at, at, p.n_wave, p.n_wave) = power(c.block(at, at, p.n_wave, p.n_wave), -0.5);
  }
  return q;
}

void measure_pixels(const Problem& p, const Matrix& a, Solution& out) {
  const Eigen::Map<const Vector> f(out.unconvolved.data(), p.n_bin());
  const Vector model = a * f;
  Vector chi2 = Vector::Zero(p.n_pixel), used = chi2, bad = chi2;
  for (int i = 0; i < p.n_pixel; ++i) {
    const double w = p.ivar[static_cast<std::size_t>(i)];
    bad[i] = w == 0 ? 1 : 0;
    if (!(w > 0)) continue;
    const double error = p.psf_error * model[i] + 1e-32;
    const double v = 1 / (1 / w + error * error);
    const double residual = p.pixels[static_cast<std::size_t>(i)] - model[i];
    chi2[i] = residual * residual * v;
    used[i] = 1;
  }
  const Vector above = a.transpose() * chi2, below = a.transpose() * used;
  Vector ratio = Vector::Zero(p.n_bin());
  for (int k = 0; k < p.n_bin(); ++k) ratio[k] = below[k] > 0 ? above[k] / below[k] : 0;
  out.chi2pix = list(ratio);
  out.pixmask_fraction = list(Vector(a.transpose() * bad));
}

}  // namespace

Solution solve(const Problem& p) {
  const Eigen::Map<const Matrix> a(p.a.data(), p.n_pixel, p.n_bin());
  const Eigen::Map<const Vector> pixels(p.pixels.data(), p.n_pixel);
  const Eigen::Map<const Vector> w(p.ivar.data(), p.n_pixel);
  const Matrix weighted = w.asDiagonal() * a;
  Matrix m = a.transpose() * weighted;
  const Vector rhs = weighted.transpose() * pixels;
  const Vector weight = weighted.colwise().sum();
  const double weak = 1e-4 * weight.maxCoeff();
  for (int k = 0; k < p.n_bin(); ++k) {
    const double alpha = weight[k] < weak ? weak - weight[k] : p.regularize;
    m(k, k) += alpha * alpha + 1e-15;
  }
  const Vector f = m.ldlt().solve(rhs);
  const Matrix c = power(m, -1);
  const Matrix q = decorrelation(p, m, c);
  const Vector s = q.rowwise().sum();
  const Matrix r = s.cwiseInverse().asDiagonal() * q;

  Solution out;
  out.inverse_covariance = list(m);
  out.rhs = list(rhs);
  out.flux_weight = list(weight);
  out.unconvolved = list(f);
  out.covariance = list(c);
  out.root = list(q);
  out.resolution = list(r);
  out.flux = list(Vector(r * f));
  out.ivar = list(Vector(s.cwiseAbs2()));
  measure_pixels(p, a, out);
  return out;
}

std::vector<double> symmetric_root(const std::vector<double>& matrix, int n) {
  return list(power(Eigen::Map<const Matrix>(matrix.data(), n, n), 0.5));
}

std::vector<double> banded_root(const double* band, int n, int half_band, int stride) {
  Matrix u = Matrix::Zero(n, n);
  for (int k = 0; k < n; ++k) {
    for (int d = 0; d <= std::min(half_band, n - 1 - k); ++d) {
      u(k, k + d) = band[static_cast<std::ptrdiff_t>(k) * stride + d];
    }
  }
  return list(power(u.transpose() * u, 0.5));
}

}  // namespace unfold::extraction::dense
