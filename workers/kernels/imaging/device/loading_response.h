#pragma once

#include <cstring>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "workers/kernels/imaging/device/residents.h"

namespace unfold::imaging {

/// A run of columns [D, stride] goes to its place in the rows [D, length] of a time bin.
template <class To, class From>
struct LayColumns {
  Index columns, stride, length;
  const From* piece;
  To* rows;  ///< at the first of the columns

  UNFOLD_HD void operator()(Index i) const {
    const Index d = i / columns, j = i % columns;
    rows[d * length + j] = static_cast<To>(piece[d * stride + j]);
  }
};

/// A response that goes to a device piece by piece (ColumnPieces), through pinned memory of the
/// size of one: the next one is read and packed while the last is on its way. Throws
/// compute::OutOfMemory where there is no room.
template <compute::Accelerator D>
class LoadingResponse {
 public:
  /// Of pieces with up to `columns` columns.
  LoadingResponse(int ordinal, const ResponseSizes& sizes, Index columns)
      : device_(ordinal),
        response_(std::make_unique<ResponseOnDevice<D>>(ordinal, sizes)),
        columns_((columns + kRowPad - 1) / kRowPad * kRowPad),
        pinned_(device_, most_bytes(sizes)),
        piece_(device_, most_bytes(sizes)) {}

  /// Columns first .. first + piece.columns of one time bin. The piece may go when this returns.
  /// Its elements are those of the response, or narrower integers.
  void lay(Index time, Index first, const ResponseArrays& piece) {
    device_.synchronize();  // the last piece has left pinned_
    const auto row_bytes =
        static_cast<std::size_t>(piece.bins * piece.stride * size_of(piece.element));
    const auto column_bytes = static_cast<std::size_t>(piece.columns) * sizeof(double);
    std::byte* const host = pinned_.span().data();
    std::byte* const sums = host + row_bytes;
    std::memcpy(host, piece.rows, row_bytes);
    std::memcpy(sums, piece.row_sum.data(), column_bytes);
    const Index at = time * response_->columns() + first;
    const auto to = response_->places();
    device_.copy_in(to.row_sum + at, sums, column_bytes);
    if (!piece.scale.empty()) {
      std::memcpy(sums + column_bytes, piece.scale.data(), column_bytes);
      device_.copy_in(to.scale + at, sums + column_bytes, column_bytes);
    }
    device_.copy_in(piece_.view(piece_.size()).data, host, row_bytes);
    std::byte* const rows =
        to.rows + size_of(response_->element()) * (time * piece.bins * response_->length() + first);
    with_stored(response_->element(), [&](auto wide) {
      with_stored(piece.element, [&](auto narrow) { move(wide, narrow, piece, rows); });
    });
  }

  /// Waits for all of them.
  std::unique_ptr<ResponseOnDevice<D>> finish() {
    device_.synchronize();
    return std::move(response_);
  }

  std::size_t pinned_bytes() const { return static_cast<std::size_t>(pinned_.size()); }

 private:
  /// From piece_ to `rows`, where the first of the columns goes. The values say the types.
  template <class To, class From>
  void move(To, From, const ResponseArrays& piece, std::byte* rows) {
    if constexpr (std::is_same_v<To, From> ||
                  (std::is_integral_v<To> && std::is_integral_v<From>)) {
      const auto* const from = reinterpret_cast<const From*>(piece_.view(piece_.size()).data);
      const LayColumns<To, From> lay{piece.columns, piece.stride, response_->length(), from,
                                     reinterpret_cast<To*>(rows)};
      parallel_for(device_, piece.bins * piece.columns, lay);
    } else {
      throw std::logic_error("a piece is stored otherwise than its response");
    }
  }

  /// Rows, then sums and scales.
  Index most_bytes(const ResponseSizes& sizes) const {
    return columns_ * (sizes.bins * size_of(sizes.element) + 2 * Index{sizeof(double)});
  }

  D device_;
  std::unique_ptr<ResponseOnDevice<D>> response_;
  Index columns_;
  compute::Pinned<std::byte, D> pinned_;
  compute::Buffer<std::byte, D> piece_;
};

}  // namespace unfold::imaging
