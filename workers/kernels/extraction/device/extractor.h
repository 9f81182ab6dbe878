#pragma once

#include "workers/kernels/extraction/device/plan.h"
#include "workers/kernels/extraction/device/solver.h"
#include "workers/kernels/extraction/device/stamps.h"

namespace unfold::extraction::device {

/// The slowly changing part of a PSF on a device. Read-only sharing between extractors of the same
/// GPU is safe; it must outlive their runs.
template <compute::Accelerator D>
class ResidentPsf {
 public:
  ResidentPsf(int ordinal, const PsfTable& host) : device_(ordinal), table_(host) {
    table_.coef = coef_.upload(device_, host.coef, Index{host.n_row} * host.n_spec * host.n_coef);
    device_.synchronize();
  }
  const PsfTable& table() const { return table_; }
  std::size_t bytes() const { return coef_.bytes(); }

 private:
  D device_;
  PsfTable table_;
  Kept<double, D> coef_;
};

/// Extracts frames, one after the other, on a stream of its own: as extraction::extract() to within
/// docs/numerics.md. Keeps its device memory between frames. One thread at a time.
template <compute::Accelerator D>
class Extractor {
 public:
  /// Dense algebra takes up to `dense_bytes` of device memory.
  explicit Extractor(int ordinal, std::size_t dense_bytes = DenseSolver<D>::kMostBytes)
      : device_(ordinal), staging_(device_), solver_(device_, dense_bytes) {}

  /// Patches are solved in batches of up to this many device bytes.
  static constexpr std::size_t kBatchBytes = std::size_t{4} << 30;

  /// Throws compute::OutOfMemory, compute::DeviceError, std::runtime_error (see BatchSolver).
  void run(const PsfTable& psf, const FrameJob& job, FrameSpectra& out,
           std::size_t batch_bytes = kBatchBytes) {
    out.cancelled = false;
    out.stages = {};
    clock_.reset();
    if (job.time_stages) clock_.emplace(device_);
    begin("upload");
    upload(psf, job);
    begin("stamps");
    place(job);
    const std::vector<PatchState> states = plan(job);
    make_stamps(job);
    const Layout layout = layout_of(job, states);
    const Index most = std::max<Index>(
        1, static_cast<Index>(batch_bytes / BatchSolver<D>::bytes_per_patch(layout)));
    const Index n_batch = (job.n_patch + most - 1) / most;
    const Index size = (job.n_patch + n_batch - 1) / n_batch;
    for (Index first = 0; first < job.n_patch; first += size) {
      if (job.cancelled != nullptr && job.cancelled(job.context)) {
        device_.synchronize();
        out.cancelled = true;
        out.stages.device_bytes = bytes();
        return;
      }
      const Index end = std::min<Index>(job.n_patch, first + size);
      solver_.solve(view_, layout, {job.patches + first, job.patches + end},
                    {states.begin() + first, states.begin() + end},
                    [this](const char* name) { begin(name); });
      if (job.progress != nullptr) job.progress(job.context, end, job.n_patch);
    }
    begin("download");
    download(job, out);
    if (clock_) report(out.stages);
    out.stages.device_bytes = bytes();
  }

  /// What it keeps on the device.
  std::int64_t bytes() const {
    return static_cast<std::int64_t>(
        bytes_of(solver_, image_, ivar_, unused_, shape_basis_, x_coef_, x_basis_, y_coef_,
                 y_basis_, col_, row_, slots_, bad_rows_, offset_x_, offset_y_, stamps_, patches_,
                 states_, flux_, ivar_out_, chi2pix_, pixmask_, unconvolved_, resolution_, flags_));
  }

 private:
  void begin(const char* name) {
    if (clock_) clock_->begin(name);
  }

  SeriesTable series(const SeriesTable& host, int n_spec, int n_grid, Kept<double, D>& coef,
                     Kept<double, D>& basis) {
    SeriesTable out = host;
    if (host.coef != nullptr) {
      out.coef = coef.upload(device_, host.coef, Index{n_spec} * host.n_coef);
    }
    out.basis = basis.upload(device_, host.basis, Index{host.n_coef} * n_grid);
    return out;
  }

  void upload(const PsfTable& psf, const FrameJob& job) {
    const Index n_pixel = Index{psf.npix_x} * psf.npix_y;
    view_.psf = psf;
    view_.frame = {psf.npix_x, psf.npix_y, image_.upload(device_, staging_, job.image, n_pixel),
                   ivar_.upload(device_, staging_, job.ivar, n_pixel)};
    view_.regularize = job.regularize;
    view_.psf_error = job.psf_error;
    view_.method = job.method;
    shape_ = series(job.shape, job.n_spec, job.n_grid, unused_, shape_basis_);
    x_ = series(job.x, job.n_spec, job.n_grid, x_coef_, x_basis_);
    y_ = series(job.y, job.n_spec, job.n_grid, y_coef_, y_basis_);
    const Index n = Index{job.n_spec} * job.n_wave;
    view_.products = {job.n_wave,
                      job.n_diag,
                      flux_.reserve(device_, n),
                      ivar_out_.reserve(device_, n),
                      chi2pix_.reserve(device_, n),
                      pixmask_.reserve(device_, n),
                      unconvolved_.reserve(device_, n),
                      resolution_.reserve(device_, n * (2 * job.n_diag + 1)),
                      flags_.reserve(device_, n)};
  }

