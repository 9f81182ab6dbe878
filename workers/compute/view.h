#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>

#include "workers/compute/host_device.h"

namespace unfold::compute {

using Index = std::ptrdiff_t;

/// Non-owning row-major view of `Rank` dimensions; the last index is contiguous. Trivially
/// copyable, so a kernel takes it by value on any device.
template <class T, int Rank>
struct View {
  T* data = nullptr;
  Index extent[Rank] = {};

  View() = default;

  template <std::convertible_to<Index>... N>
  requires(sizeof...(N) == Rank) UNFOLD_HD View(T* p, N... n)
      : data(p), extent{static_cast<Index>(n)...} {}

  /// A view of mutable data converts to a view of constant data.
  template <class U>
  requires(std::same_as<const U, T>) UNFOLD_HD View(const View<U, Rank>& other) : data(other.data) {
    for (int d = 0; d < Rank; ++d) extent[d] = other.extent[d];
  }

  UNFOLD_HD Index size() const {
    Index n = 1;
    for (int d = 0; d < Rank; ++d) n *= extent[d];
    return n;
  }

  template <std::convertible_to<Index>... I>
  requires(sizeof...(I) == Rank) UNFOLD_HD T& operator()(I... i) const {
    const Index index[] = {static_cast<Index>(i)...};
    Index offset = 0;
    for (int d = 0; d < Rank; ++d) offset = offset * extent[d] + index[d];
    return data[offset];
  }
};

static_assert(std::is_trivially_copyable_v<View<const float, 2>>);

}  // namespace unfold::compute
