#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>

#include "tests/support/extraction_difference.h"
#include "tests/support/on_device.h"
#include "workers/kernels/extraction/device/extractor.h"
#include "workers/kernels/extraction/device/frame_plan.h"

// Whole frames on a device against extract() on the host.
namespace unfold::test {

using extraction::RootMethod;

template <class D>
class DeviceExtract : public OnDevice<D> {
 protected:
  void make(const MadePsfSpec& spec = {.n_spec = 10}, double masked = 0.01) {
    psf_ = make_psf(spec);
    frame_ = make_frame(psf_.shape, psf_.traces, {.first = 6040, .step = 0.8, .size = 120}, 0,
                        spec.n_spec, masked);
  }
  static extraction::Options options(int n_spec) {
    extraction::Options o;
    o.wavelength = {.first = 6060, .step = 0.8, .size = 60};
    o.n_spec = n_spec;
    o.bundle_size = 5;
    o.n_subbundles = 1;
    o.n_wave_step = 25;
    return o;
  }
  extraction::Spectra extracted_on_host(const extraction::Options& o) const {
    compute::Cpu cpu(1);
    return extraction::extract(psf_.shape, psf_.traces, frame_.view(), o, cpu);
  }
  /// Decorrelated as `o` asks; fibres from each other by `method`.
  extraction::Spectra run(const extraction::Options& o, RootMethod method = RootMethod::kPoles) {
    extraction::device::Extractor<D> extractor(0);
    return run(extractor, o, method);
  }
  extraction::Spectra run(extraction::device::Extractor<D>& extractor, const extraction::Options& o,
                          RootMethod method = RootMethod::kPoles) {
    const extraction::device::ResidentPsf<D> psf(0, extraction::table_of(psf_.shape));
    extraction::FramePlan plan(psf_.shape, psf_.traces, frame_.view(), o);
    if (o.decorrelate == extraction::Decorrelate::kSignal) plan.job().method = method;
    extraction::Spectra out = extraction::make_spectra(o, psf_.shape.half_size_y);
    std::vector<double> unconvolved;
    extraction::FrameSpectra places = extraction::places_in(out, unconvolved);
    extractor.run(psf.table(), plan.job(), places);
    out.bad_input_pixels = places.bad_input_pixels;
    return out;
  }
  void expect_as_host(const extraction::Options& o) { expect_close(run(o), extracted_on_host(o)); }

