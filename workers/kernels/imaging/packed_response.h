#pragma once

#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "workers/kernels/imaging/kernels.h"
#include "workers/kernels/imaging/responses.h"

namespace unfold::imaging {

/// Rows [T, D, stride] of one response: row (t, d) holds what each of `columns` directions or
/// pixels gives to data bin d. The last index of a response as stored is d; kept the other way
/// round, a pass reads the rows of bins that have events and no others, each once.
struct PackedResponse {
  struct Free {
    void operator()(std::byte* p) const { std::free(p); }
  };

  Index times = 0, columns = 0, bins = 0;
  Index stride = 0;  ///< elements of a row: columns and zeros to a multiple of kRowPad
  Element element = Element::kF64;
  std::unique_ptr<std::byte, Free> data;
  std::vector<double> scale;    ///< [T, columns] what one unit of the element is worth; empty: 1
  std::vector<double> row_sum;  ///< [T, columns] sum over d of the values as kept
  Index first_used = 0, last_used = 0;  ///< columns outside [first, last) are zero in every row

  Index elements() const { return times * bins * stride; }
  Index row_bytes() const;
  const std::byte* row(Index t, Index d) const { return data.get() + (t * bins + d) * row_bytes(); }
};

/// Counts (kInteger) begin as kU8.
Element element_of(Storage storage);
std::int64_t bytes_of(const PackedResponse& response);

class FactoredResponse : public PackedResponse {};
class DenseResponse : public PackedResponse {};

/// Takes columns as they come, (t, column) in order, and lays them down as rows.
class ResponsePacker {
 public:
  ResponsePacker(Index times, Index columns, Index bins, Storage storage);
  void append(std::span<const double> values, std::span<const double> scale);
  /// Throws std::invalid_argument unless all columns have come.
  PackedResponse finish();

 private:
  void take(std::span<const double> column, double scale);
  void flush();
  void widen(Element wider);

  PackedResponse out_;
  Storage storage_;
  Index next_ = 0;             ///< columns that have come, over all times
  Index pending_ = 0;          ///< of them, those still in block_
  std::vector<double> block_;  ///< [kRowPad, D] in units of the scale
};

}  // namespace unfold::imaging
