#include "workers/kernels/imaging/fit.h"

#include <algorithm>
#include <utility>

namespace unfold::imaging {

Fit::Fit(const Problem& problem, const AlgorithmOptions& options, const StopRule& rule,
         std::vector<Index> save_at)
    : rule_(rule),
      save_at_(std::move(save_at)),
      reconstruction_(make_reconstruction(problem, options)) {}

bool Fit::settled() const {
  return rule_.stop == Stop::kLikelihood && rise_ >= 0 && rise_ < rule_.threshold;
}

bool Fit::finished(Index most) const { return updates() >= most || settled(); }

void Fit::step() {
  const bool was_comparable = comparable_;
  const double before = known_;
  const Step step = reconstruction_->step();
  comparable_ = step.comparable;
  if (comparable_) {
    // The step tells of the estimate it started from: the one after the update before.
    known_ = step.log_likelihood;
    rise_ = was_comparable ? known_ - before : -1;
    if (history_ && updates() > 1 &&
        log_likelihood_.size() + 1 < static_cast<std::size_t>(updates())) {
      log_likelihood_.push_back(known_);
    }
  } else if (history_) {
    known_ = reconstruction_->log_likelihood();
    log_likelihood_.push_back(known_);
  }
  if (!history_) return;
  const std::vector<double> amplitude = reconstruction_->recorded_amplitude();
  amplitude_.insert(amplitude_.end(), amplitude.begin(), amplitude.end());
  if (std::find(save_at_.begin(), save_at_.end(), updates()) != save_at_.end()) {
    saved_at_.push_back(updates());
    saved_.insert(saved_.end(), estimate().image.begin(), estimate().image.end());
  }
}

void Fit::fill(Result& result) const {
  result.estimate = estimate();
  result.iterations = updates();
  result.log_likelihood = log_likelihood_;
  if (result.log_likelihood.size() < static_cast<std::size_t>(updates())) {
    result.log_likelihood.push_back(reconstruction_->log_likelihood());
  }
  result.amplitude = amplitude_;
  result.saved_at = saved_at_;
  const auto pixels = static_cast<Index>(estimate().image.size());
  for (std::size_t i = 0; i < saved_at_.size(); ++i) {
    const auto first = saved_.begin() + static_cast<Index>(i) * pixels;
    result.saved.emplace_back(first, first + pixels);
  }
  result.stopped_by = settled() ? "likelihood" : "iterations";
}

void Fit::save(ArchiveWriter& out) const {
  out.put(updates() > 0 ? reconstruction_->save() : std::vector<double>{});
  out.put(log_likelihood_);
  out.put(amplitude_);
  out.put(saved_at_);
  out.put(saved_);
  out.put(known_);
  out.put(rise_);
  out.put(comparable_ ? 1.0 : 0.0);
}

void Fit::restore(ArchiveReader& in) {
  const std::vector<double> state = in.list();
  if (!state.empty()) reconstruction_->restore(state);
  log_likelihood_ = in.list();
  amplitude_ = in.list();
  saved_at_ = in.list<Index>();
  saved_ = in.list();
  known_ = in.number();
  rise_ = in.number();
  comparable_ = in.number() != 0;
}

}  // namespace unfold::imaging
