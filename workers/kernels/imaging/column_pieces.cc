#include "workers/kernels/imaging/column_pieces.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "workers/kernels/imaging/element.h"

namespace unfold::imaging {
namespace {

/// Counts may turn out to be wide. Its sum and scale too.
Index column_bytes(Index bins, Storage storage) {
  const Index widest =
      storage == Storage::kInteger ? Index{sizeof(std::uint32_t)} : size_of(element_of(storage));
  return bins * widest + 2 * Index{sizeof(double)};
}

Index padded(Index columns) { return (columns + kRowPad - 1) / kRowPad * kRowPad; }

}  // namespace

ColumnPieces::ColumnPieces(Shape shape, Storage storage, Index piece_bytes, Take take)
    : shape_(shape),
      storage_(storage),
      columns_(
          std::clamp<Index>(piece_bytes / column_bytes(shape.bins, storage) / kRowPad * kRowPad,
                            kRowPad, std::max<Index>(padded(shape.pixels), kRowPad))),
      take_(std::move(take)) {
  open();
}

void ColumnPieces::open() {
  come_ = 0;
  packer_.emplace(1, std::min(columns_, shape_.pixels - first_), shape_.bins, storage_);
}

void ColumnPieces::append(std::span<const double> rows, std::span<const double> scale) {
  const auto bins = static_cast<std::size_t>(shape_.bins);
  const std::size_t n = rows.size() / bins;
  if (n * bins != rows.size()) throw std::invalid_argument("a response row is cut short");
  if (scale.size() != (storage_ == Storage::kInteger ? n : 0)) {
    throw std::invalid_argument("scales are given for integer storage, one a row, and else not");
  }
  for (std::size_t done = 0; done < n;) {
    if (!packer_) throw std::invalid_argument("more response rows than were announced");
    const Index wanted = std::min(columns_, shape_.pixels - first_);
    const std::size_t now = std::min(n - done, static_cast<std::size_t>(wanted - come_));
    packer_->append(rows.subspan(done * bins, now * bins),
                    scale.empty() ? scale : scale.subspan(done, now));
    done += now;
    come_ += static_cast<Index>(now);
    if (come_ < wanted) continue;
    take_(time_, first_, packer_->finish());
    first_ = (first_ + wanted) % shape_.pixels;
    time_ += first_ == 0 ? 1 : 0;
    packer_.reset();
    if (time_ < shape_.times) open();
  }
}

void ColumnPieces::finish() const {
  if (packer_) throw std::invalid_argument("fewer response rows than were announced");
}

}  // namespace unfold::imaging
