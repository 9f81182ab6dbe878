#pragma once

#include <algorithm>
#include <stdexcept>

#include "workers/kernels/extraction/device/assemble.h"
#include "workers/kernels/extraction/device/dense_solver.h"
#include "workers/kernels/extraction/device/factor.h"
#include "workers/kernels/extraction/device/normal.h"
#include "workers/kernels/extraction/device/pixels.h"
#include "workers/kernels/extraction/device/workspace.h"

namespace unfold::extraction::device {

/// What all patches of a frame share, in device memory.
struct ResidentFrame {
  PsfTable psf;
  Positions positions;
  Frame frame;
  Stamps stamps;
  RootMethod method;
  double regularize, psf_error;
  Products products;
};

/// Solves batches of patches stage by stage, as PatchSolver does one patch: each stage is a launch
/// over all of them. Keeps its memory. One thread at a time.
template <compute::Accelerator D>
class BatchSolver {
 public:
  BatchSolver(D& device, std::size_t dense_bytes)
      : device_(&device), dense_bytes_(dense_bytes), poles_(device) {}

  /// Into `frame.products`, queued. `begin` is called with the name of each stage. Throws
  /// std::runtime_error where a patch cannot be solved even with strong regularisation.
  template <class Begin>
  void solve(const ResidentFrame& frame, const Layout& layout, const std::vector<PatchJob>& jobs,
             const std::vector<PatchState>& states, const Begin& begin) {
    layout_ = layout;
    n_ = static_cast<int>(jobs.size());
    jobs_.upload(*device_, jobs);
    states_.upload(*device_, states);
    std::vector<int> all(jobs.size());
    for (int i = 0; i < n_; ++i) all[static_cast<std::size_t>(i)] = i;
    reserve();
    if (frame.method == RootMethod::kPoles) {
      dense_.reset();  // no plan of such a frame counts on its memory
      solve_systems(frame, all, begin, [&](const std::vector<int>& todo, double regularize) {
        return factor(todo, regularize, begin);
      });
      decorrelate(states, begin);
    } else {
      if (!dense_) dense_.emplace(*device_, dense_bytes_);
      solve_systems(frame, all, begin, [&](const std::vector<int>& todo, double regularize) {
        return dense_->solve(dense_batch(frame.method, regularize), jobs, todo, begin);
      });
    }
    begin("chi2");
    measure(frame, all);
  }

  /// Device bytes that a batch takes for each patch, about.
  static std::size_t bytes_per_patch(const Layout& l) {
    const Index blocks = Index{3} * l.n_core * (kReaches[1] + 1) * l.n_wave;
    const Index roots = Index{3} * l.n_core * l.n_wave * l.n_value();
    return static_cast<std::size_t>(l.weighted() + l.band() + l.pixels() + blocks + roots) *
           sizeof(double);
  }
  std::size_t bytes() const {
    return bytes_of(poles_, jobs_, states_, slots_, failed_, octet_fibre_, octet_first_, weighted_,
                    band_, rhs_, flux_, weight_, bad_, largest_, blocks_, factor_, schur_, rings_,
                    fibres_, octets_, rows_, octet_sums_, root_, spans_, chi2_, bin_chi2_) +
           (dense_ ? dense_->bytes() : 0);
  }

 private:
  /// Of an H200: PoleRoot gets as many blocks as run there at a time.
  static constexpr std::size_t kMultiprocessors = 132, kSharedBytes = 227 * 1024;

  PatchSet patches(const std::vector<int>& slots) {
    return {jobs_.data(), states_.data(), slots_.upload(*device_, slots),
            static_cast<int>(slots.size())};
  }

  void reserve() {
    const Index n = n_, bins = n * layout_.n_bin();
    weighted_.reserve(*device_, n * layout_.weighted());
    band_.reserve(*device_, n * layout_.band());
    rhs_.reserve(*device_, bins);
    flux_.reserve(*device_, bins);
    weight_.reserve(*device_, bins);
    bad_.reserve(*device_, bins);
    largest_.reserve(*device_, n);
    failed_.reserve(*device_, n);
    fibres_.reserve(*device_, n * layout_.n_core);
    root_.reserve(*device_, n * layout_.n_core * layout_.n_wave * layout_.n_value());
    spans_.reserve(*device_, n * layout_.n_fibre * layout_.n_row);
    chi2_.reserve(*device_, n * layout_.pixels());
    bin_chi2_.reserve(*device_, n * layout_.n_core * layout_.n_core_wave);
  }

