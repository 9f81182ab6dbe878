#pragma once

#include <math.h>

#include "workers/compute/view.h"

namespace unfold::imaging {

/// What the algorithms do to one pixel or one amplitude, as values: the same body on any device.
/// Index i is a pixel (or an amplitude, where said). Pixels whose sensitivity is 0 are never seen.

template <class Functor>
void for_each_index(compute::Index n, const Functor& functor) {
  for (compute::Index i = 0; i < n; ++i) functor(i);
}

/// next = (max(x back, least x sensitivity) + (k - 1) w) / sensitivity, not below 0. The EM step
/// with a Gamma(k) prior; k = 1 has none. w is the share of the prior that this data set gets.
/// A pixel that is not seen keeps its value.
///
/// image, back, sensitivity  [P]
/// least     smallest factor of one update: what a subset does not see, others may
/// total     [P] sensitivity of all data; w = sensitivity / total
/// next      [P] overwritten, may be `image`
struct EmUpdate {
  compute::View<const double, 1> image, back, sensitivity, total;
  double least = 0;
  double k = 1;
  compute::View<double, 1> next;

  /// The counts that the data give to the pixel.
  UNFOLD_HD double counts(compute::Index i) const {
    const double data = image(i) * back(i), lowest = least * image(i) * sensitivity(i);
    return data > lowest ? data : lowest;
  }
  UNFOLD_HD void operator()(compute::Index i) const {
    const double seen = sensitivity(i);
    if (!(seen > 0)) {
      next(i) = image(i);
      return;
    }
    const double kept = counts(i) + (k - 1) * (seen / total(i));
    next(i) = kept > 0 ? kept / seen : 0;
  }
};

/// The EM step with -sum (x_j - x_n)^2 as prior, each square replaced by a bound that touches it
/// and keeps pixels apart (De Pierro 1995): next maximises counts ln x - seen x + w (pull x -
/// square x^2), so that the log-posterior cannot fall. w as above.
///
/// square, pull  [P] of the bound at `image`
struct SquaredVariationUpdate {
  EmUpdate em;
  compute::View<const double, 1> square, pull;

  UNFOLD_HD void operator()(compute::Index i) const {
    const double seen = em.sensitivity(i);
    if (!(seen > 0)) {
      em.next(i) = em.image(i);
      return;
    }
    const double w = seen / em.total(i), counts = em.counts(i);
    const double slope = seen - w * pull(i), twice = 2 * w * square(i);
    const double root = hypot(slope, 2 * sqrt(twice * counts));
    em.next(i) = slope > 0 ? 2 * counts / (slope + root) : (root - slope) / (2 * twice);
  }
};

/// The EM step with weight sum x (1 - ln(x / reference)) as prior: next = reference e^t maximises
/// counts ln x - seen x + w weight x (1 - t). Its derivative counts / x - seen - w weight t is
/// convex and falls in t: Newton's steps reach its zero from below after the first.
struct EntropyUpdate {
  EmUpdate em;
  double weight = 0;
  double reference = 1;

  UNFOLD_HD void operator()(compute::Index i) const {
    constexpr int kMostSteps = 60;
    const double seen = em.sensitivity(i);
    if (!(seen > 0)) {
      em.next(i) = em.image(i);
      return;
    }
    const double strength = weight * (seen / em.total(i)), counts = em.counts(i);
    const double without = -seen / strength;  // where t is without counts
    double t = without;
    if (counts > 0) {
      const double log_counts = log(counts / reference), em_t = log_counts - log(seen);
      t = em_t > 0 || em_t > without ? em_t : without;
      for (int step = 0; step < kMostSteps; ++step) {
        const double ratio = exp(log_counts - t);
        const double change = (ratio - seen - strength * t) / (ratio + strength);
        t += change;
        if (fabs(change) <= 1e-15 * (1 + fabs(t))) break;
      }
    }
    em.next(i) = reference * exp(t);
  }
};

/// Amplitude a <- a max(back / total, least): the EM step of a background group, which is left
/// alone where its background's sum is 0.
struct AmplitudeUpdate {
  compute::View<const double, 1> amplitude, back, total;
  double least = 0;
  compute::View<double, 1> next;

  UNFOLD_HD void operator()(compute::Index i) const {
    const double factor = total(i) > 0 ? back(i) / total(i) : 1;
    next(i) = amplitude(i) * (factor > least ? factor : least);
  }
};

/// delta = x num / exposure^(3/4), num = sum (y/M - 1) R: the published DC1 step.
struct Dc1Delta {
  compute::View<const double, 1> image, back, exposure;
  compute::View<double, 1> delta;

  UNFOLD_HD void operator()(compute::Index i) const {
    const double seen = exposure(i);
    delta(i) = seen > 0 ? (back(i) - seen) / seen * image(i) * pow(seen, 0.25) : 0;
  }
};

/// delta = x (back / exposure - 1) (exposure / largest)^power: cosipy's weighted step.
struct CosipyDelta {
  compute::View<const double, 1> image, back, exposure;
  double largest = 1;
  double power = 0;
  compute::View<double, 1> delta;

  UNFOLD_HD void operator()(compute::Index i) const {
    const double seen = exposure(i);
    delta(i) = seen > 0 ? image(i) * (back(i) / seen - 1) * pow(seen / largest, power) : 0;
  }
};

/// image <- max(image + length delta, 0). What is left of a pixel that the length was to bring to 0
/// is 0: rounding would decide its later life otherwise.
struct AddStep {
  compute::View<const double, 1> delta;
  double length = 1;
  compute::View<double, 1> image;

  UNFOLD_HD void operator()(compute::Index i) const {
    const double next = image(i) + length * delta(i);
    image(i) = next > 1e-15 * image(i) ? next : 0;
  }
};

/// next = F_n - sum_j gamma_j (F_{j+1} - F_j), not below `least` F_n: 0 only where F_n is, as EM
/// cannot leave 0.
///
/// mapped  [n + 1, size] F_j, oldest first
/// gamma   [n]
struct Extrapolate {
  compute::View<const double, 2> mapped;
  compute::View<const double, 1> gamma;
  double least = 0.5;
  compute::View<double, 1> next;

  UNFOLD_HD void operator()(compute::Index i) const {
    const double newest = mapped(gamma.size(), i), lowest = least * newest;
    double value = newest;
    for (compute::Index j = 0; j < gamma.size(); ++j) {
      value -= gamma(j) * (mapped(j + 1, i) - mapped(j, i));
    }
    next(i) = value > lowest ? value : lowest;
  }
};

}  // namespace unfold::imaging