  void place(const FrameJob& job) {
    const Index n = Index{job.n_spec} * job.n_grid;
    view_.positions = {job.n_grid, col_.reserve(device_, n), row_.reserve(device_, n),
                       offset_x_.reserve(device_, n), offset_y_.reserve(device_, n)};
    parallel_for(device_, n, PlaceStamp{view_.psf, x_, y_, view_.positions});
    const CountBadPixels count{view_.frame, bad_rows_.reserve(device_, view_.psf.npix_y)};
    launch(device_, count);
  }

  std::vector<PatchState> plan(const FrameJob& job) {
    std::vector<int> all(static_cast<std::size_t>(job.n_patch));
    for (int i = 0; i < job.n_patch; ++i) all[static_cast<std::size_t>(i)] = i;
    const PatchSet set{patches_.upload(device_, job.patches, job.n_patch), nullptr,
                       slots_.upload(device_, all), job.n_patch};
    launch(device_, PlanPatches{set, view_.psf, view_.positions, view_.frame, job.pixel_pad_frac,
                                states_.reserve(device_, job.n_patch)});
    return states_.download(device_, job.n_patch);
  }

  void make_stamps(const FrameJob& job) {
    const int n_pixel = view_.psf.width * view_.psf.height;
    view_.stamps = {job.n_grid, n_pixel,
                    stamps_.reserve(device_, Index{job.n_spec} * n_pixel * job.n_grid)};
    MakeStamps make{view_.psf,  shape_.basis, view_.positions, job.first_spec,
                    job.n_spec, job.tails,    compute::kWarp,  view_.stamps};
    make.lanes = make.most_lanes();
    launch(device_, make);
  }

  Layout layout_of(const FrameJob& job, const std::vector<PatchState>& states) const {
    const PatchRange& any = job.patches[0].range;
    Layout l;
    l.n_wave = any.n_wave;
    l.n_core = any.n_core;
    l.n_core_wave = any.n_core_wave;
    l.n_pixel = view_.stamps.n_pixel;
    l.n_diag = job.n_diag;
    for (int i = 0; i < job.n_patch; ++i) {
      const PatchState& state = states[static_cast<std::size_t>(i)];
      l.n_fibre = std::max(l.n_fibre, job.patches[i].range.n_fibre);
      l.half_band = std::max(l.half_band, state.half_band);
      l.n_row = std::max(l.n_row, state.box.n_row);
      l.n_col = std::max(l.n_col, state.box.n_col);
    }
    return l;
  }

  void download(const FrameJob& job, FrameSpectra& out) {
    const Index n = Index{job.n_spec} * job.n_wave;
    flux_.download(staging_, out.flux, n);
    ivar_out_.download(staging_, out.ivar, n);
    chi2pix_.download(staging_, out.chi2pix, n);
    pixmask_.download(staging_, out.pixmask_fraction, n);
    unconvolved_.download(staging_, out.unconvolved, n);
    resolution_.download(staging_, out.resolution, n * (2 * job.n_diag + 1));
    flags_.download(staging_, out.flags, n);
    out.bad_input_pixels = 0;
    for (const int bad : bad_rows_.download(device_, view_.psf.npix_y)) out.bad_input_pixels += bad;
  }

  void report(DeviceStages& to) {
    const std::pair<const char*, double*> names[] = {{"upload", &to.upload},
                                                     {"stamps", &to.stamps},
                                                     {"normal_equations", &to.normal_equations},
                                                     {"factor", &to.factor},
                                                     {"selected_inverse", &to.selected_inverse},
                                                     {"schur", &to.schur},
                                                     {"root", &to.root},
                                                     {"chi2", &to.chi2},
                                                     {"download", &to.download}};
    for (const auto& [name, seconds] : clock_->seconds()) {
      for (const auto& [known, target] : names) {
        if (name == known) *target = seconds;
      }
    }
  }

  D device_;
  compute::Staging<D> staging_;
  std::optional<compute::StageClock<D>> clock_;
  BatchSolver<D> solver_;
  ResidentFrame view_{};
  SeriesTable shape_{}, x_{}, y_{};
  Kept<float, D> image_, ivar_;
  Kept<double, D> unused_, shape_basis_, x_coef_, x_basis_, y_coef_, y_basis_;
  Kept<int, D> col_, row_, slots_, bad_rows_;
  Kept<double, D> offset_x_, offset_y_, stamps_;
  Kept<PatchJob, D> patches_;
  Kept<PatchState, D> states_;
  Kept<double, D> flux_, ivar_out_, chi2pix_, pixmask_, unconvolved_;
  Kept<float, D> resolution_;
  Kept<std::uint8_t, D> flags_;
};

}  // namespace unfold::extraction::device
