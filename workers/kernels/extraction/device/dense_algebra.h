#pragma once

#include "workers/compute/accelerator.h"

namespace unfold::extraction::device {

/// Batches of dense symmetric matrices by the device's own library, in double precision; all
/// queued, the same bits each time for the same batch.
///   explicit DenseAlgebra(D& device);      // which must outlive it
///   void solve(double* const* matrices, double* const* rhs, int n, int batch, int* failed);
///     M x = b by Cholesky, in place: [batch] matrices [n, n] are spoilt, [batch] vectors [n]
///     become x. All are device arrays. failed [batch]: 0, or which pivot is not positive; x is
///     then spoilt
///   void eigen(double* matrices, double* values, int n, int batch, int* failed);
///     matrices [batch, n, n], in: M; out: eigenvector k at [k, .]; values [batch, n], ascending.
///     failed [batch]: 0 where all were found
///   std::size_t eigen_bytes(int n, int batch);  // of device memory that eigen() works in
///   std::size_t bytes() const;                  // of device memory that it holds
/// Throws compute::OutOfMemory, compute::DeviceError. workers/cuda/dense_algebra.cuh has that of
/// GPUs, tests/support that of emulated ones.
template <class D>
class DenseAlgebra;

}  // namespace unfold::extraction::device