  MadePsf psf_;
  MadeFrame frame_;
};
TYPED_TEST_SUITE_P(DeviceExtract);

TYPED_TEST_P(DeviceExtract, AgreesWithTheHostOnAFrameWithMaskedPixels) {
  this->make();
  this->expect_as_host(this->options(10));
}

TYPED_TEST_P(DeviceExtract, AgreesWithTheHostInSubbundlesAndOnPartOfThePsf) {
  this->make();
  extraction::Options o = this->options(5);
  o.spec_min = 5;
  o.n_subbundles = 5;
  this->expect_as_host(o);
}
TYPED_TEST_P(DeviceExtract, AgreesWithTheHostInStrips) {
  this->make();
  extraction::Options o = this->options(5);
  o.mode = extraction::Mode::kStrips;
  this->expect_as_host(o);
}
TYPED_TEST_P(DeviceExtract, AgreesWithTheHostOnTailsAndSecondCores) {
  this->make({.n_spec = 5, .tail_amplitude = 1e-3, .second_core = true});
  extraction::Options o = this->options(5);
  o.tails = extraction::Tails::kOn;
  this->expect_as_host(o);
}
TYPED_TEST_P(DeviceExtract, AgreesWithTheHostAtTheEdgesOfTheCcd) {
  this->make({.n_spec = 5, .npix_x = 70, .npix_y = 300, .first_x = 12, .first_y = -40});
  extraction::Options o = this->options(5);
  o.wavelength = {.first = 6010, .step = 0.8, .size = 60};
  this->expect_as_host(o);
}
TYPED_TEST_P(DeviceExtract, AgreesWithTheHostWhereAFibreIsMaskedAndPixelsAreBad) {
  this->make({.n_spec = 5});
  for (int row = 0; row < this->frame_.n_row; ++row) {
    for (int col = 32; col < 38; ++col) {
      this->frame_.ivar[static_cast<std::size_t>(row * this->frame_.n_col + col)] = 0;
    }
  }
  this->frame_.image[1000] = std::numeric_limits<float>::quiet_NaN();
  this->frame_.ivar[2000] = -1;
  // Masked stretches have a condition of 1e9: rounding is then 3e-7 sigma (docs/numerics.md).
  expect_close(this->run(this->options(5)), this->extracted_on_host(this->options(5)),
               {.pull = 1e-5, .ivar = 1e-6, .resolution = 1e-6, .chi2pix = 1e-6});
}
TYPED_TEST_P(DeviceExtract, AgreesWithTheHostWithRegularisationAndPsfError) {
  this->make();
  extraction::Options o = this->options(5);
  o.regularize = 0.01;
  o.psf_error = 0.05;
  o.wavelength.barycentric_factor = 1.0001;
  this->expect_as_host(o);
}
TYPED_TEST_P(DeviceExtract, OneExtractorDoesFramesOfAnySizeInAnyOrder) {
  this->make();
  extraction::device::Extractor<TypeParam> extractor(0);
  const extraction::Spectra large = this->run(extractor, this->options(10));
  extraction::Options few = this->options(5);
  few.wavelength.size = 30;
  expect_close(this->run(extractor, few), this->extracted_on_host(few));
  EXPECT_EQ(this->run(extractor, this->options(10)).flux, large.flux);
}

TYPED_TEST_P(DeviceExtract, DenseAlgebraAgreesWithTheHostAndWithTheBandedMethod) {
  this->make();
  extraction::Options o = this->options(5);
  o.n_subbundles = 5;  // patches of two sizes
  const extraction::Spectra dense = this->run(o, RootMethod::kDense);
  expect_close(dense, this->extracted_on_host(o));
  expect_close(dense, this->run(o));
}
TYPED_TEST_P(DeviceExtract, DecorrelatesNoiseAsTheHostDoes) {
  this->make();
  extraction::Options o = this->options(5);
  o.decorrelate = extraction::Decorrelate::kNoise;
  o.n_subbundles = 5;
  o.regularize = 0.01;
  this->expect_as_host(o);
}
TYPED_TEST_P(DeviceExtract, DecorrelatesNoiseAsTheHostDoesAtTheEdgesOfTheCcd) {
  this->make({.n_spec = 5, .npix_x = 70, .npix_y = 300, .first_x = 12, .first_y = -40});
  extraction::Options o = this->options(5);
  o.wavelength = {.first = 6010, .step = 0.8, .size = 60};
  o.decorrelate = extraction::Decorrelate::kNoise;
  o.n_subbundles = 5;
  this->expect_as_host(o);
}
TYPED_TEST_P(DeviceExtract, DenseAlgebraOfOnePatchAtATimeGivesTheSame) {
  this->make({.n_spec = 5});
  extraction::Options o = this->options(5);
  o.n_subbundles = 5;
  extraction::device::Extractor<TypeParam> one_by_one(0, 1);
  expect_close(this->run(one_by_one, o, RootMethod::kDense), this->run(o, RootMethod::kDense));
}
TYPED_TEST_P(DeviceExtract, DenseAlgebraTellsWhichMatrixIsNotPositive) {
  TypeParam device(0);
  extraction::device::DenseAlgebra<TypeParam> algebra(device);
  auto m = this->on_device(device, std::vector<double>{4, 2, 2, 3, 1, 2, 2, 1});
  auto b = this->on_device(device, std::vector<double>{8, 8, 1, 1});
  double *const matrices = m.view(8).data, *const rhs = b.view(4).data;
  auto pointers =
      this->on_device(device, std::vector<double*>{matrices, matrices + 4, rhs, rhs + 2});
  double** at = pointers.view(4).data;
  auto failed = this->on_device(device, std::vector<int>{7, 7});
  algebra.solve(at, at + 2, 2, 2, failed.view(2).data);
  const std::vector<int> pivots = this->on_host(failed);
  EXPECT_EQ(pivots[0], 0);
  EXPECT_GT(pivots[1], 0);
  const std::vector<double> x = this->on_host(b);
  EXPECT_NEAR(x[0], 1, 1e-14);
  EXPECT_NEAR(x[1], 2, 1e-14);
}
TYPED_TEST_P(DeviceExtract, DenseAlgebraGivesEigenvectorsInAscendingOrder) {
  TypeParam device(0);
  extraction::device::DenseAlgebra<TypeParam> algebra(device);
  auto m = this->on_device(device, std::vector<double>{2, 1, 1, 2, 5, 0, 0, 3});
  auto values = this->on_device(device, std::vector<double>(4));
  auto failed = this->on_device(device, std::vector<int>{7, 7});
  algebra.eigen(m.view(8).data, values.view(4).data, 2, 2, failed.view(2).data);
  EXPECT_EQ(this->on_host(failed), (std::vector<int>{0, 0}));
  const std::vector<double> u = this->on_host(values), v = this->on_host(m);
  const double want[] = {1, 3, 3, 5};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(u[i], want[i], 1e-14);
  EXPECT_NEAR(v[0] * v[1], -0.5, 1e-14);  // of 1: (1, -1)
  EXPECT_NEAR(v[2] * v[3], 0.5, 1e-14);
  EXPECT_NEAR(std::fabs(v[5]), 1, 1e-14);  // of 3: (0, 1)
}
TYPED_TEST_P(DeviceExtract, DenseAlgebraSolvesThePatchesBesideOneThatItCannot) {
  // Three patches of one fibre and two waves: M = (2 1, 1 2), (1 2, 2 1), (5 0, 0 3).
  TypeParam device(0);
  const extraction::PatchRange range{.n_fibre = 1, .n_core = 1, .n_wave = 2, .n_core_wave = 2};
  const std::vector<extraction::PatchJob> jobs(3, {range, 0, 0});
  const extraction::device::Layout layout{
      .n_fibre = 1, .n_wave = 2, .n_core = 1, .n_core_wave = 2, .half_band = 1, .n_diag = 1};
  std::vector<double> bands(static_cast<std::size_t>(3 * layout.band()));
  const double m[3][3] = {{2, 1, 2}, {1, 2, 1}, {5, 0, 3}};
  for (std::size_t i = 0; i < 3; ++i) {
    double* band = &bands[i * static_cast<std::size_t>(layout.band())];
    band[0] = m[i][0], band[1] = m[i][1], band[layout.band_stride()] = m[i][2];
  }
  auto job = this->on_device(device, jobs);
  auto state = this->on_device(device, std::vector<extraction::device::PatchState>(3));
  auto band = this->on_device(device, bands);
  auto rhs = this->on_device(device, std::vector<double>{3, 3, 1, 1, 5, 6});
  auto weight = this->on_device(device, std::vector<double>(6));
  auto flux = this->on_device(device, std::vector<double>(6));
  auto largest = this->on_device(device, std::vector<double>(3));
  auto root = this->on_device(device, std::vector<double>(24));
  const auto solver = std::make_unique<extraction::device::DenseSolver<TypeParam>>(device);
  const std::vector<int> failed =
      solver->solve({job.view(3).data, state.view(3).data, layout, RootMethod::kNoise, 0,
                     band.view(60).data, rhs.view(6).data, weight.view(6).data, flux.view(6).data,
                     largest.view(3).data, root.view(24).data},
                    jobs, {0, 1, 2}, [](const char*) {});
  EXPECT_EQ(failed, std::vector<int>{1});
  const std::vector<double> f = this->on_host(flux), q = this->on_host(root);
  for (const auto& [at, want] : {std::pair{0, 1.0}, {1, 1.0}, {4, 1.0}, {5, 2.0}}) {
    EXPECT_NEAR(f[static_cast<std::size_t>(at)], want, 1e-14) << at;
  }
  // Of each wave: Q 1, Q f, Q(w, w), Q(w, w + 1).
  const double a = std::sqrt(3.0), b = std::sqrt(5.0);
  const double first[] = {a, a, (a + 1) / 2, (a - 1) / 2, a, a, (a + 1) / 2, 0};
  const double last[] = {b, b, b, 0, a, 2 * a, a, 0};
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_NEAR(q[i], first[i], 1e-14) << i;
    EXPECT_NEAR(q[16 + i], last[i], 1e-14) << i;
  }
}

REGISTER_TYPED_TEST_SUITE_P(
    DeviceExtract, AgreesWithTheHostOnAFrameWithMaskedPixels,
    AgreesWithTheHostInSubbundlesAndOnPartOfThePsf, AgreesWithTheHostInStrips,
    AgreesWithTheHostOnTailsAndSecondCores, AgreesWithTheHostAtTheEdgesOfTheCcd,
    AgreesWithTheHostWhereAFibreIsMaskedAndPixelsAreBad,
    AgreesWithTheHostWithRegularisationAndPsfError, OneExtractorDoesFramesOfAnySizeInAnyOrder,
    DenseAlgebraAgreesWithTheHostAndWithTheBandedMethod, DecorrelatesNoiseAsTheHostDoes,
    DecorrelatesNoiseAsTheHostDoesAtTheEdgesOfTheCcd, DenseAlgebraOfOnePatchAtATimeGivesTheSame,
    DenseAlgebraTellsWhichMatrixIsNotPositive, DenseAlgebraGivesEigenvectorsInAscendingOrder,
    DenseAlgebraSolvesThePatchesBesideOneThatItCannot);

}  // namespace unfold::test

#define UNFOLD_DEVICE_SUITE DeviceExtract
