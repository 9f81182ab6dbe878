#pragma once

#include <vector>

#include "workers/kernels/extraction/extraction.h"
#include "workers/kernels/extraction/kernels.h"

namespace unfold::extraction {

/// The wavelengths at which stamps are made: the asked grid, `pad` bins before it, and enough after
/// it that the last patch is complete; counts are rounded up to whole groups of kStampLanes.
/// Legendre polynomials are tabulated once for all fibres.
class PaddedGrid {
 public:
  PaddedGrid(const PsfShape& shape, const PsfTraces& traces, const WavelengthGrid& grid, int pad,
             int n_step);

  int pad() const { return pad_; }
  int n_step() const { return n_step_; }    ///< core bins of a patch
  int n_patch() const { return n_patch_; }  ///< patches along wavelength
  int n_wave() const { return n_wave_; }    ///< bins asked for
  int size() const { return size_; }        ///< padded count, a multiple of kStampLanes
  const double* shape_basis() const { return shape_.data(); }  ///< [n_coef, size()]
  const double* x_basis() const { return x_.data(); }
  const double* y_basis() const { return y_.data(); }

 private:
  int pad_, n_step_, n_patch_, n_wave_, size_;
  std::vector<double> shape_, x_, y_;
};

/// As the options ask.
PaddedGrid padded_grid(const PsfShape& shape, const PsfTraces& traces, const Options& options);

/// Where the stamps of some fibres lie.
struct StampPositions {
  int n_fibre = 0;
  int n_wave = 0;                          ///< as PaddedGrid::size()
  std::vector<int> col, row;               ///< [n_fibre, n_wave] first pixel of the stamp
  std::vector<double> offset_x, offset_y;  ///< [n_fibre, n_wave] first pixel minus trace centre
  std::size_t at(int fibre, int wave) const {
    return static_cast<std::size_t>(fibre) * static_cast<std::size_t>(n_wave) +
           static_cast<std::size_t>(wave);
  }
};

StampPositions locate_stamps(const PsfShape& shape, const PsfTraces& traces, const PaddedGrid& grid,
                             int first_spec, int n_spec, const KernelTable& kernels);

}  // namespace unfold::extraction
