#include "common/simulate/scene.h"

#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_for.h>

#include <algorithm>
#include <cmath>

#include "common/simulate/row_major.h"
#include "common/simulate/stamp.h"

namespace unfold::simulate {
namespace {

constexpr int kBundle = 25;

/// One bundle's light on its own columns.
struct Piece {
  Rectangle box;
  std::vector<double> electrons;
};

Rectangle joined(const Rectangle& a, const Rectangle& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  return {std::min(a.x_begin, b.x_begin), std::max(a.x_end, b.x_end),
          std::min(a.y_begin, b.y_begin), std::max(a.y_end, b.y_end)};
}

/// The pixels on the CCD that the stamps of fibres [first, last) touch.
Rectangle touched(const fits::Psf& psf, const StampEvaluator& evaluator, int first, int last,
                  std::span<const double> wavelength) {
  Rectangle box = {psf.npix_x, 0, psf.npix_y, 0};
  for (int fibre = first; fibre < last; ++fibre) {
    for (const double w : wavelength) {
      const int x = static_cast<int>(std::floor(evaluator.x(fibre, w) + 0.5));
      const int y = static_cast<int>(std::floor(evaluator.y(fibre, w) + 0.5));
      box.x_begin = std::min(box.x_begin, x - psf.hsize_x);
      box.x_end = std::max(box.x_end, x + psf.hsize_x + 1);
      box.y_begin = std::min(box.y_begin, y - psf.hsize_y);
      box.y_end = std::max(box.y_end, y + psf.hsize_y + 1);
    }
  }
  return {std::max(box.x_begin, 0), std::min(box.x_end, psf.npix_x), std::max(box.y_begin, 0),
          std::min(box.y_end, psf.npix_y)};
}

void add_stamp(const Stamp& stamp, double photons, Piece& piece) {
  const Rectangle& box = piece.box;
  const int x_begin = std::max(stamp.x_begin, box.x_begin);
  const int x_end = std::min(stamp.x_begin + stamp.nx, box.x_end);
  const int y_begin = std::max(stamp.y_begin, box.y_begin);
  const int y_end = std::min(stamp.y_begin + stamp.ny, box.y_end);
  for (int y = y_begin; y < y_end; ++y) {
    const double* from = &stamp.values[row_major(y - stamp.y_begin, stamp.nx)];
    double* to = &piece.electrons[static_cast<std::size_t>(y - box.y_begin) *
                                  static_cast<std::size_t>(box.x_end - box.x_begin)];
    for (int x = x_begin; x < x_end; ++x) to[x - box.x_begin] += photons * from[x - stamp.x_begin];
  }
}

Piece project_bundle(const fits::Psf& psf, int first_fibre, int first, int last,
                     std::span<const double> wavelength, std::span<const double> photons) {
  const StampEvaluator evaluator(psf);
  Piece piece;
  piece.box = touched(psf, evaluator, first_fibre + first, first_fibre + last, wavelength);
  if (piece.box.empty()) return piece;
  piece.electrons.assign(static_cast<std::size_t>(piece.box.x_end - piece.box.x_begin) *
                             static_cast<std::size_t>(piece.box.y_end - piece.box.y_begin),
                         0.0);
  Stamp stamp;
  for (int spectrum = first; spectrum < last; ++spectrum) {
    for (std::size_t bin = 0; bin < wavelength.size(); ++bin) {
      const double light = photons[static_cast<std::size_t>(spectrum) * wavelength.size() + bin];
      if (light == 0) continue;
      evaluator.evaluate(first_fibre + spectrum, wavelength[bin], stamp);
      add_stamp(stamp, light, piece);
    }
  }
  return piece;
}

void add_piece(const Piece& piece, Scene& scene) {
  const auto width = static_cast<std::size_t>(piece.box.x_end - piece.box.x_begin);
  for (int y = piece.box.y_begin; y < piece.box.y_end; ++y) {
    const double* from = &piece.electrons[static_cast<std::size_t>(y - piece.box.y_begin) * width];
    double* to = &scene.electrons[static_cast<std::size_t>(y) * static_cast<std::size_t>(scene.nx) +
                                  static_cast<std::size_t>(piece.box.x_begin)];
    for (std::size_t x = 0; x < width; ++x) to[x] += from[x];
  }
  scene.lit = joined(scene.lit, piece.box);
}

}  // namespace

Scene project(const fits::Psf& psf, int first_fibre, std::span<const double> wavelength,
              std::span<const double> photons) {
  Scene scene;
  scene.nx = psf.npix_x;
  scene.ny = psf.npix_y;
  scene.electrons.assign(static_cast<std::size_t>(scene.nx) * static_cast<std::size_t>(scene.ny),
                         0.0);
  if (wavelength.empty()) return scene;
  const int fibres = static_cast<int>(photons.size() / wavelength.size());
  const int bundles = (fibres + kBundle - 1) / kBundle;
  std::vector<Piece> pieces(static_cast<std::size_t>(bundles));
  tbb::parallel_for(0, bundles, [&](int bundle) {
    pieces[static_cast<std::size_t>(bundle)] =
        project_bundle(psf, first_fibre, bundle * kBundle, std::min((bundle + 1) * kBundle, fibres),
                       wavelength, photons);
  });
  for (const Piece& piece : pieces) {
    if (!piece.box.empty()) add_piece(piece, scene);
  }
  return scene;
}

}  // namespace unfold::simulate
