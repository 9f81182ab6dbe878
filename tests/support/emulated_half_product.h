#pragma once

#include <concepts>
#include <stdexcept>
#include <vector>

#include "tests/support/emulated_device.h"
#include "workers/kernels/spi/device/half.h"
#include "workers/kernels/spi/device/half_product.h"

namespace unfold::spi {

/// As tensor cores do it: products of 16-bit numbers are exact, sums are in float.
template <std::derived_from<test::Emulated> D>
class HalfProduct<D> {
 public:
  explicit HalfProduct(D&) {}
  void operator()(compute::View<const std::uint16_t, 2> a, compute::View<const std::uint16_t, 2> b,
                  float* out, Index stride) {
    if (a.extent[1] != b.extent[1] || a.extent[1] % 8 != 0 || b.extent[0] > stride) {
      throw std::logic_error("matrices whose product no library takes");
    }
    const std::vector<float> left = floats(a), right = floats(b);
    const auto depth = static_cast<std::size_t>(a.extent[1]);
    for (Index i = 0; i < a.extent[0]; ++i) {
      for (Index j = 0; j < b.extent[0]; ++j) {
        const float* x = &left[static_cast<std::size_t>(i) * depth];
        const float* y = &right[static_cast<std::size_t>(j) * depth];
        float sums[kLanes] = {};
        for (std::size_t k = 0; k < depth; k += kLanes) {
          for (std::size_t lane = 0; lane < kLanes; ++lane) {
            sums[lane] += x[k + lane] * y[k + lane];
          }
        }
        float sum = 0;
        for (const float s : sums) sum += s;
        out[i * stride + j] = sum;
      }
    }
  }

 private:
  static constexpr std::size_t kLanes = 8;
  static std::vector<float> floats(compute::View<const std::uint16_t, 2> from) {
    std::vector<float> to;
    for (Index i = 0; i < from.size(); ++i) to.push_back(float_of(from.data[i]));
    return to;
  }
};

}  // namespace unfold::spi