  /// Normal equations, and what `solve` makes of them; where rounding spoilt them, which it
  /// returns, again with more regularisation.
  template <class Begin, class Solve>
  void solve_systems(const ResidentFrame& f, std::vector<int> todo, const Begin& begin,
                     const Solve& solve) {
    for (double regularize = f.regularize; regularize <= 1;
         regularize = std::max(1e-4, 10 * regularize)) {
      const PatchSet set = patches(todo);
      begin("normal_equations");
      launch(*device_, WeighBins{set, layout_, f.psf, f.positions, f.frame, f.stamps,
                                 weighted_.data(), rhs_.data(), weight_.data(), bad_.data()});
      launch(*device_, OverlapBins{set, layout_, f.psf, f.positions, f.stamps, weighted_.data(),
                                   band_.data()});
      todo = solve(todo, regularize);
      if (todo.empty()) return;
    }
    throw std::runtime_error("a patch's normal equations are not positive definite");
  }

  /// Returns the patches whose factor has a pivot that is not positive.
  template <class Begin>
  std::vector<int> factor(std::vector<int> todo, double regularize, const Begin& begin) {
    begin("factor");
    launch(*device_, FactorBand{patches(todo), layout_, regularize, weight_.data(), band_.data(),
                                rhs_.data(), largest_.data(), failed_.data()});
    const std::vector<int> failed = failed_.download(*device_, n_);
    std::erase_if(todo, [&](int slot) { return failed[static_cast<std::size_t>(slot)] == 0; });
    return todo;
  }

  DenseBatch dense_batch(RootMethod method, double regularize) {
    return {jobs_.data(), states_.data(), layout_,      method,          regularize,  band_.data(),
            rhs_.data(),  weight_.data(), flux_.data(), largest_.data(), root_.data()};
  }

  /// What lies beyond the band is known only once the band is: widen until it no longer matters.
  template <class Begin>
  void decorrelate(const std::vector<PatchState>& states, const Begin& begin) {
    constexpr std::size_t kLast = std::size(kReaches) - 1;
    std::vector<int> lists[kLast + 2];
    for (int slot = 0; slot < n_; ++slot) {
      std::size_t choice = states[static_cast<std::size_t>(slot)].any_bad != 0 ? 1 : 0;
      while (kReaches[choice] < layout_.n_diag) ++choice;
      lists[choice].push_back(slot);
    }
    for (std::size_t choice = 0; choice <= kLast; ++choice) {
      std::vector<int>& list = lists[choice];
      if (list.empty()) continue;
      const BlockShape shape{layout_.n_core, kReaches[choice], layout_.n_wave};
      const std::vector<FibreState> fibres = invert_blocks(list, shape, begin);
      const bool widest = choice == kLast || kReaches[choice] >= layout_.n_wave;
      std::vector<int> done;
      for (const int slot : list) {
        const bool enough = widest || beyond(fibres, slot) <= kReachTolerance;
        (enough ? done : lists[choice + 1]).push_back(slot);
      }
      begin("root");
      take_roots(done, shape, fibres);
    }
  }

  double beyond(const std::vector<FibreState>& fibres, int slot) const {
    double most = 0;
    for (int core = 0; core < layout_.n_core; ++core) {
      most = std::max(most, fibres[static_cast<std::size_t>(slot * layout_.n_core + core)].beyond);
    }
    return most;
  }

  template <class Begin>
  std::vector<FibreState> invert_blocks(const std::vector<int>& slots, const BlockShape& shape,
                                        const Begin& begin) {
    begin("selected_inverse");
    const PatchSet set = patches(slots);
    const Index size = shape.at(n_, 0);
    blocks_.reserve(*device_, size);
    InvertBand invert{set,         layout_,      shape,          band_.data(),
                      rhs_.data(), flux_.data(), blocks_.data(), nullptr};
    if (!invert.ring_fits()) {
      invert.rings = rings_.reserve(*device_, set.n * invert.ring_size());
    }
    launch(*device_, invert);
    begin("schur");
    launch(*device_, LocalFactors{set, shape, blocks_.data(), factor_.reserve(*device_, size)});
    launch(*device_, SchurRows{set, layout_, shape, blocks_.data(), factor_.data(), weight_.data(),
                               schur_.reserve(*device_, size), fibres_.data()});
    return fibres_.download(*device_, Index{n_} * layout_.n_core);
  }

