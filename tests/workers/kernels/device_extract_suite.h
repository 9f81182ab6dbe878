#pragma once

#include <gtest/gtest.h>

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

REGISTER_TYPED_TEST_SUITE_P(DeviceExtract, AgreesWithTheHostOnAFrameWithMaskedPixels);

}  // namespace unfold::test

#define UNFOLD_DEVICE_SUITE DeviceExtract
