#include <algorithm>
#include <stdexcept>

#include "workers/kernels/extraction/dispatch.h"
#include "workers/kernels/extraction/extraction.h"
#include "workers/kernels/extraction/stamps.h"

namespace unfold::extraction {
namespace {

/// Fibres whose light is added up before it goes into the image, in order.
constexpr int kGroup = 25;

/// Light of a few fibres on the columns that they reach.
struct Slab {
  int first_col = 0, n_col = 0;
  std::vector<float> pixels;  ///< [npix_y, n_col]
};

struct Projection {
  const PsfShape& shape;
  const PsfTraces& traces;
  const PaddedGrid& grid;
  const KernelTable& kernels;
  int spec_min;
  compute::View<const double, 2> flux;
  Tails tails;

  Slab project(int first, int n) const;
  void add_stamp(const double* stamp, int stride, int col, int row, double amount,
                 Slab& slab) const;
};

Slab Projection::project(int first, int n) const {
  const StampPositions positions = locate_stamps(shape, traces, grid, spec_min + first, n, kernels);
  const auto [low, high] = std::minmax_element(positions.col.begin(), positions.col.end());
  Slab slab;
  slab.first_col = std::clamp(*low, 0, shape.npix_x);
  slab.n_col =
      std::clamp(*high + shape.stamp_width(), slab.first_col, shape.npix_x) - slab.first_col;
  slab.pixels.assign(static_cast<std::size_t>(shape.npix_y) * static_cast<std::size_t>(slab.n_col),
                     0);
  StampWindow window;
  window.open(shape, grid, positions, spec_min + first, 0, n, kStampLanes, tails);
  for (int wave = 0; wave < grid.n_wave(); wave += kStampLanes) {
    window.advance(wave, wave + kStampLanes, kernels);
    for (int f = 0; f < n; ++f) {
      for (int w = wave; w < std::min(wave + kStampLanes, grid.n_wave()); ++w) {
        const std::size_t at = positions.at(f, w);
        add_stamp(window.stamp(f, w), window.stride(), positions.col[at], positions.row[at],
                  flux(first + f, w), slab);
      }
    }
  }
  return slab;
}

void Projection::add_stamp(const double* stamp, int stride, int col, int row, double amount,
                           Slab& slab) const {
  if (amount == 0 || slab.n_col == 0) return;
  const int from = std::max(col, slab.first_col);
  const int to = std::min(col + shape.stamp_width(), slab.first_col + slab.n_col);
  for (int y = std::max(row, 0); y < std::min(row + shape.stamp_height(), shape.npix_y); ++y) {
    const double* line = stamp + static_cast<std::ptrdiff_t>(y - row) * stride;
    float* out = slab.pixels.data() + static_cast<std::ptrdiff_t>(y) * slab.n_col;
    for (int x = from; x < to; ++x) {
      out[x - slab.first_col] += static_cast<float>(amount * line[x - col]);
    }
  }
}

}  // namespace

void project(const PsfShape& shape, const PsfTraces& traces, const WavelengthGrid& grid,
             int spec_min, compute::View<const double, 2> flux, Tails tails,
             compute::View<float, 2> image, compute::Cpu& cpu) {
  check(shape, traces);
  const int n_spec = static_cast<int>(flux.extent[0]);
  if (spec_min < 0 || n_spec < 0 || spec_min + n_spec > shape.n_spec) {
    throw std::invalid_argument("fibres outside the PSF");
  }
  if (flux.extent[1] != grid.size || image.extent[0] != shape.npix_y ||
      image.extent[1] != shape.npix_x) {
    throw std::invalid_argument("spectra or image of the wrong size");
  }
  if (n_spec == 0 || grid.size == 0) return;
  const PaddedGrid padded(shape, traces, grid, 0, grid.size);
  const Projection projection{shape,    traces, padded, kernels(compute::choose_isa()),
                              spec_min, flux,   tails};
  const int n_group = (n_spec + kGroup - 1) / kGroup;
  // A few groups at a time bound the memory; they are added in order, so the sum is the same bits
  // however many threads there are.
  const int batch = std::max(cpu.threads(), 1);
  for (int first = 0; first < n_group; first += batch) {
    std::vector<Slab> slabs(static_cast<std::size_t>(std::min(batch, n_group - first)));
    cpu.parallel_for(static_cast<compute::Index>(slabs.size()), [&](compute::Index i) {
      const int at = (first + static_cast<int>(i)) * kGroup;
      slabs[static_cast<std::size_t>(i)] = projection.project(at, std::min(kGroup, n_spec - at));
    });
    for (const Slab& slab : slabs) {
      for (int y = 0; y < shape.npix_y; ++y) {
        for (int x = 0; x < slab.n_col; ++x) {
          image(y, slab.first_col + x) +=
              slab.pixels[static_cast<std::size_t>(y) * static_cast<std::size_t>(slab.n_col) +
                          static_cast<std::size_t>(x)];
        }
      }
    }
  }
}

}  // namespace unfold::extraction
