#pragma once

#include <span>
#include <stdexcept>
#include <vector>

#include "workers/kernels/imaging/reconstruction.h"

namespace unfold::imaging {

/// The extrapolation of SQUAREM's cycle, with memory: from the last points u_j of a map F and
/// their images F(u_j), the combination whose residual F(u) - u is least (one secant is SQUAREM's
/// own, Varadhan and Roland 2008; several: Zhou, Alexander and Lange 2011). Residuals are counted
/// in the metric of the model's counts, sensitivity / F, so that faint and bright pixels weigh
/// alike. A point is [P + A]: image, then amplitudes.
class Squarem {
 public:
  /// Secants beyond which the oldest is forgotten.
  static constexpr Index kMemory = 8;

  explicit Squarem(Index size) : size_(size) {}

  void add(const Estimate& u, const Estimate& mapped);
  /// Only the newest secant stays: after an extrapolation that was no better, and while steps are
  /// so large that older ones tell of another region.
  void keep_newest();
  /// Needs two points. No value falls below kLeast of the last image's: EM cannot leave 0.
  Estimate extrapolate(std::span<const double> sensitivity,
                       std::span<const double> background) const;
  static constexpr double kLeast = 0.6;

  /// The state through a Saver or Restorer (saved.h).
  template <class Visit>
  void visit(Visit& visit) {
    visit(points_);
    if (points_ > kMemory + 1) throw std::invalid_argument("a saved state of another problem");
    u_.resize(static_cast<std::size_t>(points_ * size_));
    mapped_.resize(u_.size());
    visit(u_);
    visit(mapped_);
  }
  template <class Visit>
  void visit(Visit& visit) const {
    visit(points_);
    visit(u_);
    visit(mapped_);
  }

 private:
  void forget(Index oldest);
  std::vector<double> combination(std::span<const double> metric) const;

  Index size_;
  Index points_ = 0;
  std::vector<double> u_, mapped_;  // [points, P + A], oldest first
};

}  // namespace unfold::imaging
