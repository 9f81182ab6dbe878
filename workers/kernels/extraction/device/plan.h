#pragma once

#include "workers/kernels/extraction/device/views.h"

namespace unfold::extraction::device {

/// Boxes and bandwidths, a block per patch.
struct PlanPatches {
  static constexpr int kThreads = 128;
  PatchSet patches;
  PsfTable psf;
  Positions positions;
  Frame frame;
  double pixel_pad_frac;
  PatchState* out;  ///< [slots]

  Index blocks() const { return patches.n; }
  std::size_t shared_bytes() const { return compute::kReductionBytes; }

  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    const int slot = patches.slots[block.index()];
    const PatchJob& job = patches.job[slot];
    const PatchBox box = box_of(block, job);
    const PatchView view(job, box, positions, psf);
    auto reach = block.template per_thread<int>();
    auto bad = block.template per_thread<int>();
    block.each_thread([&](int t) {
      reach(t) = 0;
      for (int pair = t; pair < view.n_fibre * view.n_fibre; pair += kThreads) {
        const int now = band_reach(view, pair / view.n_fibre, pair % view.n_fibre);
        reach(t) = now > reach(t) ? now : reach(t);
      }
      bad(t) = any_bad(box, t) ? 1 : 0;
    });
    const int half_band = block.max(reach), last = job.range.size() - 1;
    const int found = block.max(bad);
    block.each_thread([&](int t) {
      if (t == 0) out[slot] = {box, half_band < last ? half_band : last, found};
    });
  }

 private:
  template <class Block>
  UNFOLD_DEVICE PatchBox box_of(Block& block, const PatchJob& job) const {
    const PatchRange& range = job.range;
    const PatchView view(job, {}, positions, psf);
    // Ends, and starts negated: all are largest values.
    decltype(block.template per_thread<int>()) ends[] = {
        block.template per_thread<int>(), block.template per_thread<int>(),
        block.template per_thread<int>(), block.template per_thread<int>(),
        block.template per_thread<int>(), block.template per_thread<int>()};
    block.each_thread([&](int t) {
      Extents col, row, core;
      for (int k = t; k < range.size(); k += kThreads) {
        const int wave = k / range.n_fibre, c = view.col(k), r = view.row(k);
        col.add(c, c + stamp_stride(psf.width));
        row.add(r, r + psf.height);
        if (wave < range.core_wave || wave >= range.core_wave + range.n_core_wave) continue;
        core.add(r, r + psf.height);
      }
      const Extents* all[] = {&col, &row, &core};
      for (int i = 0; i < 3; ++i) {
        ends[2 * i](t) = -all[i]->from;
        ends[2 * i + 1](t) = all[i]->to;
      }
    });
    Extents total[3];
    for (int i = 0; i < 3; ++i) {
      total[i].from = -block.max(ends[2 * i]);
      total[i].to = block.max(ends[2 * i + 1]);
    }
    return box_around(total[0], total[1], total[2], pixel_pad_frac);
  }

  UNFOLD_DEVICE bool any_bad(const PatchBox& box, int thread) const {
    const int n = (box.used_to - box.used_from) * box.n_col;
    bool bad = false;
    for (int i = thread; i < n; i += kThreads) {
      const int row = box.used_from + i / box.n_col, col = box.first_col + i % box.n_col;
      bad = bad || !frame.pixel(box, row, col).good();
    }
    return bad;
  }
};

/// Pixels with a value or ivar that is not finite, or ivar < 0: one count a row.
struct CountBadPixels {
  static constexpr int kThreads = 128;
  Frame frame;
  int* out;  ///< [npix_y]

  Index blocks() const { return frame.npix_y; }
  std::size_t shared_bytes() const { return compute::kReductionBytes; }

  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    const Index row = block.index();
    auto count = block.template per_thread<int>();
    block.each_thread([&](int t) {
      count(t) = 0;
      for (int col = t; col < frame.npix_x; col += kThreads) {
        const Index at = row * frame.npix_x + col;
        count(t) += good_input(frame.image[at], frame.ivar[at]) ? 0 : 1;
      }
    });
    const int total = block.sum(count);
    block.each_thread([&](int t) {
      if (t == 0) out[row] = total;
    });
  }
};

}  // namespace unfold::extraction::device
