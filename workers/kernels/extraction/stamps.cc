#include "workers/kernels/extraction/stamps.h"

#include <algorithm>

namespace unfold::extraction {

void StampWindow::open(const PsfShape& shape, const PaddedGrid& grid,
                       const StampPositions& positions, int first_spec, int first_fibre,
                       int n_fibre, int n_wave, Tails tails) {
  shape_ = &shape;
  grid_ = &grid;
  positions_ = &positions;
  first_spec_ = first_spec;
  first_fibre_ = first_fibre;
  n_fibre_ = n_fibre;
  capacity_ = round_up(n_wave, kStampLanes) + 2 * kStampLanes;
  made_ = 0;
  tails_ = tails;
  data_.reserve(static_cast<std::size_t>(n_fibre_) * static_cast<std::size_t>(capacity_) *
                    static_cast<std::size_t>(shape.stamp_height() * stride()) +
                kVectorPad);
}

double* StampWindow::slot(int fibre, int wave) const {
  const std::ptrdiff_t size = shape_->stamp_height() * stride();
  const std::ptrdiff_t at =
      static_cast<std::ptrdiff_t>(wave % capacity_) * n_fibre_ + fibre - first_fibre_;
  return data_.data() + at * size;
}

void StampWindow::advance(int first, int end, const KernelTable& kernels) {
  const int from = std::max(first / kStampLanes * kStampLanes, made_);
  const int to = std::min(round_up(end, kStampLanes), grid_->size());
  for (int wave = from; wave < to; wave += kStampLanes) {
    for (int f = first_fibre_; f < first_fibre_ + n_fibre_; ++f) make_group(f, wave, kernels);
  }
  made_ = std::max(made_, to);
}

void StampWindow::make_group(int fibre, int wave, const KernelTable& kernels) {
  const LegendreSet& params = shape_->params;
  const int spec = first_spec_ + fibre;
  std::vector<const double*> coef(static_cast<std::size_t>(shape_->n_rows()));
  for (int row = 0; row < shape_->n_rows(); ++row) {
    coef[static_cast<std::size_t>(row)] = params.row(row, spec);
  }
  double* out[kStampLanes];
  for (int i = 0; i < kStampLanes; ++i) out[i] = slot(fibre, wave + i);
  const bool second = shape_->model == PsfModel::kGaussHermite2;
  const std::size_t at = positions_->at(fibre, wave);
  kernels.make_stamps({.width = shape_->stamp_width(),
                       .height = shape_->stamp_height(),
                       .stride = stride(),
                       .degree_x = shape_->degree_x,
                       .degree_y = shape_->degree_y,
                       .degree2_x = second ? shape_->degree2_x : -1,
                       .degree2_y = second ? shape_->degree2_y : -1,
                       .tails = tails_ == Tails::kOn,
                       .coef = coef.data(),
                       .n_coef = params.n_coef,
                       .basis = grid_->shape_basis() + wave,
                       .basis_stride = grid_->size(),
                       .offset_x = positions_->offset_x.data() + at,
                       .offset_y = positions_->offset_y.data() + at,
                       .out = out});
}

}  // namespace unfold::extraction
