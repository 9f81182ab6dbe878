#pragma once

#include <memory>
#include <vector>

#include "workers/compute/archive.h"
#include "workers/kernels/imaging/reconstruct.h"

namespace unfold::imaging {

using compute::ArchiveReader;
using compute::ArchiveWriter;

/// One Reconstruction with its history and the rules that need no second fit: a number of updates,
/// or a likelihood that no longer rises. Not thread safe.
class Fit {
 public:
  /// `problem` outlives this.
  Fit(const Problem& problem, const AlgorithmOptions& options, const StopRule& rule,
      std::vector<Index> save_at);

  /// Neither likelihoods (beyond what the stop rule needs) nor maps are kept: for replicates.
  void keep_no_history() { history_ = false; }
  /// After `most` updates, or earlier by the likelihood.
  bool finished(Index most) const;
  void step();

  const Estimate& estimate() const { return reconstruction_->estimate(); }
  Index updates() const { return reconstruction_->iteration(); }
  double known_log_likelihood() const { return known_; }
  /// Estimate, histories, saved maps, and why it ended ("iterations" or "likelihood").
  void fill(Result& result) const;

  void save(ArchiveWriter& out) const;
  void restore(ArchiveReader& in);

 private:
  bool settled() const;

  StopRule rule_;
  std::vector<Index> save_at_;
  std::unique_ptr<Reconstruction> reconstruction_;
  bool history_ = true;
  /// [n] after update 1 .. n; where steps are comparable, the last is not known yet.
  std::vector<double> log_likelihood_;
  std::vector<double> amplitude_;  ///< [n, A]
  std::vector<Index> saved_at_;
  std::vector<double> saved_;  ///< [saved, P]
  double known_ = 0;
  double rise_ = -1;  ///< of the last two comparable likelihoods; negative: not known
  bool comparable_ = false;
};

}  // namespace unfold::imaging
