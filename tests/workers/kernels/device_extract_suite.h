#pragma once

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/extraction_difference.h"
#include "tests/support/on_device.h"
#include "workers/kernels/extraction/device/extractor.h"
#include "workers/kernels/extraction/device/frame_plan.h"

// Whole frames on a device against extract() on the host.
namespace unfold::test {

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
  extraction::Spectra on_host(const extraction::Options& o) const {
    compute::Cpu cpu(1);
    return extraction::extract(psf_.shape, psf_.traces, frame_.view(), o, cpu);
  }
  extraction::Spectra run(const extraction::Options& o,
                          std::size_t batch_bytes = extraction::device::Extractor<D>::kBatchBytes) {
    extraction::device::Extractor<D> extractor(0);
    return run(extractor, o, batch_bytes);
  }
  extraction::Spectra run(extraction::device::Extractor<D>& extractor, const extraction::Options& o,
                          std::size_t batch_bytes = extraction::device::Extractor<D>::kBatchBytes) {
    const extraction::device::ResidentPsf<D> psf(0, extraction::table_of(psf_.shape));
    const extraction::FramePlan plan(psf_.shape, psf_.traces, frame_.view(), o);
    extraction::Spectra out = extraction::make_spectra(o, psf_.shape.half_size_y);
    std::vector<double> unconvolved;
    extraction::FrameSpectra places = extraction::places_in(out, unconvolved);
    extractor.run(psf.table(), plan.job(), places, batch_bytes);
    out.bad_input_pixels = places.bad_input_pixels;
    return out;
  }
  void expect_as_host(const extraction::Options& o) { expect_close(run(o), on_host(o)); }

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
  expect_close(this->run(this->options(5)), this->on_host(this->options(5)),
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
  expect_close(this->run(extractor, few), this->on_host(few));
  EXPECT_EQ(this->run(extractor, this->options(10)).flux, large.flux);
}

REGISTER_TYPED_TEST_SUITE_P(DeviceExtract, AgreesWithTheHostOnAFrameWithMaskedPixels,
                            AgreesWithTheHostInSubbundlesAndOnPartOfThePsf,
                            AgreesWithTheHostInStrips, AgreesWithTheHostOnTailsAndSecondCores,
                            AgreesWithTheHostAtTheEdgesOfTheCcd,
                            AgreesWithTheHostWhereAFibreIsMaskedAndPixelsAreBad,
                            AgreesWithTheHostWithRegularisationAndPsfError,
                            OneExtractorDoesFramesOfAnySizeInAnyOrder);

}  // namespace unfold::test

#define UNFOLD_DEVICE_SUITE DeviceExtract
