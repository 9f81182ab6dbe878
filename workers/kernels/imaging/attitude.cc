#include "workers/kernels/imaging/attitude.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace unfold::imaging {
namespace {

constexpr Index kPartPixels = 65536;

void check_sizes(const AttitudeTable& t) {
  if (t.times < 1 || t.pixels < 1 || t.pointings < 0) {
    throw std::invalid_argument("an attitude needs at least one time bin and pixel");
  }
  if (t.neighbours != 1 && t.neighbours != 4) {
    throw std::invalid_argument("an attitude has 1 or 4 neighbours");
  }
  const auto n = static_cast<std::size_t>(t.pointings * t.pixels * t.neighbours);
  const auto v = static_cast<std::size_t>(t.pointings);
  if (t.lookup.size() != n || (!t.weight.empty() && t.weight.size() != n) ||
      t.live_time.size() != v || t.time_bin.size() != v) {
    throw std::invalid_argument("the sizes of the attitude's arrays disagree");
  }
  if (t.neighbours == 4 && t.weight.empty()) {
    throw std::invalid_argument("four neighbours need weights");
  }
}

void check_values(const AttitudeTable& t, Index directions) {
  for (const std::uint16_t k : t.lookup) {
    if (k != kOutside && k >= directions) {
      throw std::invalid_argument("an attitude looks up a direction that the response lacks");
    }
  }
  for (const std::int32_t bin : t.time_bin) {
    if (bin < 0 || bin >= t.times) throw std::invalid_argument("a time bin is out of range");
  }
  for (const double live : t.live_time) {
    if (!(live >= 0) || !std::isfinite(live)) {
      throw std::invalid_argument("a live time is negative or not finite");
    }
  }
  for (const float w : t.weight) {
    if (!(w >= 0) || !std::isfinite(w)) {
      throw std::invalid_argument("a weight is negative or not finite");
    }
  }
}

/// Pointings by time bin, in their own order within one.
std::vector<Index> by_time(const AttitudeTable& t) {
  std::vector<Index> order(static_cast<std::size_t>(t.pointings));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) {
    return t.time_bin[static_cast<std::size_t>(a)] < t.time_bin[static_cast<std::size_t>(b)];
  });
  return order;
}

/// Writes every candidate and keeps those that count: half of the sky is outside, unpredictably.
void add_part(const AttitudeTable& t, Index pointing, Index first_pixel, Attitude* out) {
  const std::size_t begin = out->entry.size();
  const Index pixels = std::min(kPartPixels, t.pixels - first_pixel);
  const auto room = begin + static_cast<std::size_t>(pixels * t.neighbours);
  const bool weighted = !t.weight.empty();
  out->entry.resize(room);
  if (weighted) out->weight.resize(room);
  const Index from = (pointing * t.pixels + first_pixel) * t.neighbours;
  const std::uint16_t* lookup = t.lookup.data() + from;
  const float* weight = weighted ? t.weight.data() + from : nullptr;
  std::uint32_t* entry = out->entry.data();
  std::uint32_t first = kOutside, last = 0;
  std::size_t end = begin;
  for (std::uint32_t p = 0; p < static_cast<std::uint32_t>(pixels); ++p) {
    for (Index j = 0; j < t.neighbours; ++j, ++lookup) {
      const std::uint32_t k = *lookup;
      entry[end] = p << 16 | k;
      if (weighted) out->weight[end] = *weight;
      const bool counts = k != kOutside && (!weighted || *weight != 0);
      first = std::min(first, counts ? k : kOutside);
      last = std::max(last, counts ? k + 1 : 0);
      end += counts ? 1 : 0;
      if (weighted) ++weight;
    }
  }
  out->entry.resize(end);
  if (weighted) out->weight.resize(end);
  if (end == begin) return;
  out->first_used = std::min<Index>(out->first_used, first);
  out->last_used = std::max<Index>(out->last_used, last);
  out->part.push_back({static_cast<Index>(begin), static_cast<Index>(end), first_pixel,
                       t.live_time[static_cast<std::size_t>(pointing)]});
}

}  // namespace

std::shared_ptr<const Attitude> make_attitude(AttitudeTable table, Index directions) {
  check_sizes(table);
  check_values(table, directions);
  auto out = std::make_shared<Attitude>();
  out->times = table.times;
  out->pixels = table.pixels;
  out->directions = directions;
  out->first_used = directions;
  const auto seen = static_cast<std::size_t>(std::count_if(table.lookup.begin(), table.lookup.end(),
                                                           [](auto k) { return k != kOutside; }));
  const auto spare = static_cast<std::size_t>(table.pixels * table.neighbours);
  out->entry.reserve(seen + spare);
  if (!table.weight.empty()) out->weight.reserve(seen + spare);
  out->begin.assign(static_cast<std::size_t>(table.times) + 1, 0);
  for (const Index v : by_time(table)) {
    if (table.live_time[static_cast<std::size_t>(v)] == 0) continue;
    for (Index p = 0; p < table.pixels; p += kPartPixels) add_part(table, v, p, out.get());
    const auto t = static_cast<std::size_t>(table.time_bin[static_cast<std::size_t>(v)]);
    out->begin[t + 1] = static_cast<Index>(out->part.size());
  }
  for (std::size_t t = 1; t < out->begin.size(); ++t) {
    out->begin[t] = std::max(out->begin[t], out->begin[t - 1]);
  }
  if (out->first_used >= out->last_used) out->first_used = out->last_used = 0;
  return out;
}

std::int64_t bytes_of(const Attitude& a) {
  return static_cast<std::int64_t>(
      a.begin.size() * sizeof(Index) + a.part.size() * sizeof(Attitude::Part) +
      a.entry.size() * sizeof(std::uint32_t) + a.weight.size() * sizeof(float));
}

}  // namespace unfold::imaging
