#include "common/simulate/spi_geometry.h"

#include <algorithm>
#include <cmath>

namespace unfold::simulate {
namespace {

struct Direction {
  double x = 0;
  double y = 0;
  double z = 0;
};

/// From the sample to a pixel's centre, of length 1.
Direction direction_of(const SpiGeometry& geometry, double pixel, double x, double y) {
  const double z = geometry.distance / pixel;
  const double length = std::sqrt(x * x + y * y + z * z);
  return {x / length, y / length, z / length};
}

/// Calls `look` with the index of each pixel and its place off the middle, in pixels.
template <class Look>
void each_pixel(int size, const Look& look) {
  const double middle = (size - 1) / 2.0;
  for (int i = 0; i < size; ++i)
    for (int j = 0; j < size; ++j)
      look(static_cast<std::size_t>(i) * static_cast<std::size_t>(size) +
               static_cast<std::size_t>(j),
           i - middle, j - middle);
}

/// Solid angle of a pixel up to a factor, and what a polarised beam leaves of it.
double correction_of(const SpiGeometry& geometry, const Direction& to) {
  double out = 1;
  if (geometry.solid_angle) out *= to.z * to.z * to.z;
  if (geometry.polarization) out *= 1 - to.x * to.x;
  return out;
}

}  // namespace

double pixel_size_of(const SpiGeometry& geometry) {
  if (geometry.corner == 0) return geometry.pixel_size;
  const double two_theta = 2 * std::asin(geometry.wavelength / (2 * geometry.corner));
  return geometry.distance * std::tan(two_theta) / (std::sqrt(2.0) * (geometry.size - 1) / 2);
}

std::vector<double> pixel_q(const SpiGeometry& geometry, double dx, double dy) {
  const double pixel = pixel_size_of(geometry);
  const auto pixels =
      static_cast<std::size_t>(geometry.size) * static_cast<std::size_t>(geometry.size);
  std::vector<double> q(3 * pixels);
  each_pixel(geometry.size, [&](std::size_t p, double x, double y) {
    const Direction to = direction_of(geometry, pixel, x - dx, y - dy);
    q[3 * p] = to.x / geometry.wavelength;
    q[3 * p + 1] = to.y / geometry.wavelength;
    q[3 * p + 2] = (to.z - 1) / geometry.wavelength;
  });
  return q;
}

std::vector<double> lengths_of(std::span<const double> q) {
  std::vector<double> out(q.size() / 3);
  for (std::size_t p = 0; p < out.size(); ++p)
    out[p] = std::hypot(q[3 * p], q[3 * p + 1], q[3 * p + 2]);
  return out;
}

absl::StatusOr<spi_data::Detector> detector_of(const SpiGeometry& geometry) {
  if (absl::Status status = check_geometry(geometry); !status.ok()) return status;
  const double pixel = pixel_size_of(geometry);
  spi_data::Detector detector;
  detector.q = pixel_q(geometry, 0, 0);
  const std::size_t pixels = detector.q.size() / 3;
  detector.correction.resize(pixels);
  detector.mask.assign(pixels, spi_data::kGood);
  each_pixel(geometry.size, [&](std::size_t p, double x, double y) {
    detector.correction[p] =
        static_cast<float>(correction_of(geometry, direction_of(geometry, pixel, x, y)));
    if (geometry.beamstop > 0 && std::hypot(x, y) <= geometry.beamstop)
      detector.mask[p] = spi_data::kBad;
    detector.picture.push_back(static_cast<std::int32_t>(p) / geometry.size);
    detector.picture.push_back(static_cast<std::int32_t>(p) % geometry.size);
  });
  const float largest = *std::max_element(detector.correction.begin(), detector.correction.end());
  for (float& correction : detector.correction) correction /= largest;
  detector.shape = {1, geometry.size, geometry.size};
  detector.wavelength = geometry.wavelength;
  detector.distance = geometry.distance;
  return detector;
}

}  // namespace unfold::simulate
