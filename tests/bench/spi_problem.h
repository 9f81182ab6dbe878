#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "tests/bench/timing.h"
#include "workers/compute/random.h"
#include "workers/kernels/spi/matching.h"

/// What the single-particle benches share: least times, and frames of a made-up molecule.
namespace unfold::spi::bench {

using unfold::bench::peak_megabytes;

struct Seconds {
  double wall = 1e30, cpu = 1e30;
};

/// Keeps the shorter of `best` and what f() takes now.
inline void time(Seconds& best, const std::function<void()>& f) {
  const unfold::bench::Stopwatch watch;
  f();
  best.wall = std::min(best.wall, watch.wall());
  best.cpu = std::min(best.cpu, watch.cpu());
}

/// A square of pixels on the Ewald sphere, qmax below 1, with a beamstop.
inline Detector flat_detector(Index side) {
  Detector d;
  for (Index i = 0; i < side; ++i)
    for (Index j = 0; j < side; ++j) {
      const double half = static_cast<double>(side - 1) / 2;
      const double x = (static_cast<double>(i) - half) / static_cast<double>(side);
      const double y = (static_cast<double>(j) - half) / static_cast<double>(side);
      const double z = 2 - std::sqrt(4 - x * x - y * y);
      d.q.insert(d.q.end(), {x, y, z});
      d.correction.push_back(1);
      d.mask.push_back(std::hypot(x, y) < 0.06 ? PixelClass::kBad : PixelClass::kGood);
      d.qmax = std::max(d.qmax, std::hypot(x, y, z));
    }
  return d;
}

/// The autocorrelation of random points in the central half of the box.
inline std::vector<double> points_autocorrelation(Index grid) {
  std::vector<double> a(static_cast<std::size_t>(grid * grid * grid), 0.0);
  compute::Random random(1, 1, 1);
  std::vector<std::array<Index, 3>> atoms(150);
  for (auto& atom : atoms)
    for (Index& x : atom)
      x = static_cast<Index>(random.uniform() * static_cast<double>(grid / 2)) - grid / 4;
  for (const auto& u : atoms)
    for (const auto& v : atoms) {
      Index place = 0;
      for (std::size_t d = 0; d < 3; ++d) place = place * grid + (u[d] - v[d] + grid / 2);
      a[static_cast<std::size_t>(place)] += 1;
    }
  return a;
}

/// Frames at random orientations (of stream 3), `photons` each and `background` a pixel.
struct FrameOptions {
  Index frames;
  double photons, background;
};
inline PatternSet noisy_frames(compute::Cpu& cpu, const FrameOptions& args, const Slicer& slicer) {
  const Detector& detector = slicer.detector();
  std::vector<std::uint32_t> all(detector.mask.size());
  for (std::size_t p = 0; p < all.size(); ++p) all[p] = static_cast<std::uint32_t>(p);
  const PixelChoice choice = slicer.choose(all);
  const std::size_t size = all.size();
  std::vector<std::uint16_t> counts(static_cast<std::size_t>(args.frames) * size, 0);
  cpu.parallel_for(args.frames, [&](Index i) {
    std::vector<float> model(size);
    compute::Random random(2, 2, static_cast<std::uint64_t>(i));
    slicer.slice(random_rotation(3, 3, static_cast<std::uint64_t>(i)), choice, model.data());
    double sum = 0;
    for (std::size_t p = 0; p < size; ++p)
      if (detector.mask[p] == PixelClass::kGood) sum += std::max(model[p], 0.0f);
    for (std::size_t p = 0; p < size; ++p) {
      if (detector.mask[p] != PixelClass::kGood) continue;
      const double mean = args.photons * std::max(model[p], 0.0f) / sum + args.background;
      counts[static_cast<std::size_t>(i) * size + p] =
          static_cast<std::uint16_t>(random.poisson(mean));
    }
  });
  return PatternSet::dense(args.frames, detector.pixels(), std::move(counts));
}

}  // namespace unfold::spi::bench
