#include "workers/kernels/imaging/newton.h"

#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "workers/kernels/imaging/arrow.h"

namespace unfold::imaging {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr Index kMostIterations = 60;
constexpr double kTolerance = 1e-15;  // of the expected rise, relative to the log-likelihood
constexpr double kShortestStep = 1e-10;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// Value, gradient and minus the second derivatives at one point.
struct Local {
  double value = 0;
  std::vector<double> gradient;  // [S + A]
  Arrow curvature;
};

class Objective {
 public:
  explicit Objective(const NewtonProblem& problem)
      : problem_(problem),
        scales_(static_cast<Index>(problem.scaled.size())),
        components_(problem.background.components),
        groups_(problem.background.groups),
        used_(at(problem.events.size()), 1),
        per_time_(2 + scales_ + scales_ * scales_ + components_ * (1 + scales_ + components_)) {}

  /// Events that nothing explains at p are left out from now on.
  void leave_out_unexplained(std::span<const double> p) {
    for_each_event(p, [&](Index, Index n, double m, const double*) { used_[at(n)] = m > 0; });
  }

  Local evaluate(std::span<const double> p) const {
    const Index times = problem_.events.times();
    std::vector<double> sums(at(times * per_time_));
    tbb::parallel_for(Index{0}, times, [&](Index t) {
      accumulate(p, t, std::span(sums).subspan(at(t * per_time_), at(per_time_)));
    });
    return gather(p, sums);
  }

 private:
  /// Where a time bin's sums lie: value, impossible events, gradient and matrix of the scales, then
  /// gradient, cross terms and block of its group.
  Index gradient_at() const { return 2; }
  Index dense_at() const { return 2 + scales_; }
  Index group_at() const { return 2 + scales_ + scales_ * scales_; }
  Index group_size() const { return components_ * (1 + scales_ + components_); }
  Index amplitude(Index c, Index g) const { return c * groups_ + g; }

  /// visit(t, n, m, terms): terms are X_s, then u B_c.
  template <class Visit>
  void for_each_event_of(std::span<const double> p, Index t, Visit visit) const {
    const Index g = problem_.background.group[at(t)], n_events = problem_.events.size();
    std::vector<double> terms(at(scales_ + components_)), weight(terms.size()), unit(terms.size());
    for (Index s = 0; s < scales_; ++s) weight[at(s)] = p[at(s)];
    for (Index c = 0; c < components_; ++c) {
      weight[at(scales_ + c)] = p[at(scales_ + amplitude(c, g))];
      unit[at(scales_ + c)] = problem_.unit[at(amplitude(c, g))];
    }
    for (Index n = problem_.events.begin[at(t)]; n < problem_.events.begin[at(t + 1)]; ++n) {
      if (!used_[at(n)] || !(problem_.counts[at(n)] > 0)) continue;
      double m = 0;
      for (Index s = 0; s < scales_; ++s) {
        terms[at(s)] = problem_.scaled[at(s)][at(n)];
        m += weight[at(s)] * terms[at(s)];
      }
      for (Index c = scales_; c < scales_ + components_; ++c) {
        terms[at(c)] =
            unit[at(c)] * problem_.background.at_events[at((c - scales_) * n_events + n)];
        m += weight[at(c)] * terms[at(c)];
      }
      visit(t, n, m, terms.data());
    }
  }
  template <class Visit>
  void for_each_event(std::span<const double> p, Visit visit) const {
    for (Index t = 0; t < problem_.events.times(); ++t) for_each_event_of(p, t, visit);
  }

  void accumulate(std::span<const double> p, Index t, std::span<double> sums) const {
    double* gradient = &sums[at(gradient_at())];
    double* dense = &sums[at(dense_at())];
    double* group = sums.data() + group_at();
    for_each_event_of(p, t, [&](Index, Index n, double m, const double* x) {
      if (!(m > 0)) {
        sums[1] += 1;
        return;
      }
      const double y = problem_.counts[at(n)], w = y / m, h = w / m;
      sums[0] += y * std::log(m);
      for (Index s = 0; s < scales_; ++s) {
        gradient[s] += w * x[s];
        for (Index r = 0; r < scales_; ++r) dense[s * scales_ + r] += h * x[s] * x[r];
      }
      double* at_component = group;
      for (Index c = scales_; c < scales_ + components_; ++c) {
        *at_component++ += w * x[c];
        for (Index j = 0; j < scales_ + components_; ++j) *at_component++ += h * x[c] * x[j];
      }
    });
  }

  Local gather(std::span<const double> p, std::span<const double> sums) const {
    const Index head = group_at(), times = problem_.events.times();
    std::vector<double> total(at(head + groups_ * group_size()));
    for (Index t = 0; t < times; ++t) {
      const double* mine = &sums[at(t * per_time_)];
      for (Index i = 0; i < head; ++i) total[at(i)] += mine[i];
      double* group = total.data() + head + problem_.background.group[at(t)] * group_size();
      for (Index i = 0; i < group_size(); ++i) group[i] += mine[head + i];
    }
    problem_.communicator.sum(total);
    Local out;
    out.value = total[1] > 0 ? -kInfinity : total[0];
    unpack(total, out);
    for (std::size_t i = 0; i < p.size(); ++i) {
      const double off = p[i] - problem_.centre[i], tight = problem_.inverse_variance[i];
      out.value -= p[i] * problem_.total[i] + 0.5 * tight * off * off;
      out.gradient[i] -= problem_.total[i] + tight * off;
    }
    add_priors(out.curvature);
    return out;
  }

