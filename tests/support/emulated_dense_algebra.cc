#include "tests/support/emulated_dense_algebra.h"

#include <Eigen/Dense>

namespace unfold::test {

int solve_by_cholesky(double* matrix, double* rhs, int n) {
  Eigen::Map<Eigen::MatrixXd> m(matrix, n, n);
  Eigen::LLT<Eigen::Ref<Eigen::MatrixXd>> factor(m);
  if (factor.info() != Eigen::Success) return 1;
  Eigen::Map<Eigen::VectorXd> x(rhs, n);
  factor.solveInPlace(x);
  return 0;
}

int take_eigenvectors(double* matrix, double* values, int n) {
  Eigen::Map<Eigen::MatrixXd> m(matrix, n, n);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(m);
  if (eigen.info() != Eigen::Success) return 1;
  m = eigen.eigenvectors();
  Eigen::Map<Eigen::VectorXd>(values, n) = eigen.eigenvalues();
  return 0;
}

}  // namespace unfold::test