  void take_roots(const std::vector<int>& slots, const BlockShape& shape,
                  const std::vector<FibreState>& fibres) {
    if (slots.empty()) return;
    std::vector<Octet> octets;
    std::vector<int> fibre, first{0};
    for (const int slot : slots) {
      for (int core = 0; core < layout_.n_core; ++core) {
        const int at = slot * layout_.n_core + core;
        const auto [from, to] = poles_.range(fibres[static_cast<std::size_t>(at)].condition);
        for (int pole = from; pole < to; pole += kOctet) octets.push_back({at, pole});
        fibre.push_back(at);
        first.push_back(static_cast<int>(octets.size()));
      }
    }
    while (octets.size() % kOctets != 0) octets.push_back({-1, 0});
    octets_.upload(*device_, octets);
    const int n = static_cast<int>(octets.size());
    octet_sums_.reserve(*device_, Index{n} * layout_.n_wave * layout_.n_value());
    launch_root(patches(slots), shape, n);
    const SumOctets sum{layout_,
                        octet_fibre_.upload(*device_, fibre),
                        octet_first_.upload(*device_, first),
                        octet_sums_.data(),
                        static_cast<int>(fibre.size()),
                        root_.data()};
    parallel_for(*device_, sum.size(), sum);
  }

  void launch_root(const PatchSet& set, const BlockShape& shape, int n_octet) {
    switch (shape.reach) {
      case 8:
        return launch_root_of<8>(set, shape, n_octet);
      case 12:
        return launch_root_of<12>(set, shape, n_octet);
      case 16:
        return launch_root_of<16>(set, shape, n_octet);
      case 24:
        return launch_root_of<24>(set, shape, n_octet);
      default:
        return launch_root_of<32>(set, shape, n_octet);
    }
  }

  template <int kReach>
  void launch_root_of(const PatchSet& set, const BlockShape& shape, int n_octet) {
    PoleRoot<kReach> root{set,
                          layout_,
                          shape,
                          schur_.data(),
                          flux_.data(),
                          fibres_.data(),
                          poles_.pole(),
                          poles_.weight(),
                          octets_.data(),
                          n_octet,
                          0,
                          nullptr,
                          octet_sums_.data()};
    const std::size_t at_a_time = kMultiprocessors * (kSharedBytes / root.shared_bytes());
    root.n_block = std::min(n_octet / kOctets, static_cast<int>(at_a_time));
    root.rows =
        rows_.reserve(*device_, PoleRoot<kReach>::scratch_size(shape.n_wave) * root.n_block);
    launch(*device_, root);
  }

  void measure(const ResidentFrame& f, const std::vector<int>& all) {
    const PatchSet set = patches(all);
    launch(*device_, CoverRows{set, layout_, f.psf, f.positions, spans_.data()});
    launch(*device_, PixelChi2{set, layout_, f.psf, f.positions, f.frame, f.stamps, spans_.data(),
                               flux_.data(), f.psf_error, chi2_.data()});
    const BinChi2 bins{set, layout_, f.psf, f.positions, f.stamps, chi2_.data(), bin_chi2_.data()};
    parallel_for(*device_, bins.size(), bins);
    const Assemble assemble{
        set,          layout_,        f.psf,       f.positions,     root_.data(),
        flux_.data(), weight_.data(), bad_.data(), largest_.data(), bin_chi2_.data(),
        f.products};
    parallel_for(*device_, assemble.size(), assemble);
  }

  D* device_;
  std::size_t dense_bytes_;
  std::optional<DenseSolver<D>> dense_;
  Layout layout_;
  int n_ = 0;
  Poles<D> poles_;
  Kept<PatchJob, D> jobs_;
  Kept<PatchState, D> states_;
  Kept<int, D> slots_, failed_, octet_fibre_, octet_first_;
  Kept<double, D> weighted_, band_, rhs_, flux_, weight_, bad_, largest_;
  Kept<double, D> blocks_, factor_, schur_, rings_;
  Kept<FibreState, D> fibres_;
  Kept<Octet, D> octets_;
  Kept<double, D> rows_, octet_sums_, root_;
  Kept<WaveSpan, D> spans_;
  Kept<double, D> chi2_, bin_chi2_;
};

}  // namespace unfold::extraction::device
