#pragma once

#include <functional>
#include <optional>

#include "workers/kernels/imaging/packed_response.h"

namespace unfold::imaging {

/// A dense response cut into runs of columns of one time bin, each packed by itself, so that no
/// more than one of them is in memory.
class ColumnPieces {
 public:
  /// `piece` is a response of one time bin and the columns first .. first + piece.columns of
  /// `time`.
  using Take = std::function<void(Index time, Index first, const PackedResponse& piece)>;

  /// Pieces have up to `piece_bytes`, sums and scales too, but kRowPad columns at least.
  ColumnPieces(Shape shape, Storage storage, Index piece_bytes, Take take);
  /// As DenseResponseBuilder::append.
  void append(std::span<const double> rows, std::span<const double> scale);
  /// Throws std::invalid_argument unless all rows have come.
  void finish() const;

  /// Columns of a piece, but for the last of a time bin.
  Index columns() const { return columns_; }

 private:
  void open();

  Shape shape_;
  Storage storage_;
  Index columns_;
  Take take_;
  Index time_ = 0, first_ = 0;  ///< of the present piece
  Index come_ = 0;              ///< of its columns
  std::optional<ResponsePacker> packer_;
};

}  // namespace unfold::imaging
