#include <tbb/enumerable_thread_specific.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>

#include "workers/kernels/extraction/dispatch.h"
#include "workers/kernels/extraction/extraction.h"
#include "workers/kernels/extraction/solver.h"
#include "workers/kernels/extraction/stage_timer.h"

namespace unfold::extraction {
namespace {

/// Patches that one thread solves in a row, sharing stamps.
constexpr int kRunLength = 8;

struct Run {
  int bundle;
  int first_sub, n_sub;
  int first_step, n_step;
};

struct ThreadState {
  StampWindow window;
  StageSeconds stages;
};

std::vector<Run> plan_runs(const Options& options, const PaddedGrid& grid) {
  std::vector<Run> runs;
  for (int bundle = 0; bundle < options.n_spec / options.bundle_size; ++bundle) {
    if (options.mode == Mode::kStrips) {
      for (int sub = 0; sub < options.n_subbundles; ++sub) runs.push_back({bundle, sub, 1, 0, 1});
      continue;
    }
    for (int step = 0; step < grid.n_patch(); step += kRunLength) {
      runs.push_back(
          {bundle, 0, options.n_subbundles, step, std::min(kRunLength, grid.n_patch() - step)});
    }
  }
  return runs;
}

std::int64_t count_bad_pixels(const FrameView& frame, compute::Cpu& cpu) {
  std::atomic<std::int64_t> total{0};
  const compute::Index width = frame.image.extent[1];
  cpu.parallel_for(frame.image.extent[0], [&](compute::Index row) {
    const float* value = &frame.image(row, 0);
    const float* weight = &frame.ivar(row, 0);
    int bad = 0;
    for (compute::Index col = 0; col < width; ++col) {
      bad += good_input(value[col], weight[col]) ? 0 : 1;
    }
    total += bad;
  });
  return total;
}

/// One extraction under way: what its threads share.
class Extraction {
 public:
  Extraction(const PsfShape& shape, const PsfTraces& traces, const FrameView& frame,
             const Options& options, const Hooks& hooks)
      : shape_(shape),
        frame_(frame),
        options_(options),
        hooks_(hooks),
        kernels_(kernels(compute::choose_isa())),
        grid_(padded_grid(shape, traces, options)),
        runs_(plan_runs(options, grid_)),
        out_(make_spectra(options, shape.half_size_y)) {
    const int n_bundle = options.n_spec / options.bundle_size;
    total_ = static_cast<std::int64_t>(n_bundle) * options.n_subbundles * grid_.n_patch();
    positions_.reserve(static_cast<std::size_t>(n_bundle));
    for (int b = 0; b < n_bundle; ++b) {
      positions_.push_back(
          locate_stamps(shape, traces, grid_, first_spec(b), options.bundle_size, kernels_));
    }
    if (options.model_image) unconvolved_.resize(out_.flux.size());
  }

  Spectra run(compute::Cpu& cpu) {
    out_.bad_input_pixels = count_bad_pixels(frame_, cpu);
    cpu.parallel_for(static_cast<compute::Index>(runs_.size()),
                     [this](compute::Index i) { solve_run(runs_[static_cast<std::size_t>(i)]); });
    if (hooks_.stages != nullptr) {
      for (const ThreadState& state : threads_) add(state.stages);
    }
    return std::move(out_);
  }

  const std::vector<double>& unconvolved() const { return unconvolved_; }

 private:
  int first_spec(int bundle) const { return options_.spec_min + bundle * options_.bundle_size; }

  void solve_run(const Run& run) {
    ThreadState& state = threads_.local();
    StageSeconds* stages = hooks_.stages != nullptr ? &state.stages : nullptr;
    const StampPositions& positions = positions_[static_cast<std::size_t>(run.bundle)];
    const PatchRange first = patch_range(options_, grid_, run.first_sub, run.first_step);
    const PatchRange last = patch_range(options_, grid_, run.first_sub + run.n_sub - 1, 0);
    state.window.open(shape_, grid_, positions, first_spec(run.bundle), first.first_fibre,
                      last.first_fibre + last.n_fibre - first.first_fibre, first.n_wave,
                      options_.tails);
    PatchSolver solver(shape_, options_, kernels_, stages);
    for (int step = run.first_step; step < run.first_step + run.n_step; ++step) {
      {
        const StageTimer timer(stages, &StageSeconds::stamps);
        const PatchRange range = patch_range(options_, grid_, run.first_sub, step);
        state.window.advance(range.first_wave, range.first_wave + range.n_wave, kernels_);
      }
      for (int sub = run.first_sub; sub < run.first_sub + run.n_sub; ++sub) {
        if (hooks_.cancelled && hooks_.cancelled()) throw Cancelled();
        const PatchRange range = patch_range(options_, grid_, sub, step);
        store(run.bundle, sub, step, range, solver.solve(frame_, state.window, positions, range));
        const std::int64_t done = ++done_;
        if (hooks_.progress) hooks_.progress(done, total_);
      }
    }
  }

