#include "workers/kernels/imaging/redraw.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>

#include "workers/compute/random.h"

namespace unfold::imaging {

using compute::Random;
namespace {

constexpr double kLargestCount = 2147483648.0;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

}  // namespace

void require_whole_counts(std::span<const double> counts) {
  const auto bad = std::find_if(counts.begin(), counts.end(), [](double y) {
    return !(y >= 0 && y <= kLargestCount && y == std::floor(y));
  });
  if (bad != counts.end()) {
    throw std::invalid_argument("thinning needs whole counts, found " + std::to_string(*bad));
  }
}

Splits split_counts(std::span<const double> counts, double fraction, Index splits,
                    std::uint64_t seed, std::uint64_t stream, Index first) {
  const bool in_pairs = fraction == 0.5;
  Splits out;
  out.train.reserve(counts.size() * at(splits));
  out.validate.reserve(counts.size() * at(splits));
  for (Index s = 0; s < splits; ++s) {
    const bool exchanged = in_pairs && s % 2 == 1;
    const auto drawn = static_cast<std::uint64_t>(exchanged ? s - 1 : s);
    for (std::size_t n = 0; n < counts.size(); ++n) {
      Random random(seed, (stream << 16) + drawn, static_cast<std::uint64_t>(first) + n);
      const auto kept =
          static_cast<double>(random.binomial(static_cast<std::int64_t>(counts[n]), fraction));
      out.train.push_back(exchanged ? counts[n] - kept : kept);
      out.validate.push_back(exchanged ? kept : counts[n] - kept);
    }
  }
  return out;
}

Index count_before(compute::Communicator& communicator, Index mine) {
  std::vector<double> of_rank(at(communicator.size()));
  of_rank[at(communicator.rank())] = static_cast<double>(mine);
  communicator.sum(of_rank);
  const auto end = of_rank.begin() + communicator.rank();
  return static_cast<Index>(std::accumulate(of_rank.begin(), end, 0.0));
}

CountModel::CountModel(const Problem& problem, const Estimate& estimate)
    : background_(problem.background),
      shape_(problem.response.shape()),
      first_bin_(count_before(problem.communicator, shape_.times * shape_.bins)),
      expected_(at(shape_.times * shape_.bins)) {
  const Background& background = background_;
  if (background.components > 0 && !background.row) {
    throw std::invalid_argument("drawing counts needs the background of every bin");
  }
  problem.response.forward(estimate.image, expected_);
  std::vector<double> row(at(shape_.bins));
  for (Index c = 0; c < background.components; ++c) {
    for (Index t = 0; t < shape_.times; ++t) {
      background.row(c, t, row);
      const double amplitude =
          estimate.amplitude[at(c * background.groups + background.group[at(t)])];
      for (Index d = 0; d < shape_.bins; ++d) {
        expected_[at(t * shape_.bins + d)] += amplitude * row[at(d)];
      }
    }
  }
}

DrawnCounts CountModel::draw(std::uint64_t seed, std::uint64_t replicate) const {
  return draw(seed, replicate, 1);
}

DrawnCounts CountModel::draw(std::uint64_t seed, std::uint64_t first, Index replicates) const {
  DrawnCounts out;
  out.events.begin.assign(1, 0);
  std::vector<std::vector<double>> counts(at(replicates));
  std::vector<double> here(at(replicates));
  for (Index t = 0; t < shape_.times; ++t) {
    for (Index d = 0; d < shape_.bins; ++d) {
      const Index bin = t * shape_.bins + d;
      for (std::size_t r = 0; r < here.size(); ++r) {
        Random random(seed, first + r, static_cast<std::uint64_t>(first_bin_ + bin));
        here[r] = static_cast<double>(random.poisson(expected_[at(bin)]));
      }
      if (std::all_of(here.begin(), here.end(), [](double y) { return y == 0; })) continue;
      out.events.bin.push_back(static_cast<std::int32_t>(d));
      for (std::size_t r = 0; r < here.size(); ++r) counts[r].push_back(here[r]);
    }
    out.events.begin.push_back(out.events.size());
  }
  for (std::vector<double>& mine : counts) {
    out.counts.insert(out.counts.end(), mine.begin(), mine.end());
    mine = {};
  }
  out.background = background_at(out.events);
  return out;
}

Background CountModel::background_at(const Events& events) const {
  Background out;
  out.components = background_.components;
  out.groups = background_.groups;
  out.group = background_.group;
  out.sum = background_.sum;
  std::vector<double> row(at(shape_.bins));
  for (Index c = 0; c < background_.components; ++c) {
    for (Index t = 0; t < shape_.times; ++t) {
      const Index first = events.begin[at(t)], last = events.begin[at(t + 1)];
      if (first == last) continue;
      background_.row(c, t, row);
      for (Index n = first; n < last; ++n) out.at_events.push_back(row[at(events.bin[at(n)])]);
    }
  }
  return out;
}

double CountModel::mean_events(Index replicates) const {
  double sum = 0;
  for (const double m : expected_) sum -= std::expm1(-m * static_cast<double>(replicates));
  return sum;
}

}  // namespace unfold::imaging
