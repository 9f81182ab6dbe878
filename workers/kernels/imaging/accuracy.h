#pragma once

#include "workers/kernels/imaging/responses.h"

namespace unfold::imaging {

/// How far an operator's results lie from exact arithmetic on the response as kept, relative to the
/// largest element of the result. fp64 computes in double; the others multiply in float, add up at
/// most 256 events and 32 time bins in float, and the rest in double.
constexpr double arithmetic_error(Storage storage) {
  return storage == Storage::kFp64 ? 1e-13 : 5e-7;
}

/// How far an element as kept lies from the one given, relative to itself: half a unit in the last
/// place. fp16 has it down to 2^-29 of the largest element of its row (a direction, or a pixel in a
/// time bin); below, the error is 2^-40 of that element.
constexpr double rounding_error(Storage storage) {
  return storage == Storage::kFp16 ? 0x1p-11 : storage == Storage::kFp32 ? 0x1p-24 : 0;
}

}  // namespace unfold::imaging
