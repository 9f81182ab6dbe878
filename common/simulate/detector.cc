#include <oneapi/tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/simulate/random.h"
#include "common/simulate/scene.h"

namespace unfold::simulate {
namespace {

// Streams of random numbers: one a row of the CCD, one a kind of defect.
constexpr std::uint64_t kRowStream = std::uint64_t{1} << 40;
constexpr std::uint64_t kCosmicStream = std::uint64_t{2} << 40;
constexpr std::uint64_t kColumnStream = std::uint64_t{3} << 40;
constexpr std::uint64_t kPixelStream = std::uint64_t{4} << 40;
constexpr std::uint64_t kNanStream = std::uint64_t{5} << 40;
constexpr double kNegligibleSigmas = 0.1;  // charge below this share of a pixel's error is left out

void expose_row(const Scene& scene, const Detector& detector, int y, fits::Preproc& out) {
  Random random(detector.seed, kRowStream + static_cast<std::uint64_t>(y));
  const double floor = detector.read_noise * detector.read_noise;
  const auto begin = static_cast<std::size_t>(y) * static_cast<std::size_t>(scene.nx);
  for (std::size_t i = begin; i < begin + static_cast<std::size_t>(scene.nx); ++i) {
    const double mean = scene.electrons[i];
    const double counted = mean > 0 ? random.poisson(mean) : 0.0;
    const double value = counted + detector.read_noise * random.normal();
    const double variance =
        floor + (detector.ivar == IvarFrom::kModel ? mean : std::max(value, 0.0));
    out.image[i] = static_cast<float>(value);
    out.ivar[i] = static_cast<float>(1 / variance);
  }
}

std::size_t pixel_index(const fits::Preproc& out, int x, int y) {
  return static_cast<std::size_t>(y) * static_cast<std::size_t>(out.nx) +
         static_cast<std::size_t>(x);
}

/// A point within `box`.
struct Point {
  double x = 0;
  double y = 0;
};
Point point_within(const Rectangle& box, Random& random) {
  return {random.uniform(box.x_begin, box.x_end), random.uniform(box.y_begin, box.y_end)};
}

/// A straight track of 1 .. 16 pixels whose charge spreads a little to its sides.
void add_cosmic(const Rectangle& box, double flagged, Random random, fits::Preproc& out) {
  const Point start = point_within(box, random);
  const double angle = random.uniform(0, 2 * M_PI);
  const double length = 1 + 15 * random.uniform() * random.uniform();
  const double charge = std::pow(10.0, random.uniform(2.0, 4.0));  // electrons a pixel of track
  const bool marked = random.uniform() < flagged;
  const int reach = static_cast<int>(length) + 2;
  const int x0 = static_cast<int>(start.x);
  const int y0 = static_cast<int>(start.y);
  for (int y = std::max(box.y_begin, y0 - reach); y < std::min(box.y_end, y0 + reach + 1); ++y) {
    for (int x = std::max(box.x_begin, x0 - reach); x < std::min(box.x_end, x0 + reach + 1); ++x) {
      const double along = (x - start.x) * std::cos(angle) + (y - start.y) * std::sin(angle);
      const double across = (y - start.y) * std::cos(angle) - (x - start.x) * std::sin(angle);
      const double beside = along - std::clamp(along, 0.0, length);
      const double charge_here = charge * std::exp(-2 * (across * across + beside * beside));
      const std::size_t i = pixel_index(out, x, y);
      if (charge_here * std::sqrt(static_cast<double>(out.ivar[i])) < kNegligibleSigmas) continue;
      out.image[i] += static_cast<float>(charge_here);
      if (marked) out.mask[i] |= static_cast<std::int32_t>(fits::ccdmask::kCosmic);
    }
  }
}

void add_bad_column(const Rectangle& box, Random random, fits::Preproc& out) {
  const int x = static_cast<int>(point_within(box, random).x);
  const auto level = static_cast<float>(random.uniform(200, 2000));
  for (int y = 0; y < out.ny; ++y) {
    const std::size_t i = pixel_index(out, x, y);
    out.image[i] += level;
    out.mask[i] |= static_cast<std::int32_t>(fits::ccdmask::kBad);
  }
}

void add_bad_pixel(const Rectangle& box, Random random, fits::Preproc& out) {
  const Point point = point_within(box, random);
  const std::size_t i = pixel_index(out, static_cast<int>(point.x), static_cast<int>(point.y));
  if (random.uniform() < 0.5) {
    out.image[i] += static_cast<float>(random.uniform(500, 5000));
    out.mask[i] |= static_cast<std::int32_t>(fits::ccdmask::kHot);
  } else {
    out.image[i] = 0;
    out.mask[i] |= static_cast<std::int32_t>(fits::ccdmask::kDead);
  }
}

void add_nan_pixel(const Rectangle& box, Random random, fits::Preproc& out) {
  const Point point = point_within(box, random);
  out.image[pixel_index(out, static_cast<int>(point.x), static_cast<int>(point.y))] =
      std::numeric_limits<float>::quiet_NaN();
}

/// `count` calls of `add`, each with random numbers of its own.
template <class Add>
void add_each(int count, std::uint64_t seed, std::uint64_t stream, const Add& add) {
  for (int i = 0; i < count; ++i) add(Random(seed, stream + static_cast<std::uint64_t>(i)));
}

}  // namespace

fits::Preproc expose(const Scene& scene, const Detector& detector) {
  fits::Preproc out;
  out.nx = scene.nx;
  out.ny = scene.ny;
  out.image.resize(scene.electrons.size());
  out.ivar.resize(scene.electrons.size());
  out.mask.assign(scene.electrons.size(), 0);
  tbb::parallel_for(0, scene.ny, [&](int y) { expose_row(scene, detector, y, out); });
  if (scene.lit.empty()) return out;
  add_each(detector.cosmics, detector.seed, kCosmicStream,
           [&](Random random) { add_cosmic(scene.lit, detector.cosmics_flagged, random, out); });
  add_each(detector.bad_columns, detector.seed, kColumnStream,
           [&](Random random) { add_bad_column(scene.lit, random, out); });
  add_each(detector.bad_pixels, detector.seed, kPixelStream,
           [&](Random random) { add_bad_pixel(scene.lit, random, out); });
  add_each(detector.nan_pixels, detector.seed, kNanStream,
           [&](Random random) { add_nan_pixel(scene.lit, random, out); });
  return out;
}

}  // namespace unfold::simulate
