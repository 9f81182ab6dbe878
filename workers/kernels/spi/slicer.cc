#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <utility>

#include "workers/kernels/spi/matching.h"

namespace unfold::spi {
namespace {

double length_of(const Detector& detector, std::size_t pixel) {
  const double* q = &detector.q[3 * pixel];
  return std::hypot(q[0], q[1], q[2]);
}

/// sum_n a_n sin(|n| x) / (|n| x): the mean of I over the sphere of radius x, from the sums of a
/// over shells of equal |n|^2.
double sphere_mean(std::span<const double> shell, double x) {
  double sum = shell[0];
  for (std::size_t square = 1; square < shell.size(); ++square) {
    if (shell[square] == 0) continue;
    const double phase = std::sqrt(static_cast<double>(square)) * x;
    sum += shell[square] * (phase > 1e-8 ? std::sin(phase) / phase : 1.0);
  }
  return sum;
}

std::array<float, 9> rounded_matrix(const Quaternion& rotation) {
  const Matrix3 matrix = matrix_of(rotation);
  std::array<float, 9> rounded;
  std::transform(matrix.begin(), matrix.end(), rounded.begin(),
                 [](double x) { return static_cast<float>(x); });
  return rounded;
}

}  // namespace

std::vector<std::uint32_t> matching_pixels(const Detector& detector, double qlimit) {
  const double limit = qlimit > 0 ? qlimit : detector.qmax / std::numbers::sqrt2 * 1.001;
  std::vector<std::uint32_t> pixels;
  for (std::size_t p = 0; p < detector.mask.size(); ++p)
    if (detector.mask[p] == PixelClass::kGood && length_of(detector, p) <= limit)
      pixels.push_back(static_cast<std::uint32_t>(p));
  return pixels;
}

Slicer::Slicer(compute::Cpu& cpu, Index grid, const Detector& detector, double tolerance,
               compute::Isa isa)
    : cpu_(&cpu),
      detector_(&detector),
      modes_(grid),
      grid_(cpu, {grid, grid, grid}, {.tolerance = tolerance, .isa = isa}),
      quick_(grid, isa) {}

void Slicer::set(View<const double, 3> a) {
  const Index middle = modes_ / 2;
  std::vector<float> rounded(static_cast<std::size_t>(a.size()));
  shell_.assign(static_cast<std::size_t>(3 * middle * middle + 1), 0.0);
  std::size_t place = 0;
  for (Index i = 0; i < modes_; ++i)
    for (Index j = 0; j < modes_; ++j)
      for (Index k = 0; k < modes_; ++k, ++place) {
        const Index square =
            (i - middle) * (i - middle) + (j - middle) * (j - middle) + (k - middle) * (k - middle);
        rounded[place] = static_cast<float>(a.data[place]);
        shell_[static_cast<std::size_t>(square)] += a.data[place];
      }
  grid_.set(View<const float, 3>(rounded.data(), modes_, modes_, modes_));
  quick_.set(a);
}

PixelChoice Slicer::choose(std::vector<std::uint32_t> pixels) const {
  PixelChoice choice;
  const double scale = std::numbers::pi / detector_->qmax;
  for (const std::uint32_t p : pixels) {
    for (std::size_t d = 0; d < 3; ++d)
      choice.position.push_back(static_cast<float>(scale * detector_->q[3 * p + d]));
    choice.correction.push_back(detector_->correction[p]);
  }
  for (std::size_t d = 0; d < 3; ++d)
    for (std::size_t p = 0; p < pixels.size(); ++p)
      choice.axes.push_back(choice.position[3 * p + d]);
  choice.pixel = std::move(pixels);
  return choice;
}

void Slicer::slice(const Quaternion& rotation, const PixelChoice& choice, float* out) const {
  const std::array<float, 9> matrix = rounded_matrix(rotation);
  grid_.rotated(matrix, View<const float, 2>(choice.position.data(), choice.size(), 3), out);
  const std::size_t size = choice.correction.size();
  for (std::size_t p = 0; p < size; ++p) out[p] *= choice.correction[p];
}

void Slicer::quick_slice(const Quaternion& rotation, const PixelChoice& choice, float* out) const {
  if (choice.size() < QuickGrid::kSmallest) return slice(rotation, choice, out);
  quick_.cut(rounded_matrix(rotation).data(), choice.size(), choice.axes.data(),
             choice.correction.data(), out);
}

void Slicer::slices(std::span<const Quaternion> rotations, const PixelChoice& choice,
                    View<float, 2> out) const {
  cpu_->parallel_for(static_cast<Index>(rotations.size()), [&](Index j) {
    slice(rotations[static_cast<std::size_t>(j)], choice, out.data + j * choice.size());
  });
}

void Slicer::slices(std::span<const Quaternion> rotations, std::span<const std::uint32_t> pixels,
                    View<float, 2> out) const {
  slices(rotations, choose({pixels.begin(), pixels.end()}), out);
}

void Slicer::mean_slice(const PixelChoice& choice, float* out) const {
  // A table fine enough for straight lines between its entries: the fastest wave turns by 0.17
  // radians from one to the next.
  const Index steps = 16 * modes_;
  const double step = std::numbers::pi / static_cast<double>(steps);
  std::vector<double> table(static_cast<std::size_t>(steps) + 2);
  cpu_->parallel_for(steps + 2, [&](Index i) {
    table[static_cast<std::size_t>(i)] = sphere_mean(shell_, static_cast<double>(i) * step);
  });
  const double scale = std::numbers::pi / detector_->qmax / step;
  for (std::size_t p = 0; p < choice.pixel.size(); ++p) {
    const double place =
        std::min(scale * length_of(*detector_, choice.pixel[p]), static_cast<double>(steps));
    const auto below = static_cast<std::size_t>(place);
    const double rest = place - static_cast<double>(below);
    const double mean = (1 - rest) * table[below] + rest * table[below + 1];
    out[p] = static_cast<float>(mean) * choice.correction[p];
  }
}

}  // namespace unfold::spi
