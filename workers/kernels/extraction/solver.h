#pragma once

#include <span>

#include "workers/kernels/extraction/patch.h"
#include "workers/kernels/extraction/poles.h"

namespace unfold::extraction {

/// What a patch gives for its core bins, [n_core, n_core_wave] each; resolution [n_core,
/// n_core_wave, 2 n_diag + 1].
struct PatchResult {
  std::vector<double> flux, ivar, chi2pix, pixmask_fraction;
  std::vector<double> unconvolved;
  std::vector<double> resolution;
  std::vector<std::uint8_t> flags;
};

/// Solves patches by banded algebra: normal equations, Cholesky, the band of the inverse, the
/// inverse of each fibre's covariance block and its symmetric root. One thread at a time; keeps its
/// memory.
class PatchSolver {
 public:
  PatchSolver(const PsfShape& shape, const Options& options, const KernelTable& kernels,
              StageSeconds* stages)
      : shape_(&shape), options_(&options), kernels_(&kernels), stages_(stages) {}

  /// The bins' stamps must be in `window`. Throws std::runtime_error where the system cannot be
  /// solved even with strong regularisation.
  const PatchResult& solve(const FrameView& frame, const StampWindow& window,
                           const StampPositions& positions, const PatchRange& range);

 private:
  void set_up(const FrameView& frame, const StampWindow& window, const StampPositions& positions);
  void build_normal_equations(double regularize);
  void solve_system();
  void decorrelate_fibres();
  void decorrelate_all();
  double invert_blocks(int reach);
  void take_root(int core, int reach);
  double condition_bound(int core, int reach, double& scale) const;
  void keep_root(int core, const double* result);
  void keep_dense(int core, const double* root, const double* flux);
  void measure_pixels();
  void flag_bins();

  std::size_t core_at(int core, int wave) const {
    return static_cast<std::size_t>(core) * static_cast<std::size_t>(range_.n_core_wave) +
           static_cast<std::size_t>(wave);
  }
  int bin(int core, int padded_wave) const {
    return padded_wave * range_.n_fibre + range_.core_fibre + core;
  }
  int n_diag() const { return shape_->half_size_y; }

  const PsfShape* shape_;
  const Options* options_;
  const KernelTable* kernels_;
  StageSeconds* stages_;

  PatchRange range_;
  PatchBox box_;
  PatchPixels pixels_;
  PatchBins bins_;
  int half_band_ = 0, band_stride_ = 0;
  int block_stride_ = 0;
  double largest_weight_ = 0;
  Scratch<double> band_, rhs_, flux_weight_, bad_fraction_, weighted_;
  Scratch<double> ring_, blocks_, factor_, schur_, local_, root_, root_result_;
  Scratch<double> fibre_flux_, model_, chi2_, used_;
  PatchResult result_;
};

}  // namespace unfold::extraction
