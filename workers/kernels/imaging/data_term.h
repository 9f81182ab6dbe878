#pragma once

#include <memory>
#include <span>
#include <vector>

#include "workers/kernels/imaging/reconstruction.h"

namespace unfold::imaging {

/// What all bins of a subset of the data expect per unit image and per unit amplitude; multiplied
/// by Problem::share.
struct Totals {
  Subset subset{};
  std::vector<double> sensitivity;  ///< [P]
  std::vector<double> background;   ///< [A]
};

/// A Problem as the algorithms see it: passes whose sums are over all ranks, and totals. Immutable
/// but for its communicator. The likelihood is sum y ln m - share sum m with m = R x + A B of the
/// whole data; the ratio y / (share m) and share R share their product with y / m and R.
class DataTerm {
 public:
  explicit DataTerm(const Problem& problem);

  Index pixels() const { return pixels_; }
  Index amplitudes() const { return problem_.background.amplitudes(); }
  Index events() const { return problem_.events.size(); }
  const Problem& problem() const { return problem_; }

  const Totals& all() const { return all_; }
  Totals totals(Subset subset) const;

  /// The largest number of subsets, at most `wanted`, that each hold kLeastCounts of the problem's
  /// counts: fewer make pixels vanish that a subset's few events happen to miss. The same for any
  /// share, as fits of a share find out how many updates a fit of all counts is to make.
  Index usable_subsets(Index wanted) const;
  static constexpr double kLeastCounts = 500;

  /// Operator::pass over all ranks.
  PassResult pass(const Pass& pass) const;
  /// Operator::back_events over all ranks, of all time bins.
  void back_events(std::span<const double> data, std::span<double> image) const;
  void forward_events(std::span<const double> image, std::span<double> expectation) const;

  /// Expected counts in all bins of the subset.
  static double expected(const Totals& totals, std::span<const double> image,
                         std::span<const double> amplitude);
  /// sum y ln m - sum m over all bins; one pass.
  double log_likelihood(const Estimate& estimate) const;

 private:
  Problem problem_;
  std::shared_ptr<const EventOperator> at_events_;
  Index pixels_;
  Totals all_;
};

/// F / sum(solid angle), 0 where the exposure is 0; each energy holds the flux F.
std::vector<double> initial_image(const Problem& problem, double flux);

inline std::size_t at(Index i) { return static_cast<std::size_t>(i); }
inline compute::View<const double, 1> view(std::span<const double> values) {
  return {values.data(), static_cast<Index>(values.size())};
}
inline compute::View<double, 1> view(std::span<double> values) {
  return {values.data(), static_cast<Index>(values.size())};
}
inline compute::View<double, 1> view(std::vector<double>& values) {
  return view(std::span<double>(values));
}
inline compute::View<const double, 1> view(const std::vector<double>& values) {
  return view(std::span<const double>(values));
}

}  // namespace unfold::imaging
