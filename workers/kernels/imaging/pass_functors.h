#pragma once

#include <math.h>

#include <cstdint>

#include "workers/compute/view.h"

/// The fused pass as four steps over views, one index one thread, on any device and with no
/// atomics: parallel_for(device, n, functor) in this order. The list operators do the same eight
/// events at a time (which is why they exist beside it); a test holds the two together.
///
///   w[t, k]    SpreadImage    n = T
///   ratio[n]   RatioAtEvent   n = N
///   sum[t, k]  SumOverEvents  n = T * K
///   back[p]    GatherImage    n = P
namespace unfold::imaging {

using compute::Index;
using compute::View;

/// A factored response on the device: rows [D, K] and what pointings of time bin t, begin[t] ..
/// begin[t+1], look up. `outside` marks pixels that are not seen.
template <class Real>
struct FactoredView {
  View<const Real, 2> rows;
  View<const std::uint16_t, 2> lookup;  ///< [V, P]
  View<const Real, 1> live_time;        ///< [V]
  View<const Index, 1> begin;           ///< [T+1]
  View<const Real, 1> solid_angle;      ///< [P]
  std::uint16_t outside = 65535;
};

struct EventsView {
  View<const Index, 1> begin;        ///< [T+1]
  View<const std::int32_t, 1> bin;   ///< [N]
  View<const std::int32_t, 1> time;  ///< [N]
  View<const double, 1> counts;      ///< [N]
  View<const double, 1> background;  ///< [N] sum_c A B_c, and the floor
};

template <class Real>
struct SpreadImage {
  FactoredView<Real> response;
  View<const double, 1> image;  ///< [P]
  View<Real, 2> w;              ///< [T, K] overwritten

  UNFOLD_HD void operator()(Index t) const {
    for (Index k = 0; k < w.extent[1]; ++k) w(t, k) = 0;
    for (Index v = response.begin(t); v < response.begin(t + 1); ++v) {
      for (Index p = 0; p < image.extent[0]; ++p) {
        const std::uint16_t k = response.lookup(v, p);
        if (k == response.outside) continue;
        w(t, k) += response.live_time(v) * response.solid_angle(p) * static_cast<Real>(image(p));
      }
    }
  }
};

/// y / m and y ln m; both 0 where m <= 0.
template <class Real>
struct RatioAtEvent {
  FactoredView<Real> response;
  EventsView events;
  View<const Real, 2> w;     ///< [T, K]
  View<double, 1> ratio;     ///< [N] overwritten
  View<double, 1> log_term;  ///< [N] overwritten

  UNFOLD_HD void operator()(Index n) const {
    Real product = 0;
    for (Index k = 0; k < w.extent[1]; ++k) {
      product += response.rows(events.bin(n), k) * w(events.time(n), k);
    }
    const double m = static_cast<double>(product) + events.background(n), y = events.counts(n);
    ratio(n) = m > 0 ? y / m : 0;
    log_term(n) = m > 0 && y > 0 ? y * log(m) : 0;
  }
};

template <class Real>
struct SumOverEvents {
  FactoredView<Real> response;
  EventsView events;
  View<const double, 1> ratio;  ///< [N]
  View<Real, 2> sum;            ///< [T, K] overwritten

  UNFOLD_HD void operator()(Index i) const {
    const Index t = i / sum.extent[1], k = i % sum.extent[1];
    Real total = 0;
    for (Index n = events.begin(t); n < events.begin(t + 1); ++n) {
      total += static_cast<Real>(ratio(n)) * response.rows(events.bin(n), k);
    }
    sum(t, k) = total;
  }
};

template <class Real>
struct GatherImage {
  FactoredView<Real> response;
  View<const Real, 2> sum;  ///< [T, K]
  View<double, 1> back;     ///< [P] overwritten

  UNFOLD_HD void operator()(Index p) const {
    double total = 0;
    for (Index t = 0; t < sum.extent[0]; ++t) {
      for (Index v = response.begin(t); v < response.begin(t + 1); ++v) {
        const std::uint16_t k = response.lookup(v, p);
        if (k != response.outside) total += static_cast<double>(response.live_time(v) * sum(t, k));
      }
    }
    back(p) = total * static_cast<double>(response.solid_angle(p));
  }
};

}  // namespace unfold::imaging