  void store(int bundle, int sub, int step, const PatchRange& range, const PatchResult& from) {
    const std::size_t n_wave = static_cast<std::size_t>(out_.n_wave);
    const std::size_t width = static_cast<std::size_t>(2 * out_.n_diag + 1);
    const std::size_t keep = static_cast<std::size_t>(range.n_keep);
    for (int core = 0; core < range.n_core; ++core) {
      const std::size_t spec =
          static_cast<std::size_t>(bundle * options_.bundle_size + sub * range.n_core + core);
      const std::size_t wave = static_cast<std::size_t>(step * range.n_core_wave);
      const std::size_t to = spec * n_wave + wave;
      const std::size_t at =
          static_cast<std::size_t>(core) * static_cast<std::size_t>(range.n_core_wave);
      const auto copy = [&](const auto& source, auto& target) {
        std::copy_n(source.begin() + static_cast<std::ptrdiff_t>(at), keep,
                    target.begin() + static_cast<std::ptrdiff_t>(to));
      };
      copy(from.flux, out_.flux);
      copy(from.ivar, out_.ivar);
      copy(from.chi2pix, out_.chi2pix);
      copy(from.pixmask_fraction, out_.pixmask_fraction);
      copy(from.flags, out_.flags);
      if (!unconvolved_.empty()) copy(from.unconvolved, unconvolved_);
      for (std::size_t k = 0; k < width; ++k) {
        float* row = out_.resolution.data() + (spec * width + k) * n_wave + wave;
        for (std::size_t w = 0; w < keep; ++w) {
          row[w] = static_cast<float>(from.resolution[(at + w) * width + k]);
        }
      }
    }
  }

  void add(const StageSeconds& s) {
    StageSeconds& to = *hooks_.stages;
    to.stamps += s.stamps;
    to.normal_equations += s.normal_equations;
    to.factor += s.factor;
    to.selected_inverse += s.selected_inverse;
    to.schur += s.schur;
    to.root += s.root;
    to.chi2 += s.chi2;
  }

  const PsfShape& shape_;
  const FrameView& frame_;
  const Options& options_;
  const Hooks& hooks_;
  const KernelTable& kernels_;
  PaddedGrid grid_;
  std::vector<Run> runs_;
  Spectra out_;
  std::vector<StampPositions> positions_;
  std::vector<double> unconvolved_;
  std::int64_t total_ = 0;
  std::atomic<std::int64_t> done_{0};
  tbb::enumerable_thread_specific<ThreadState> threads_;
};

}  // namespace

Spectra make_spectra(const Options& options, int n_diag) {
  Spectra out;
  out.n_spec = options.n_spec;
  out.n_wave = options.wavelength.size;
  out.n_diag = n_diag;
  const std::size_t n = static_cast<std::size_t>(out.n_spec) * static_cast<std::size_t>(out.n_wave);
  out.flux.resize(n);
  out.ivar.resize(n);
  out.chi2pix.resize(n);
  out.pixmask_fraction.resize(n);
  out.flags.resize(n);
  out.resolution.resize(n * static_cast<std::size_t>(2 * n_diag + 1));
  return out;
}

Spectra extract(const PsfShape& shape, const PsfTraces& traces, const FrameView& frame,
                const Options& options, compute::Cpu& cpu, const Hooks& hooks) {
  check(shape, traces, frame, options);
  Extraction extraction(shape, traces, frame, options, hooks);
  Spectra out = extraction.run(cpu);
  if (options.model_image) {
    out.model.assign(static_cast<std::size_t>(frame.image.size()), 0);
    project(shape, traces, options.wavelength, options.spec_min,
            {extraction.unconvolved().data(), out.n_spec, out.n_wave}, options.tails,
            {out.model.data(), shape.npix_y, shape.npix_x}, cpu);
  }
  return out;
}

}  // namespace unfold::extraction
