#pragma once

#include <vector>

#include "workers/kernels/imaging/kernels.h"
#include "workers/kernels/imaging/operator.h"

namespace unfold::imaging {

/// A response as rows over columns: R[t,p,d] = sum_k S_t[p,k] row_t(d)[k], where S_t is sparse
/// (factored: lookups and live time) or a unit matrix (dense). Immutable and thread safe.
template <class Real>
class RowModel {
 public:
  struct Rows {
    const std::byte* first;
    Index bytes;  ///< between rows
    const void* row(Index d) const { return first + d * bytes; }
  };

  virtual ~RowModel() = default;
  virtual Shape shape() const = 0;
  virtual Element element() const = 0;
  virtual Index length() const = 0;  ///< columns of a row, a multiple of kRowPad
  virtual Rows rows(Index t) const = 0;
  /// What the columns see of an image: w[k] = sum_p S_t[p,k] image[p]. `image` [P, lanes] has been
  /// multiplied by pixel_factor; `w` [length, lanes] is overwritten. Lanes: 1 or kLanes.
  virtual void spread(Index t, int lanes, const Real* image, Real* w) const = 0;
  /// image[p] += sum_k S_t[p,k] sum[k], to be multiplied by pixel_factor. `sum` is spoilt.
  virtual void gather(Index t, int lanes, Real* sum, Real* image) const = 0;
  virtual double pixel_factor(Index p) const = 0;
  /// image[p] += sum_d R[t,p,d] / pixel_factor, in double.
  virtual void add_sensitivity(Index t, double* image) const = 0;
};

}  // namespace unfold::imaging
