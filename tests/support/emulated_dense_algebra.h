#pragma once

#include <concepts>
#include <cstddef>

#include "tests/support/emulated_device.h"
#include "workers/kernels/extraction/device/dense_algebra.h"

namespace unfold::test {

/// One matrix of DenseAlgebra, by Eigen: the pivot that is not positive, or 0.
int solve_by_cholesky(double* matrix, double* rhs, int n);
/// 0 where all eigenvectors were found.
int take_eigenvectors(double* matrix, double* values, int n);

}  // namespace unfold::test

namespace unfold::extraction::device {

template <std::derived_from<test::Emulated> D>
class DenseAlgebra<D> {
 public:
  explicit DenseAlgebra(D&) {}
  void solve(double* const* matrices, double* const* rhs, int n, int batch, int* failed) {
    for (int i = 0; i < batch; ++i) failed[i] = test::solve_by_cholesky(matrices[i], rhs[i], n);
  }
  /// As much as the matrices, which is what libraries take at least.
  std::size_t eigen_bytes(int n, int batch) const {
    return static_cast<std::size_t>(n) * static_cast<std::size_t>(n) *
           static_cast<std::size_t>(batch) * sizeof(double);
  }
  void eigen(double* matrices, double* values, int n, int batch, int* failed) {
    for (std::ptrdiff_t i = 0; i < batch; ++i) {
      failed[i] = test::take_eigenvectors(matrices + i * n * n, values + i * n, n);
    }
  }
  std::size_t bytes() const { return 0; }
};

}  // namespace unfold::extraction::device
