#pragma once

#include <span>
#include <vector>

#include "workers/kernels/imaging/data_term.h"
#include "workers/kernels/imaging/reconstruction.h"
#include "workers/kernels/imaging/saved.h"
#include "workers/kernels/imaging/smoothing.h"
#include "workers/kernels/imaging/updates.h"

namespace unfold::imaging {

/// What algorithms share that fit one estimate to one set of counts: its beginning, its state, and
/// how that is saved. `Self` may have more state, which it visits in
///     template <class S, class Visit> static void visit_more(S& self, Visit& visit);
template <class Self>
class OneFit : public Reconstruction {
 public:
  const Estimate& estimate() const final { return estimate_; }
  double log_likelihood() const final { return data_.log_likelihood(estimate_); }
  Index iteration() const final { return iteration_; }
  std::vector<double> save() const final {
    Saver saver;
    visit(static_cast<const Self&>(*this), saver);
    return saver.take();
  }
  void restore(std::span<const double> saved) final {
    Restorer restorer(saved);
    visit(static_cast<Self&>(*this), restorer);
    restorer.expect_end();
  }

  template <class S, class Visit>
  static void visit_more(S& /*self*/, Visit& /*visit*/) {}

 protected:
  OneFit(const Problem& problem, const AlgorithmOptions& options, double first_amplitude)
      : data_(problem),
        smoothing_(problem.sky, options.smooth_fwhm_deg),
        estimate_{initial_image(problem, options.initial_flux),
                  std::vector<double>(at(data_.amplitudes()), first_amplitude)} {}

  DataTerm data_;
  Smoothing smoothing_;
  Estimate estimate_;
  Index iteration_ = 0;

 private:
  template <class S, class Visit>
  static void visit(S& self, Visit& visit) {
    visit(self.iteration_);
    visit(self.estimate_.image);
    visit(self.estimate_.amplitude);
    Self::visit_more(self, visit);
  }
};

}  // namespace unfold::imaging
