#include "workers/kernels/extraction/solver.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "workers/kernels/extraction/dense.h"
#include "workers/kernels/extraction/stage_timer.h"

namespace unfold::extraction {
namespace {

std::size_t size(int n) { return static_cast<std::size_t>(n); }

double* zeroed(Scratch<double>& scratch, std::size_t n) {
  double* data = scratch.reserve(n);
  std::fill_n(data, n, 0.0);
  return data;
}

}  // namespace

const PatchResult& PatchSolver::solve(const FrameView& frame, const StampWindow& window,
                                      const StampPositions& positions, const PatchRange& range) {
  range_ = range;
  set_up(frame, window, positions);
  solve_system();
  if (options_->decorrelate == Decorrelate::kSignal) {
    decorrelate_fibres();
  } else {
    decorrelate_all();
  }
  measure_pixels();
  flag_bins();
  return result_;
}

void PatchSolver::set_up(const FrameView& frame, const StampWindow& window,
                         const StampPositions& positions) {
  const StageTimer timer(stages_, &StageSeconds::normal_equations);
  box_ = patch_box(positions, range_, *shape_, window.stride(), options_->pixel_pad_frac);
  pixels_.load(frame, box_);
  bins_.fill(window, positions, range_, box_, *shape_);
  half_band_ = std::min(half_bandwidth(bins_.view()), range_.size() - 1);
  band_stride_ = round_up(half_band_ + 1, kVectorPad) + 4 * kVectorPad;
  const std::size_t n = size(range_.n_core * range_.n_core_wave);
  result_.flux.assign(n, 0);
  result_.ivar.assign(n, 0);
  result_.chi2pix.assign(n, 0);
  result_.pixmask_fraction.assign(n, 0);
  result_.unconvolved.assign(n, 0);
  result_.resolution.assign(n * size(2 * n_diag() + 1), 0);
  result_.flags.assign(n, 0);
}

void PatchSolver::build_normal_equations(double regularize) {
  const StageTimer timer(stages_, &StageSeconds::normal_equations);
  const Bins bins = bins_.view();
  const std::size_t n = size(bins.size());
  double* band = zeroed(band_, (n + 1) * size(band_stride_) + 4 * kVectorPad);
  double* weight = zeroed(flux_weight_, n);
  kernels_->normal_equations({.bins = bins,
                              .pixels = pixels_.view(),
                              .half_band = half_band_,
                              .band_stride = band_stride_,
                              .band = band,
                              .rhs = zeroed(rhs_, n + kVectorPad),
                              .flux_weight = weight,
                              .bad_fraction = zeroed(bad_fraction_, n),
                              .scratch = weighted_.reserve(normal_scratch(bins))});
  largest_weight_ = *std::max_element(weight, weight + n);
  for (std::size_t k = 0; k < n; ++k) {
    band[k * size(band_stride_)] += prior_of(weight[k], largest_weight_, regularize);
  }
}

void PatchSolver::solve_system() {
  // Rounding can spoil a nearly singular system; the reference then also regularises, but for the
  // rest of the bundle, which would make a bin depend on its neighbours' patches.
  for (double regularize = options_->regularize; regularize <= 1;
       regularize = std::max(1e-4, 10 * regularize)) {
    build_normal_equations(regularize);
    const StageTimer timer(stages_, &StageSeconds::factor);
    if (kernels_->solve_band({.n = range_.size(),
                              .half_band = half_band_,
                              .band_stride = band_stride_,
                              .band = band_.data(),
                              .rhs = rhs_.data()})) {
      return;
    }
  }
  throw std::runtime_error("a patch's normal equations are not positive definite");
}

void PatchSolver::decorrelate_fibres() {
  std::size_t choice = pixels_.any_bad() ? 1 : 0;
  while (kReaches[choice] < n_diag()) ++choice;
  constexpr std::size_t kLast = std::size(kReaches) - 1;
  // What lies beyond the band is known only once the band is: widen until it no longer matters.
  while (invert_blocks(kReaches[choice]) > kReachTolerance && choice < kLast &&
         kReaches[choice] < range_.n_wave) {
    ++choice;
  }
  for (int core = 0; core < range_.n_core; ++core) take_root(core, kReaches[choice]);
}

double PatchSolver::invert_blocks(int reach) {
  const int extent = std::max(half_band_, reach * range_.n_fibre);
  int ring_rows = 1;
  while (ring_rows <= half_band_ + 1) ring_rows *= 2;
  const int ring_stride = round_up(half_band_ + extent + 1 + 5 * kVectorPad, kVectorPad);
  block_stride_ = round_up(kLead + range_.n_wave + reach, kVectorPad) + 3 * kVectorPad;
  const std::size_t block = size(reach + 1) * size(block_stride_);
  const std::size_t n_core = size(range_.n_core);
  double* blocks = zeroed(blocks_, n_core * block + kVectorPad);
  {
    const StageTimer timer(stages_, &StageSeconds::selected_inverse);
    kernels_->selected_inverse({.factor = {.n = range_.size(),
                                           .half_band = half_band_,
                                           .band_stride = band_stride_,
                                           .band = band_.data(),
                                           .rhs = nullptr},
                                .n_fibre = range_.n_fibre,
                                .first_fibre = range_.core_fibre,
                                .n_core = range_.n_core,
                                .reach = reach,
                                .ring = ring_.reserve(size(ring_rows) * size(ring_stride) + 64),
                                .ring_rows = ring_rows,
                                .ring_stride = ring_stride,
                                .blocks = blocks,
                                .block_stride = block_stride_});
  }
  const StageTimer timer(stages_, &StageSeconds::schur);
  double* factor = zeroed(factor_, n_core * block + kVectorPad);
  double* schur = zeroed(schur_, n_core * block + kVectorPad);
  double* local = local_.reserve(size((reach + 1) * (reach + 2)) * kVectorPad);
  double beyond = 0;
  for (std::size_t core = 0; core < n_core; ++core) {
    double* covariance = blocks + core * block;
    std::fill(covariance + range_.n_wave, covariance + block_stride_, 1.0);
    beyond = std::max(beyond, kernels_->schur_band({.n_wave = range_.n_wave,
                                                    .reach = reach,
                                                    .covariance = covariance,
                                                    .stride = block_stride_,
                                                    .factor = factor + core * block,
                                                    .schur = schur + core * block,
                                                    .local = local}));
  }
  return beyond;
}

/// Largest eigenvalue of S (scale) by Gershgorin, and scale times that of S^-1 = C likewise.
double PatchSolver::condition_bound(int core, int reach, double& scale) const {
  const std::size_t stride = size(block_stride_);
  const std::size_t block = size(core) * size(reach + 1) * stride;
  const double* weight = flux_weight_.data();
  double top[2] = {0, 0};
  const double* matrix[2] = {schur_.data() + block, blocks_.data() + block};
  for (int w = 0; w < range_.n_wave; ++w) {
    if (weight[bin(core, w)] == 0) continue;
    for (int m = 0; m < 2; ++m) {
      double row = std::fabs(matrix[m][w]);
      for (int d = 1; d <= reach; ++d) {
        row += std::fabs(matrix[m][size(d) * stride + size(w)]);
        if (w >= d) row += std::fabs(matrix[m][size(d) * stride + size(w - d)]);
      }
      top[m] = std::max(top[m], row);
    }
  }
  scale = top[0] > 0 ? top[0] : 1;
  return std::max(1.2 * scale * top[1], 1.0);
}

void PatchSolver::take_root(int core, int reach) {
  const StageTimer timer(stages_, &StageSeconds::root);
  double scale = 1;
  const double condition = condition_bound(core, reach, scale);
  double* schur = schur_.data() + size(core) * size(reach + 1) * size(block_stride_);
  double* flux = fibre_flux_.reserve(size(range_.n_wave));
  for (int w = 0; w < range_.n_wave; ++w) {
    flux[w] = rhs_.data()[bin(core, w)];
    // A bin without any weight is coupled to nothing; only its prior would stretch the spectrum.
    if (flux_weight_.data()[bin(core, w)] == 0) schur[w] = scale;
  }
  const PoleSet& unit = poles_for(condition);
  std::vector<double> pole, weight;
  for (std::size_t j = 0; j < unit.pole.size(); ++j) {
    pole.push_back(unit.pole[j] * scale);
    weight.push_back(unit.weight[j] * std::sqrt(scale));
  }
  double* result = root_result_.reserve(size(range_.n_wave) * size(n_diag() + 3));
  kernels_->symmetric_root({.n_wave = range_.n_wave,
                            .reach = reach,
                            .schur = schur,
                            .stride = block_stride_,
                            .n_pole = static_cast<int>(pole.size()),
                            .pole = pole.data(),
                            .weight = weight.data(),
                            .flux = flux,
                            .n_diag = n_diag(),
                            .scratch = root_.reserve(root_scratch(range_.n_wave, reach)),
                            .result = result});
  keep_root(core, result);
}

void PatchSolver::keep_root(int core, const double* result) {
  const int width = n_diag() + 3;
  const auto of = [&](int w, int i) { return result[size(w) * size(width) + size(i)]; };
  for (int w = 0; w < range_.n_keep; ++w) {
    const int j = w + range_.core_wave;
    const std::size_t at = core_at(core, w);
    result_.flux[at] = of(j, 1) / of(j, 0);
    result_.ivar[at] = of(j, 0) * of(j, 0);
    result_.unconvolved[at] = rhs_.data()[bin(core, j)];
    double* column = result_.resolution.data() + at * size(2 * n_diag() + 1);
    for (int k = 0; k <= 2 * n_diag(); ++k) {
      const int i = j - n_diag() + k;
      if (i < 0 || i >= range_.n_wave) continue;
      column[k] = of(std::min(i, j), 2 + std::abs(i - j)) / of(i, 0);
    }
  }
}

void PatchSolver::decorrelate_all() {
  const StageTimer timer(stages_, &StageSeconds::root);
  const int n = range_.size();
  const std::vector<double> root = dense::banded_root(band_.data(), n, half_band_, band_stride_);
  for (int core = 0; core < range_.n_core; ++core) keep_dense(core, root.data(), rhs_.data());
}

void PatchSolver::keep_dense(int core, const double* root, const double* flux) {
  const int n = range_.size();
  const auto row_sum = [&](int i, const double* with) {
    double total = 0;
    for (int j = 0; j < n; ++j) total += root[size(i) * size(n) + size(j)] * (with ? with[j] : 1);
    return total;
  };
  std::vector<double> scale(size(range_.n_wave));
  for (int w = 0; w < range_.n_wave; ++w) scale[size(w)] = row_sum(bin(core, w), nullptr);
  for (int w = 0; w < range_.n_keep; ++w) {
    const int j = w + range_.core_wave;
    const std::size_t at = core_at(core, w);
    result_.flux[at] = row_sum(bin(core, j), flux) / scale[size(j)];
    result_.ivar[at] = scale[size(j)] * scale[size(j)];
    result_.unconvolved[at] = flux[bin(core, j)];
    double* column = result_.resolution.data() + at * size(2 * n_diag() + 1);
    for (int k = 0; k <= 2 * n_diag(); ++k) {
      const int i = j - n_diag() + k;
      if (i < 0 || i >= range_.n_wave) continue;
      column[k] = root[size(bin(core, i)) * size(n) + size(bin(core, j))] / scale[size(i)];
    }
  }
}

void PatchSolver::measure_pixels() {
  const StageTimer timer(stages_, &StageSeconds::chi2);
  const Pixels pixels = pixels_.view();
  const std::size_t n = size(pixels.n_row) * size(pixels.stride) + kVectorPad;
  kernels_->pixel_chi2({.bins = bins_.view(),
                        .pixels = pixels,
                        .flux = rhs_.data(),
                        .psf_error = options_->psf_error,
                        .model = model_.reserve(n),
                        .chi2 = zeroed(chi2_, n),
                        .used = zeroed(used_, n),
                        .first_fibre = range_.core_fibre,
                        .n_core = range_.n_core,
                        .first_wave = range_.core_wave,
                        .n_core_wave = range_.n_core_wave,
                        .chi2pix = result_.chi2pix.data()});
}

void PatchSolver::flag_bins() {
  const std::size_t width = size(2 * n_diag() + 1);
  const double* weight = flux_weight_.data();
  const auto no_weight = [&](int k) { return !(weight[k] > kNoWeightShare * largest_weight_); };
  for (int core = 0; core < range_.n_core; ++core) {
    for (int w = 0; w < range_.n_keep; ++w) {
      const int j = w + range_.core_wave;
      const std::size_t at = core_at(core, w);
      double* column = result_.resolution.data() + at * width;
      result_.pixmask_fraction[at] = bad_fraction_.data()[bin(core, j)];
      for (int k = 0; k <= 2 * n_diag(); ++k) {
        const int i = j - n_diag() + k;
        if (i >= 0 && i < range_.n_wave && no_weight(bin(core, i))) column[k] = 0;
      }
      if (!no_weight(bin(core, j))) continue;
      result_.flags[at] = kNoWeight;
      if (bins_.dropped(bin(core, j))) {
        result_.flags[at] |= kOffCcd;
        result_.pixmask_fraction[at] = 1;
      }
      result_.flux[at] = result_.ivar[at] = 0;
      std::fill_n(column, width, 0.0);
    }
  }
}

}  // namespace unfold::extraction
