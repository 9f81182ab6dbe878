#pragma once

#include <algorithm>
#include <map>
#include <stdexcept>

#include "workers/kernels/extraction/device/dense.h"
#include "workers/kernels/extraction/device/dense_algebra.h"
#include "workers/kernels/extraction/device/workspace.h"

namespace unfold::extraction::device {

/// A batch's arrays, with a slot a patch, in device memory; shapes as BatchSolver's kernels have
/// them.
struct DenseBatch {
  const PatchJob* job;
  const PatchState* state;
  Layout layout;
  RootMethod method;
  double regularize;
  const double *band, *rhs, *weight;
  double *flux, *largest, *root;  ///< written
};

/// Solves patches by dense algebra: Cholesky, eigenvectors of M, and of C_ss where fibres are
/// decorrelated from each other. n^3 where the banded method has n half_band^2, but no band bounds
/// the root of M that RootMethod::kNoise is. One thread at a time; keeps its memory.
template <compute::Accelerator D>
class DenseSolver {
 public:
  /// Its arrays and what its library works in take up to this where more than one patch is solved
  /// at a time. Below 2^31: libraries count a batch's bytes in int.
  static constexpr std::size_t kMostBytes = (std::size_t{1} << 31) - 1;

  explicit DenseSolver(D& device, std::size_t most_bytes = kMostBytes)
      : device_(&device), algebra_(device), most_bytes_(most_bytes) {}

  /// The patches in `slots` of `jobs`, queued; waits for what each factor tells. Returns those
  /// whose M is not positive definite. Throws std::runtime_error where eigenvectors are not found.
  template <class Begin>
  std::vector<int> solve(const DenseBatch& batch, const std::vector<PatchJob>& jobs,
                         const std::vector<int>& slots, const Begin& begin) {
    std::map<int, std::vector<int>> by_size;
    for (const int slot : slots) {
      by_size[jobs[static_cast<std::size_t>(slot)].range.size()].push_back(slot);
    }
    std::vector<int> failed;
    for (const auto& [n, alike] : by_size) {
      const std::size_t most = at_a_time(batch, n, alike.size());
      for (std::size_t first = 0; first < alike.size(); first += most) {
        const auto from = alike.begin() + static_cast<std::ptrdiff_t>(first);
        const std::size_t count = std::min(most, alike.size() - first);
        solve_alike(batch, n, {from, from + static_cast<std::ptrdiff_t>(count)}, failed, begin);
      }
    }
    return failed;
  }

  std::size_t bytes() const {
    return matrices_.bytes() + values_.bytes() + blocks_.bytes() + block_values_.bytes() +
           modes_.bytes() + algebra_.bytes();
  }

 private:
  std::size_t at_a_time(const DenseBatch& batch, int n, std::size_t most) {
    const std::size_t matrix = static_cast<std::size_t>(n) * static_cast<std::size_t>(n) * 8;
    std::size_t count = std::clamp<std::size_t>(most_bytes_ / matrix, 1, most);
    while (count > 1 && bytes_of(batch, n, count, matrix) > most_bytes_) count = (count + 1) / 2;
    return count;
  }
  std::size_t bytes_of(const DenseBatch& batch, int n, std::size_t count, std::size_t matrix) {
    const Layout& l = batch.layout;
    const int m = static_cast<int>(count);
    const auto doubles = [&](Index each) { return count * static_cast<std::size_t>(each) * 8; };
    const std::size_t fixed = count * matrix + doubles(Index{n} * (3 * l.n_core + 1));
    const std::size_t work = algebra_.eigen_bytes(n, m);
    if (batch.method == RootMethod::kNoise) return fixed + work;
    return fixed + doubles(Index{l.n_core} * l.n_wave * (l.n_wave + 1)) +
           std::max(work, algebra_.eigen_bytes(l.n_wave, m * l.n_core));
  }

  PatchSet patches(const DenseBatch& b, const std::vector<int>& slots) {
    return {b.job, b.state, slots_.upload(*device_, slots), static_cast<int>(slots.size())};
  }

  void expand(const DenseBatch& b, const PatchSet& set, int n, double* flux) {
    launch(*device_,
           ExpandBand{set, b.layout, n, b.regularize, b.weight, b.band, b.rhs,
                      matrices_.reserve(*device_, Index{set.n} * n * n), flux, b.largest});
  }

  template <class Begin>
  void solve_alike(const DenseBatch& batch, int n, const std::vector<int>& slots,
                   std::vector<int>& failed, const Begin& begin) {
    begin("factor");
    const int count = static_cast<int>(slots.size());
    expand(batch, patches(batch, slots), n, batch.flux);
    std::vector<double*> at;
    for (Index i = 0; i < count; ++i) at.push_back(matrices_.data() + i * n * n);
    for (const int slot : slots) at.push_back(batch.flux + Index{slot} * batch.layout.n_bin());
    double** pointers = pointers_.upload(*device_, at);
    algebra_.solve(pointers, pointers + count, n, count, failed_.reserve(*device_, count));
    const std::vector<int> pivots = failed_.download(*device_, count);
    std::vector<int> solved;
    for (std::size_t i = 0; i < slots.size(); ++i) {
      (pivots[i] == 0 ? solved : failed).push_back(slots[i]);
    }
    if (!solved.empty()) decorrelate(batch, n, solved, begin);
  }

  template <class Begin>
  void decorrelate(const DenseBatch& batch, int n, const std::vector<int>& slots,
                   const Begin& begin) {
    const Layout& l = batch.layout;
    const bool of_fibres = batch.method == RootMethod::kDense;
    begin(of_fibres ? "selected_inverse" : "root");
    const PatchSet set = patches(batch, slots);
    expand(batch, set, n, nullptr);  // Cholesky spoilt it
    const double* vectors = matrices_.data();
    const double* values = eigen(matrices_.data(), values_, n, set.n);
    if (of_fibres) {
      const int n_block = set.n * l.n_core;
      double* blocks = blocks_.reserve(*device_, Index{n_block} * l.n_wave * l.n_wave);
      launch(*device_, CovarianceBlocks{set, n, l.n_core, l.n_wave, vectors, values, blocks});
      begin("root");
      values = eigen(blocks, block_values_, l.n_wave, n_block);
      vectors = blocks;
      n = l.n_wave;
    }
    launch(*device_,
           EigenRoots{set, l, n, of_fibres, vectors, values, batch.flux,
                      modes_.reserve(*device_, Index{set.n} * l.n_core * 3 * n), batch.root});
  }

  const double* eigen(double* matrices, Kept<double, D>& values, int n, int count) {
    double* out = values.reserve(*device_, Index{count} * n);
    algebra_.eigen(matrices, out, n, count, failed_.reserve(*device_, count));
    for (const int failed : failed_.download(*device_, count)) {
      if (failed != 0) throw std::runtime_error("a patch's eigenvectors were not found");
    }
    return out;
  }

  D* device_;
  DenseAlgebra<D> algebra_;
  std::size_t most_bytes_;
  Kept<int, D> slots_, failed_;
  Kept<double*, D> pointers_;
  Kept<double, D> matrices_, values_, blocks_, block_values_, modes_;
};

}  // namespace unfold::extraction::device
