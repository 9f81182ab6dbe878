#include "tests/physics/bundle.h"

#include <algorithm>
#include <cmath>

#include "common/formats/fits/frame_products.h"
#include "common/simulate/make_psf.h"
#include "common/simulate/spectra.h"
#include "common/simulate/stamp.h"
#include "tests/physics/psf_bridge.h"

namespace unfold::physics {
namespace {

constexpr int kBundle = 25;
constexpr int kMargin = 30;  // rows and columns beyond the light

template <class T>
std::vector<float> floats(const std::vector<T>& values, double factor) {
  std::vector<float> out;
  out.reserve(values.size());
  for (const T value : values)
    out.push_back(static_cast<float>(static_cast<double>(value) * factor));
  return out;
}

std::vector<double> wavelengths(const SmallCamera& camera) {
  std::vector<double> out;
  for (int i = 0; i < camera.grid.size; ++i) out.push_back(camera.grid.label(i));
  return out;
}

}  // namespace

SmallCamera remade(SmallCamera camera) {
  camera.shape = shape_of(camera.psf);
  camera.traces = traces_of(camera.psf);
  return camera;
}

SmallCamera small_camera(int bundles, double first_wavelength, int bins) {
  return small_camera(simulate::make_psf("r0").value(), bundles, first_wavelength, bins);
}

SmallCamera small_camera(const fits::Psf& psf, int bundles, double first_wavelength, int bins) {
  SmallCamera camera;
  camera.psf = psf;
  camera.fibres = bundles * kBundle;
  camera.grid = {first_wavelength, 0.8, bins, 1.0};
  const simulate::StampEvaluator trace(camera.psf);
  double lowest = 1e9;
  double highest = 0;
  double rightmost = 0;
  for (int fibre = 0; fibre < camera.fibres; ++fibre) {
    lowest = std::min(lowest, trace.y(fibre, first_wavelength));
    highest = std::max(highest, trace.y(fibre, camera.grid.label(bins - 1)));
    rightmost = std::max(rightmost, trace.x(fibre, first_wavelength));
  }
  const double down = std::floor(lowest) - kMargin;
  for (int fibre = 0; fibre < camera.psf.nspec; ++fibre) {
    camera.psf.y.coefficients[static_cast<std::size_t>(fibre * camera.psf.y.ncoef)] -= down;
  }
  camera.psf.npix_y = static_cast<int>(highest - down) + kMargin;
  camera.psf.npix_x = static_cast<int>(rightmost) + kMargin;
  return remade(std::move(camera));
}

simulate::Truth light_of(const SmallCamera& camera, std::uint64_t seed) {
  simulate::Truth truth;
  truth.nspec = camera.fibres;
  truth.nwave = camera.grid.size;
  truth.wavelength = wavelengths(camera);
  const std::vector<simulate::Line> sky =
      simulate::sky_lines(truth.wavelength.front() - 50, truth.wavelength.back() + 50);
  for (int fibre = 0; fibre < camera.fibres; ++fibre) {
    const std::vector<double> photons = simulate::photons_per_bin(
        simulate::make_target(fibre, seed), sky, truth.wavelength, camera.grid.step);
    truth.photons.insert(truth.photons.end(), photons.begin(), photons.end());
  }
  return truth;
}

simulate::Scene scene_of(const SmallCamera& camera, const simulate::Truth& truth) {
  return simulate::project(camera.psf, 0, truth.wavelength, truth.photons);
}

extraction::Options options_of(const SmallCamera& camera, extraction::Mode mode) {
  extraction::Options options;
  options.wavelength = camera.grid;
  options.n_spec = camera.fibres;
  options.mode = mode;
  return options;
}

extraction::Spectra extract(const SmallCamera& camera, const fits::Preproc& image,
                            const extraction::Options& options) {
  std::vector<float> ivar = image.ivar;
  for (std::size_t i = 0; i < ivar.size(); ++i) {
    if (image.mask[i] != 0) ivar[i] = 0;
  }
  compute::Cpu cpu;
  return extraction::extract(
      camera.shape, camera.traces,
      {{image.image.data(), image.ny, image.nx}, {ivar.data(), image.ny, image.nx}}, options, cpu);
}

fits::Preproc noiseless(const simulate::Scene& scene) {
  constexpr double kReadNoise = 3;
  fits::Preproc image;
  image.nx = scene.nx;
  image.ny = scene.ny;
  image.image = floats(scene.electrons, 1);
  for (const double electrons : scene.electrons) {
    image.ivar.push_back(static_cast<float>(1 / (electrons + kReadNoise * kReadNoise)));
  }
  image.mask.assign(scene.electrons.size(), 0);
  return image;
}

fits::Frame frame_of(const SmallCamera& camera, const extraction::Spectra& spectra) {
  fits::Frame frame;
  frame.nspec = spectra.n_spec;
  frame.nwave = spectra.n_wave;
  frame.ndiag = spectra.n_diag;
  frame.wavelength = wavelengths(camera);
  frame.flux = floats(spectra.flux, 1 / camera.grid.step);
  frame.ivar = floats(spectra.ivar, camera.grid.step * camera.grid.step);
  frame.resolution = spectra.resolution;
  frame.chi2pix = floats(spectra.chi2pix, 1);
  const std::vector<float> fraction = floats(spectra.pixmask_fraction, 1);
  frame.mask = fits::frame_mask({.nspec = frame.nspec,
                                 .nwave = frame.nwave,
                                 .pixmask_fraction = fraction,
                                 .chi2pix = frame.chi2pix,
                                 .ivar = frame.ivar,
                                 .off_ccd = {}});
  return frame;
}

double resolved(const extraction::Spectra& spectra, const simulate::Truth& truth, int s, int i) {
  double sum = 0;
  for (int j = std::max(0, i - spectra.n_diag);
       j <= std::min(spectra.n_wave - 1, i + spectra.n_diag); ++j) {
    const int k = i - j + spectra.n_diag;
    const auto at =
        static_cast<std::size_t>((s * (2 * spectra.n_diag + 1) + k) * spectra.n_wave + j);
    sum += static_cast<double>(spectra.resolution[at]) *
           truth.photons[static_cast<std::size_t>(s * truth.nwave + j)];
  }
  return sum;
}

}  // namespace unfold::physics
