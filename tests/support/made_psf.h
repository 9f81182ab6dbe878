#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "workers/kernels/extraction/extraction.h"

/// A PSF made from nothing, with the proportions of a DESI r camera; for tests and benchmarks that
/// have no file.
namespace unfold::test {

struct MadePsfSpec {
  int n_spec = 25;
  int npix_x = 220;
  int npix_y = 400;
  double wave_min = 6000;
  double wave_max = 6200;
  double first_x = 20;     ///< of fibre 0
  double pitch = 7.2;      ///< pixels between fibres
  double bundle_gap = 12;  ///< more between bundles of 25
  double first_y = 5;      ///< at wave_min
  double pixels_per_angstrom = 1.9;
  double smile = 3;  ///< rows between the middle and the edge of the slit
  double tail_amplitude = 0;
  int degree = 4;
  bool second_core = false;
};

struct MadePsf {
  extraction::PsfShape shape;
  extraction::PsfTraces traces;
};

inline extraction::LegendreSet legendre_rows(const MadePsfSpec& spec, int n_row, int n_coef) {
  extraction::LegendreSet set{spec.wave_min, spec.wave_max, n_row, spec.n_spec, n_coef, {}};
  set.coef.resize(static_cast<std::size_t>(n_row) * static_cast<std::size_t>(spec.n_spec) *
                  static_cast<std::size_t>(n_coef));
  return set;
}

inline MadePsf make_psf(const MadePsfSpec& spec = {}) {
  MadePsf psf;
  extraction::PsfShape& s = psf.shape;
  s.model =
      spec.second_core ? extraction::PsfModel::kGaussHermite2 : extraction::PsfModel::kGaussHermite;
  s.n_spec = spec.n_spec;
  s.npix_x = spec.npix_x;
  s.npix_y = spec.npix_y;
  s.half_size_x = 8;
  s.half_size_y = 5;
  s.degree_x = s.degree_y = spec.degree;
  s.degree2_x = s.degree2_y = spec.second_core ? 2 : 0;
  s.params = legendre_rows(spec, s.n_rows(), 3);
  psf.traces = {legendre_rows(spec, 1, 3), legendre_rows(spec, 1, 3)};
  const double half_length = 0.5 * (spec.wave_max - spec.wave_min) * spec.pixels_per_angstrom;
  for (int f = 0; f < spec.n_spec; ++f) {
    const double slit = spec.n_spec > 1 ? 2.0 * f / (spec.n_spec - 1) - 1 : 0;
    double* x = psf.traces.x.row(0, f);
    x[0] = spec.first_x + f * spec.pitch + f / 25 * spec.bundle_gap;
    x[1] = 1.5 * slit;
    x[2] = 0.4;
    double* y = psf.traces.y.row(0, f);
    y[0] = spec.first_y + half_length + spec.smile * slit * slit;
    y[1] = half_length;
    const auto set = [&](int row, double value, double slope) {
      s.params.row(row, f)[0] = value;
      s.params.row(row, f)[1] = slope;
    };
    set(extraction::kSigmaX, 1.05 + 0.02 * slit, 0.03);
    set(extraction::kSigmaY, 1.12, -0.02);
    set(extraction::kTailAmplitude, spec.tail_amplitude, 0);
    set(extraction::kTailCore, 1, 0);
    set(extraction::kTailScaleX, 1, 0);
    set(extraction::kTailScaleY, 1, 0);
    set(extraction::kTailIndex, 2, 0);
    set(extraction::kCoreRadius, 3, 0);
    set(extraction::kSigma2X, 2.5, 0);
    set(extraction::kSigma2Y, 2.6, 0);
    for (int i = 0; i <= s.degree_x; ++i) {
      for (int j = 0; j <= s.degree_y; ++j) {
        const double size = i + j == 0 ? 1 : 0.02 / (1 + i * i + j * j);
        set(s.gh_row(i, j), (i + 2 * j) % 3 == 1 ? -size : size, 0.001 * slit);
      }
    }
    for (int i = 0; spec.second_core && i <= s.degree2_x; ++i) {
      for (int j = 0; j <= s.degree2_y; ++j) set(s.gh2_row(i, j), i + j == 0 ? 0.05 : 0.001, 0);
    }
  }
  return psf;
}

/// The size of one bundle of a DESI r frame: 25 fibres, 5760 to 7620 Angstrom.
inline MadePsfSpec full_bundle() {
  return {.n_spec = 25,
          .npix_x = 220,
          .npix_y = 4128,
          .wave_min = 5543,
          .wave_max = 7827,
          .first_y = -60,
          .pixels_per_angstrom = 1.85,
          .smile = 10,
          .degree = 6};
}

/// A uniform number in [0, 1) per call; the same sequence everywhere.
class Draws {
 public:
  explicit Draws(std::uint64_t seed) : state_(seed) {}
  double uniform() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<double>(state_ >> 11) / 9007199254740992.0;
  }
  double normal() {
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(6.28318530717958647692 * uniform());
  }

 private:
  std::uint64_t state_;
};

struct MadeFrame {
  int n_row = 0, n_col = 0;
  std::vector<float> image, ivar;
  std::vector<double> flux;  ///< the truth, electrons per bin
  extraction::FrameView view() const {
    return {{image.data(), n_row, n_col}, {ivar.data(), n_row, n_col}};
  }
};

/// Continuum and lines of n_spec fibres from spec_min on, Gaussian noise of the pixels' own
/// variance (scaled by `noise`) with a read noise of 3 electrons, and `masked` of the pixels
/// without weight.
inline MadeFrame make_frame(const extraction::PsfShape& shape, const extraction::PsfTraces& traces,
                            const extraction::WavelengthGrid& grid, int spec_min, int n_spec,
                            double masked = 0, double noise = 1) {
  Draws draws(42);
  MadeFrame frame;
  frame.n_row = shape.npix_y;
  frame.n_col = shape.npix_x;
  frame.flux.resize(static_cast<std::size_t>(n_spec) * static_cast<std::size_t>(grid.size));
  for (double& f : frame.flux) {
    f = 40 + 20 * draws.uniform() + (draws.uniform() < 0.03 ? 3000 * draws.uniform() : 0);
  }
  const std::size_t n =
      static_cast<std::size_t>(frame.n_row) * static_cast<std::size_t>(frame.n_col);
  frame.image.assign(n, 0);
  compute::Cpu cpu(1);
  extraction::project(shape, traces, grid, spec_min, {frame.flux.data(), n_spec, grid.size},
                      extraction::Tails::kOff, {frame.image.data(), frame.n_row, frame.n_col}, cpu);
  frame.ivar.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double variance = static_cast<double>(frame.image[i]) + 9;
    frame.ivar[i] = static_cast<float>(1 / variance);
    frame.image[i] += static_cast<float>(noise * std::sqrt(variance) * draws.normal());
    if (draws.uniform() < masked) frame.ivar[i] = 0;
  }
  return frame;
}

}  // namespace unfold::test
