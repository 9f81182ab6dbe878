#pragma once

#include <cstdint>

#include "workers/compute/accelerator.h"
#include "workers/compute/view.h"

namespace unfold::spi {

using compute::Index;
using compute::View;

/// A product of 16-bit matrices with sums in float, by the device's own library:
///   HalfProduct(D&); void operator()(View<const std::uint16_t, 2> a, View<const std::uint16_t, 2>
///   b,
///                                    float* out, Index stride);
/// out[i stride + j] = sum_k a(i, k) b(j, k), a [n, k], b [m, k], k a multiple of 8; queued. The
/// same bits each time. workers/cuda/half_product.cuh has that of GPUs, tests/support that of
/// emulated ones.
template <class D>
class HalfProduct;

}  // namespace unfold::spi
