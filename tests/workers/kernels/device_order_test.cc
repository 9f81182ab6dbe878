#include <gtest/gtest.h>

#include "tests/support/emulated_device.h"
#include "tests/support/made_psf.h"
#include "workers/kernels/extraction/device/extractor.h"
#include "workers/kernels/extraction/device/frame_plan.h"

// A sound kernel gives the same bits whatever the order of its threads, warps and blocks.
namespace unfold::extraction {
namespace {

using D = test::Emulated;

Spectra run(const test::MadePsf& psf, const test::MadeFrame& frame, const Options& o,
            std::size_t batch_bytes, test::Order order = test::Order::kForward) {
  D::usual_order() = order;
  const device::ResidentPsf<D> resident(0, table_of(psf.shape));
  device::Extractor<D> extractor(0);
  const FramePlan plan(psf.shape, psf.traces, frame.view(), o);
  Spectra out = make_spectra(o, psf.shape.half_size_y);
  std::vector<double> unconvolved;
  FrameSpectra places = places_in(out, unconvolved);
  extractor.run(resident.table(), plan.job(), places, batch_bytes);
  return out;
}

TEST(DeviceOrder, SameBitsInEachOrderAndForEachSizeOfBatches) {
  const test::MadePsf psf = test::make_psf({.n_spec = 10});
  const WavelengthGrid light{.first = 6040, .step = 0.8, .size = 120};
  const test::MadeFrame frame = test::make_frame(psf.shape, psf.traces, light, 0, 10, 0.02);
  Options o;
  o.wavelength = {.first = 6060, .step = 0.8, .size = 60};
  o.n_spec = 10;
  o.bundle_size = 5;
  o.n_subbundles = 1;
  o.n_wave_step = 25;
  const Spectra forward = run(psf, frame, o, std::size_t{1} << 32);
  const auto expect_same = [&](const Spectra& other) {
    EXPECT_EQ(other.flux, forward.flux);
    EXPECT_EQ(other.ivar, forward.ivar);
    EXPECT_EQ(other.resolution, forward.resolution);
    EXPECT_EQ(other.chi2pix, forward.chi2pix);
    EXPECT_EQ(other.pixmask_fraction, forward.pixmask_fraction);
    EXPECT_EQ(other.flags, forward.flags);
  };
  expect_same(run(psf, frame, o, std::size_t{1} << 32, test::Order::kBackward));
  expect_same(run(psf, frame, o, 1));
}

}  // namespace
}  // namespace unfold::extraction
