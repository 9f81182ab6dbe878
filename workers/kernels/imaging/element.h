#pragma once

#include <cstdint>

#include "workers/kernels/imaging/half.h"
#include "workers/kernels/imaging/kernels.h"

namespace unfold::imaging {

/// Calls f with a value of the type that `element` is stored as.
template <class F>
void with_stored(Element element, const F& f) {
  switch (element) {
    case Element::kF64:
      return f(double{});
    case Element::kF32:
      return f(float{});
    case Element::kF16:
      return f(Half{});
    case Element::kU8:
      return f(std::uint8_t{});
    case Element::kU16:
      return f(std::uint16_t{});
    case Element::kU32:
      return f(std::uint32_t{});
  }
}

inline std::ptrdiff_t size_of(Element element) {
  std::ptrdiff_t size = 0;
  with_stored(element, [&](auto zero) { size = sizeof zero; });
  return size;
}

}  // namespace unfold::imaging
