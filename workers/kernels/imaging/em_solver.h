#pragma once

#include <span>
#include <vector>

#include "workers/kernels/imaging/data_term.h"
#include "workers/kernels/imaging/prior.h"
#include "workers/kernels/imaging/smoothing.h"
#include "workers/kernels/imaging/squarem.h"

namespace unfold::imaging {

/// em, osem and map of several sets of counts: one read of the response serves all that are at the
/// same stage. A single reconstruction is a set of one. Not thread safe.
///
/// A Gamma prior waits for kUpdatesBeforePrior updates (rounded up to sweeps), or until SQUAREM
/// takes over: an image that starts far below the counts' scale would be emptied by it for good.
///
/// em: x <- x back / exposure, A <- A sum(b y/m) / sum b, each step (with the prior where given).
///
/// osem, map: a step is a sweep over subsets of time bins (t mod S), until a sweep's
/// log-likelihood, the sum of its subsets' at the estimates they met, is less than kSwitchRise
/// above the sweep's before: the sweeps have come near their limit cycle. From the next step on,
/// and for ever, a step is one cycle of SQUAREM on the EM map of all data: three passes, and never
/// a lower log-posterior. With one subset SQUAREM is there from the start, or as soon as a Gamma
/// prior has waited.
class EmSolver {
 public:
  /// `counts` [R, N] outlives this.
  EmSolver(const Problem& problem, const AlgorithmOptions& options, std::span<const double> counts,
           Index replicates);

  static constexpr double kSwitchRise = 1;
  static constexpr Index kUpdatesBeforePrior = 16;

  /// One step of the replicates named, increasing; what each learned.
  std::vector<Step> step(std::span<const Index> which);
  const Estimate& estimate(Index replicate) const { return states_[at(replicate)].estimate; }
  const DataTerm& data() const { return data_; }
  Index subsets() const { return static_cast<Index>(subsets_.size()); }

  /// The state of one replicate through a Saver or Restorer.
  template <class Visit>
  void visit(Index replicate, Visit& visit) {
    visit_state(states_[at(replicate)], visit);
  }
  template <class Visit>
  void visit(Index replicate, Visit& visit) const {
    visit_state(states_[at(replicate)], visit);
  }

 private:
  struct State {
    Estimate estimate;
    double sweep = 0;       ///< log-likelihood of the last sweep
    Index sweeps = 0;       ///< made so far
    Index accelerated = 0;  ///< 1: SQUAREM has taken over
    Squarem squarem{0};
  };
  template <class S, class Visit>
  static void visit_state(S& state, Visit& visit) {
    visit(state.estimate.image);
    visit(state.estimate.amplitude);
    visit(state.sweep);
    visit(state.sweeps);
    visit(state.accelerated);
    state.squarem.visit(visit);
  }
  /// EM's map of several estimates at once.
  struct Mapped {
    std::vector<Estimate> next;
    std::vector<double> log_likelihood;  ///< of the estimates that came in
  };

  /// Counts of the replicates, and a number that is theirs alone (Pass::counts_version).
  struct Counts {
    std::span<const double> values;
    Index version;
  };
  Counts counts_of(std::span<const Index> which);
  Mapped map(std::span<const Index> which, std::span<const Estimate> from, const Totals& totals,
             double least);
  Estimate update(const Estimate& from, std::span<const double> back,
                  std::span<const double> amplitude_back, const Totals& totals, double least,
                  double shape) const;
  /// k of a replicate's next update.
  double shape_of_prior(Index replicate) const;
  std::vector<Step> sweep(std::span<const Index> which);
  std::vector<Step> accelerate(std::span<const Index> which);
  std::vector<Estimate> estimates(std::span<const Index> which) const;
  double objective(double log_likelihood, const Estimate& estimate) const {
    return log_likelihood + prior_.log_prior(estimate.image);
  }

  bool plain_;  ///< em: never SQUAREM
  DataTerm data_;
  PriorTerm prior_;
  Smoothing smoothing_;
  std::span<const double> counts_;
  std::vector<Totals> subsets_;
  std::vector<State> states_;
  std::vector<Index> gathered_;  ///< replicates whose counts are in gathered_counts_
  std::vector<double> gathered_counts_;
  Index gathers_ = 0;
};

}  // namespace unfold::imaging
