#pragma once

#include "workers/kernels/extraction/device/root.h"

namespace unfold::extraction::device {

/// Rows of a fibre's root: the sums of its octets, in order. An index per octet run, wave and
/// value.
struct SumOctets {
  Layout layout;
  const int* fibre;      ///< [n_fibre] slot * n_core + core
  const int* first;      ///< [n_fibre + 1] octets of each
  const double* octets;  ///< [n_octet, n_wave, n_value]
  int n_fibre;
  double* root;  ///< [slots, n_core, n_wave, n_value]

  Index row() const { return Index{layout.n_wave} * layout.n_value(); }
  Index size() const { return n_fibre * row(); }

  UNFOLD_HD void operator()(Index i) const {
    const Index row = Index{layout.n_wave} * layout.n_value(), at = i % row;
    const int f = static_cast<int>(i / row);
    double total = 0;
    for (int o = first[f]; o < first[f + 1]; ++o) total += octets[o * row + at];
    root[fibre[f] * row + at] = total;
  }
};

/// A frame's spectra on the device; shapes as FrameSpectra.
struct Products {
  int n_wave = 0, n_diag = 0;
  double *flux, *ivar, *chi2pix, *pixmask_fraction, *unconvolved;
  float* resolution;
  std::uint8_t* flags;
};

/// Core bins that are kept, into the frame's spectra: an index per patch, core fibre and core wave.
struct Assemble {
  PatchSet patches;
  Layout layout;
  PsfTable psf;
  Positions positions;
  const double *root, *flux, *flux_weight, *bad_fraction, *largest_weight, *chi2pix;
  Products out;

  Index size() const { return Index{patches.n} * layout.n_core * layout.n_core_wave; }

  UNFOLD_HD void operator()(Index i) const {
    Bin b;
    b.wave = static_cast<int>(i % layout.n_core_wave);
    b.core = static_cast<int>(i / layout.n_core_wave % layout.n_core);
    b.slot = patches.slots[i / layout.n_core_wave / layout.n_core];
    const PatchJob& job = patches.job[b.slot];
    const PatchRange& range = job.range;
    if (b.wave >= range.n_keep) return;
    b.n_fibre = range.n_fibre;
    b.fibre = range.core_fibre + b.core;
    b.j = range.core_wave + b.wave;
    b.spec = job.bundle_fibre + range.first_fibre + b.fibre;
    b.to = Index{b.spec} * out.n_wave + job.wave + b.wave;
    b.column = job.wave + b.wave;
    const Index k = bin(b, b.j);
    const double* own = row(b, b.j);
    const bool seen = has_weight(b, b.j);
    out.flux[b.to] = seen ? own[1] / own[0] : 0;
    out.ivar[b.to] = seen ? own[0] * own[0] : 0;
    out.unconvolved[b.to] = flux[k];
    out.chi2pix[b.to] =
        chi2pix[(Index{b.slot} * layout.n_core + b.core) * layout.n_core_wave + b.wave];
    const bool dropped =
        PatchView(job, patches.state[b.slot].box, positions, psf).dropped_of(b.fibre, b.j);
    out.flags[b.to] = static_cast<std::uint8_t>(seen      ? 0
                                                : dropped ? kNoWeight | kOffCcd
                                                          : kNoWeight);
    out.pixmask_fraction[b.to] = !seen && dropped ? 1 : bad_fraction[k];
    keep_resolution(b, seen);
  }

 private:
  struct Bin {
    int slot, core, wave;   ///< wave counts from the core's first
    int n_fibre, fibre, j;  ///< of the patch
    int spec;
    int column;  ///< of the frame's waves
    Index to;
  };

  UNFOLD_HD Index bin(const Bin& b, int w) const {
    return Index{b.slot} * layout.n_bin() + w * b.n_fibre + b.fibre;
  }
  UNFOLD_HD bool has_weight(const Bin& b, int w) const {
    return flux_weight[bin(b, w)] > kNoWeightShare * largest_weight[b.slot];
  }
  UNFOLD_HD const double* row(const Bin& b, int w) const {
    return root + ((Index{b.slot} * layout.n_core + b.core) * layout.n_wave + w) * layout.n_value();
  }
  UNFOLD_HD void keep_resolution(const Bin& b, bool seen) const {
    const int width = 2 * out.n_diag + 1;
    for (int k = 0; k < width; ++k) {
      const int i = b.j - out.n_diag + k, apart = i < b.j ? b.j - i : i - b.j;
      double value = 0;
      if (seen && i >= 0 && i < layout.n_wave && has_weight(b, i)) {
        value = row(b, i < b.j ? i : b.j)[2 + apart] / row(b, i)[0];
      }
      out.resolution[(Index{b.spec} * width + k) * out.n_wave + b.column] =
          static_cast<float>(value);
    }
  }
};

}  // namespace unfold::extraction::device
