#include <gtest/gtest.h>

#include <string>

#include "tests/support/emulated_dense_algebra.h"
#include "tests/support/emulated_device.h"
#include "tests/support/made_psf.h"
#include "workers/kernels/extraction/device/extractor.h"
#include "workers/kernels/extraction/device/frame_plan.h"

// A sound kernel gives the same bits whatever the order of its threads, warps and blocks.
namespace unfold::extraction {
namespace {

using D = test::Emulated;

Spectra run(const test::MadePsf& psf, const test::MadeFrame& frame, const Options& o,
            RootMethod method, std::size_t batch_bytes, test::Order order = test::Order::kForward) {
  D::usual_order() = order;
  const device::ResidentPsf<D> resident(0, table_of(psf.shape));
  device::Extractor<D> extractor(0);
  FramePlan plan(psf.shape, psf.traces, frame.view(), o);
  plan.job().method = method;
  Spectra out = make_spectra(o, psf.shape.half_size_y);
  std::vector<double> unconvolved;
  FrameSpectra places = places_in(out, unconvolved);
  extractor.run(resident.table(), plan.job(), places, batch_bytes);
  return out;
}

class DeviceOrder : public ::testing::TestWithParam<RootMethod> {};

TEST_P(DeviceOrder, SameBitsInEachOrderAndForEachSizeOfBatches) {
  const test::MadePsf psf = test::make_psf({.n_spec = 10});
  const WavelengthGrid light{.first = 6040, .step = 0.8, .size = 120};
  const test::MadeFrame frame = test::make_frame(psf.shape, psf.traces, light, 0, 10, 0.02);
  Options o;
  o.wavelength = {.first = 6060, .step = 0.8, .size = 60};
  o.n_spec = 10;
  o.bundle_size = 5;
  o.n_subbundles = 1;
  o.n_wave_step = 25;
  const RootMethod method = GetParam();
  if (method != RootMethod::kPoles) o.n_subbundles = 5;  // small matrices
  const Spectra forward = run(psf, frame, o, method, std::size_t{1} << 32);
  const auto expect_same = [&](const Spectra& other) {
    EXPECT_EQ(other.flux, forward.flux);
    EXPECT_EQ(other.ivar, forward.ivar);
    EXPECT_EQ(other.resolution, forward.resolution);
    EXPECT_EQ(other.chi2pix, forward.chi2pix);
    EXPECT_EQ(other.pixmask_fraction, forward.pixmask_fraction);
    EXPECT_EQ(other.flags, forward.flags);
  };
  expect_same(run(psf, frame, o, method, std::size_t{1} << 32, test::Order::kBackward));
  expect_same(run(psf, frame, o, method, 1));
}

std::string name_of(const ::testing::TestParamInfo<RootMethod>& method) {
  switch (method.param) {
    case RootMethod::kPoles:
      return "Poles";
    case RootMethod::kDense:
      return "Dense";
    default:
      return "Noise";
  }
}
INSTANTIATE_TEST_SUITE_P(Method, DeviceOrder,
                         ::testing::Values(RootMethod::kPoles, RootMethod::kDense,
                                           RootMethod::kNoise),
                         name_of);

}  // namespace
}  // namespace unfold::extraction
