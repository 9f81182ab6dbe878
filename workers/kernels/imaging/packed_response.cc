#include "workers/kernels/imaging/packed_response.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>

#include "workers/compute/device.h"
#include "workers/kernels/imaging/element.h"

namespace unfold::imaging {
namespace {

/// Halves go up to 65504; the largest of a column is brought to 2^14 .. 2^15.
constexpr int kHalfExponent = 15;
constexpr double kLargestCount = 4294967295.0;
/// Halves of a column fainter than 2^kFaintest are 0 or few bits; its unit and the inverse stay
/// numbers.
constexpr int kFaintest = -1000;
constexpr double kLargestFloat = std::numeric_limits<float>::max();

std::unique_ptr<std::byte, PackedResponse::Free> allocate(Index bytes) {
  const auto rounded = static_cast<std::size_t>((std::max<Index>(bytes, 1) + 63) / 64 * 64);
  std::unique_ptr<std::byte, PackedResponse::Free> data(
      static_cast<std::byte*>(std::aligned_alloc(64, rounded)));
  if (data == nullptr) {
    throw compute::OutOfMemory("host allocation of " + std::to_string(bytes) + " bytes failed");
  }
  return data;
}

Element narrowest(double count) {
  if (count <= 255) return Element::kU8;
  return count <= 65535 ? Element::kU16 : Element::kU32;
}

double checked_maximum(std::span<const double> column, bool integers) {
  double largest = 0;
  for (const double v : column) {
    if (!(v >= 0) || !std::isfinite(v)) {
      throw std::invalid_argument("a response value is negative or not finite");
    }
    largest = std::max(largest, v);
  }
  if (!integers) return largest;
  for (const double v : column) {
    if (v != std::floor(v)) throw std::invalid_argument("a response count is no integer");
  }
  if (largest > kLargestCount) throw std::invalid_argument("a response count is above 2^32 - 1");
  return largest;
}

}  // namespace

Element element_of(Storage storage) {
  switch (storage) {
    case Storage::kFp64:
      return Element::kF64;
    case Storage::kFp32:
      return Element::kF32;
    case Storage::kFp16:
      return Element::kF16;
    case Storage::kInteger:
      return Element::kU8;
  }
  throw std::invalid_argument("no such storage");
}

Index PackedResponse::row_bytes() const { return stride * size_of(element); }

std::int64_t bytes_of(const PackedResponse& response) {
  return response.elements() * size_of(response.element) +
         static_cast<std::int64_t>((response.scale.size() + response.row_sum.size()) *
                                   sizeof(double));
}

ResponsePacker::ResponsePacker(Index times, Index columns, Index bins, Storage storage)
    : storage_(storage) {
  if (times < 1 || columns < 1 || bins < 1) {
    throw std::invalid_argument("a response needs at least one time, direction and data bin");
  }
  out_.times = times;
  out_.columns = columns;
  out_.bins = bins;
  out_.stride = (columns + kRowPad - 1) / kRowPad * kRowPad;
  out_.element = element_of(storage);
  out_.data = allocate(out_.elements() * size_of(out_.element));
  out_.first_used = columns;
  block_.resize(static_cast<std::size_t>(kRowPad * bins));
  const auto n = static_cast<std::size_t>(times * columns);
  out_.row_sum.reserve(n);
  if (storage == Storage::kFp16 || storage == Storage::kInteger) out_.scale.reserve(n);
}

void ResponsePacker::append(std::span<const double> values, std::span<const double> scale) {
  const auto bins = static_cast<std::size_t>(out_.bins);
  const std::size_t n = values.size() / bins;
  if (n * bins != values.size()) throw std::invalid_argument("a response row is cut short");
  if (scale.size() != (storage_ == Storage::kInteger ? n : 0)) {
    throw std::invalid_argument("scales are given for integer storage, one a row, and else not");
  }
  if (next_ + static_cast<Index>(n) > out_.times * out_.columns) {
    throw std::invalid_argument("more response rows than were announced");
  }
  for (std::size_t i = 0; i < n; ++i) {
    take(values.subspan(i * bins, bins), scale.empty() ? 1 : scale[i]);
  }
}

void ResponsePacker::take(std::span<const double> column, double scale) {
  if (!(scale >= 0) || !std::isfinite(scale)) {
    throw std::invalid_argument("a response scale is negative or not finite");
  }
  const double largest = checked_maximum(column, storage_ == Storage::kInteger);
  if (storage_ != Storage::kFp64 && std::max(largest * scale, scale) > kLargestFloat) {
    throw std::invalid_argument("a response value is too large for this storage: take fp64");
  }
  const Index k = next_ % out_.columns;
  if (largest > 0) {
    out_.first_used = std::min(out_.first_used, k);
    out_.last_used = std::max(out_.last_used, k + 1);
  }
  double unit = scale;
  if (storage_ == Storage::kFp16) {
    int exponent = 0;
    std::frexp(largest, &exponent);
    unit = largest > 0 ? std::ldexp(1.0, std::max(exponent, kFaintest) - kHalfExponent) : 1;
  }
  if (storage_ == Storage::kInteger && size_of(narrowest(largest)) > size_of(out_.element)) {
    widen(narrowest(largest));
  }
  if (storage_ == Storage::kFp16 || storage_ == Storage::kInteger) out_.scale.push_back(unit);
  const double units = storage_ == Storage::kFp16 ? 1 / unit : 1;
  double* to = block_.data() + pending_ * out_.bins;
  for (std::size_t d = 0; d < column.size(); ++d) to[d] = column[d] * units;
  ++pending_;
  ++next_;
  if (pending_ == kRowPad || next_ % out_.columns == 0) flush();
}

/// Lays down up to kRowPad columns, and zeros for those that do not exist.
void ResponsePacker::flush() {
  const Index t = (next_ - 1) / out_.columns;
  const Index first = (next_ - pending_) % out_.columns;
  double sum[kRowPad] = {};
  with_stored(out_.element, [&](auto zero) {
    using T = decltype(zero);
    T* rows = reinterpret_cast<T*>(out_.data.get()) + t * out_.bins * out_.stride + first;
    for (Index d = 0; d < out_.bins; ++d) {
      T* to = rows + d * out_.stride;
      for (Index j = 0; j < pending_; ++j) {
        to[j] = static_cast<T>(block_[static_cast<std::size_t>(j * out_.bins + d)]);
        sum[j] += static_cast<double>(to[j]);
      }
      for (Index j = pending_; j < kRowPad; ++j) to[j] = zero;
    }
  });
  for (Index j = 0; j < pending_; ++j) {
    const auto at = out_.row_sum.size();
    out_.row_sum.push_back(sum[j] * (out_.scale.empty() ? 1 : out_.scale[at]));
  }
  pending_ = 0;
}

void ResponsePacker::widen(Element wider) {
  auto data = allocate(out_.elements() * size_of(wider));
  const Index laid = (next_ - pending_ + out_.columns - 1) / out_.columns * out_.bins * out_.stride;
  with_stored(out_.element, [&](auto narrow_zero) {
    using Narrow = decltype(narrow_zero);
    with_stored(wider, [&](auto wide_zero) {
      using Wide = decltype(wide_zero);
      const Narrow* from = reinterpret_cast<const Narrow*>(out_.data.get());
      Wide* to = reinterpret_cast<Wide*>(data.get());
      for (Index i = 0; i < laid; ++i) to[i] = static_cast<Wide>(static_cast<double>(from[i]));
    });
  });
  out_.data = std::move(data);
  out_.element = wider;
}

PackedResponse ResponsePacker::finish() {
  if (next_ != out_.times * out_.columns) {
    throw std::invalid_argument("fewer response rows than were announced");
  }
  if (out_.first_used >= out_.last_used) out_.first_used = out_.last_used = 0;
  return std::move(out_);
}

}  // namespace unfold::imaging
