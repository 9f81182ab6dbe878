#pragma once

#include "workers/compute/isa.h"
#include "workers/nufft/kernels.h"

namespace unfold::nufft {

/// Throws std::invalid_argument where this build does not carry `isa`.
const KernelTable& kernels(compute::Isa isa);

/// The half of a table that computes in Real.
template <class Real>
const Kernels<Real>& kernels_of(const KernelTable& table);
template <>
inline const Kernels<double>& kernels_of<double>(const KernelTable& table) {
  return table.f64;
}
template <>
inline const Kernels<float>& kernels_of<float>(const KernelTable& table) {
  return table.f32;
}

}  // namespace unfold::nufft