  void unpack(std::span<const double> total, Local& out) const {
    Arrow& arrow = out.curvature;
    arrow.scales = scales_, arrow.components = components_, arrow.blocks = groups_;
    out.gradient.resize(at(scales_ + components_ * groups_));
    for (Index s = 0; s < scales_; ++s) out.gradient[at(s)] = total[at(gradient_at() + s)];
    const auto dense = total.subspan(at(dense_at()), at(scales_ * scales_));
    arrow.dense.assign(dense.begin(), dense.end());
    const double* next = total.data() + group_at();
    for (Index g = 0; g < groups_; ++g) {
      for (Index c = 0; c < components_; ++c) {
        out.gradient[at(scales_ + amplitude(c, g))] = *next++;
        for (Index s = 0; s < scales_; ++s) arrow.cross.push_back(*next++);
        for (Index k = 0; k < components_; ++k) arrow.block.push_back(*next++);
      }
    }
  }

  void add_priors(Arrow& arrow) const {
    for (Index s = 0; s < scales_; ++s) {
      arrow.dense[at(s * scales_ + s)] += problem_.inverse_variance[at(s)];
    }
    for (Index g = 0; g < groups_; ++g) {
      for (Index c = 0; c < components_; ++c) {
        arrow.block[at((g * components_ + c) * components_ + c)] +=
            problem_.inverse_variance[at(scales_ + amplitude(c, g))];
      }
    }
  }

  const NewtonProblem& problem_;
  Index scales_, components_, groups_;
  std::vector<std::uint8_t> used_;
  Index per_time_;
};

double clip(double value, double low, double high) { return std::min(std::max(value, low), high); }

/// Parameters at a bound that the gradient pushes against stay there: their rows become trivial.
std::vector<std::uint8_t> held_at_bounds(const NewtonProblem& problem, std::span<const double> p,
                                         std::span<const double> gradient) {
  std::vector<std::uint8_t> held(p.size());
  for (std::size_t i = 0; i < p.size(); ++i) {
    held[i] = (p[i] <= problem.low[i] && gradient[i] < 0) ||
              (p[i] >= problem.high[i] && gradient[i] > 0) || problem.low[i] >= problem.high[i];
  }
  return held;
}

void clear_row(std::span<double> square, Index n, Index row) {
  for (Index i = 0; i < n; ++i) square[at(row * n + i)] = square[at(i * n + row)] = 0;
}

std::vector<double> newton_step(const Local& local, std::span<const std::uint8_t> held) {
  Arrow arrow = local.curvature;
  const Index s = arrow.scales, c = arrow.components;
  arrow.right.resize(at(s));
  arrow.right_of.resize(at(arrow.blocks * c));
  for (Index i = 0; i < s; ++i) arrow.right[at(i)] = held[at(i)] ? 0 : local.gradient[at(i)];
  for (Index g = 0; g < arrow.blocks; ++g) {
    for (Index k = 0; k < c; ++k) {
      const std::size_t i = at(s + k * arrow.blocks + g);
      arrow.right_of[at(g * c + k)] = held[i] ? 0 : local.gradient[i];
      for (Index j = 0; j < s; ++j) {
        if (held[i] || held[at(j)]) arrow.cross[at((g * c + k) * s + j)] = 0;
      }
      if (held[i]) clear_row(std::span(arrow.block).subspan(at(g * c * c), at(c * c)), c, k);
    }
  }
  for (Index i = 0; i < s; ++i) {
    if (held[at(i)]) clear_row(arrow.dense, s, i);
  }
  return solve(std::move(arrow));
}

double curvature(const Arrow& arrow, std::size_t parameter) {
  const Index i = static_cast<Index>(parameter), s = arrow.scales, c = arrow.components;
  if (i < s) return arrow.dense[at(i * s + i)];
  const Index g = (i - s) % arrow.blocks, k = (i - s) / arrow.blocks;
  return arrow.block[at((g * c + k) * c + k)];
}

/// The whole Newton step from p; `rise` is what the quadratic model promises.
struct Step {
  std::vector<double> direction;
  double rise = 0;
};
Step step_from(const NewtonProblem& problem, std::span<const double> p, const Local& here) {
  const std::vector<std::uint8_t> held = held_at_bounds(problem, p, here.gradient);
  Step out{newton_step(here, held)};
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (held[i]) continue;
    // Without counts the objective is linear: down to the bound.
    if (curvature(here.curvature, i) == 0 && here.gradient[i] < 0) {
      out.direction[i] = problem.low[i] - p[i];
    }
    out.rise += out.direction[i] * here.gradient[i];
  }
  return out;
}

}  // namespace

NewtonResult maximise(const NewtonProblem& problem) {
  NewtonResult out{problem.start};
  std::vector<double>& p = out.parameters;
  for (std::size_t i = 0; i < p.size(); ++i) p[i] = clip(p[i], problem.low[i], problem.high[i]);
  Objective objective(problem);
  objective.leave_out_unexplained(p);
  Local here = objective.evaluate(p);
  for (bool last = false; !last && out.iterations < kMostIterations; ++out.iterations) {
    const Step step = step_from(problem, p, here);
    last = std::abs(step.rise) < kTolerance * std::max(1.0, std::abs(here.value));
    std::vector<double> next(p.size());
    Local there;
    for (double length = 1; length >= kShortestStep; length *= 0.5) {
      for (std::size_t i = 0; i < p.size(); ++i) {
        next[i] = clip(p[i] + length * step.direction[i], problem.low[i], problem.high[i]);
      }
      there = objective.evaluate(next);
      if (there.value >= here.value - 1e-12 * std::abs(here.value)) break;
    }
    const bool risen = there.value > here.value;
    if (there.value >= here.value || last) p = next, here = std::move(there);
    last = last || !risen;
  }
  out.value = here.value;
  return out;
}

}  // namespace unfold::imaging
