#pragma once

#include "tests/support/on_device.h"
#include "tests/workers/kernels/spi/phasing_problem.h"
#include "workers/kernels/spi/device/device_phasing.h"

// Phasing with its iterations on any device: phasing_test.cc's limits, and the Cpu's results.
namespace unfold::test {

using spi::PhaseResult;
using spi::PhaseSchedule;
using spi::PhaseStart;

template <class D>
class DevicePhases : public OnDevice<D> {
 protected:
  std::vector<PhaseResult> run(const std::vector<PhaseStart>& starts,
                               const PhaseSchedule& schedule) {
    D device(0);
    spi::DevicePhasing<D> phasing(device);
    return object_.phase(starts, schedule, {}, 1, &phasing);
  }
  phasing::Object object_;
};
TYPED_TEST_SUITE_P(DevicePhases);

TYPED_TEST_P(DevicePhases, FindBlobsFromTheirAutocorrelationAlone) {
  for (const bool raar : {true, false}) {
    PhaseSchedule schedule = phasing::sharp();
    schedule.raar = raar;
    double best = 0;
    for (const PhaseResult& result : this->run(phasing::Object::fresh(4), schedule)) {
      best = std::max(best, this->object_.correlation(result.density));
      EXPECT_GE(*std::min_element(result.density.begin(), result.density.end()), 0);
    }
    EXPECT_GE(best, 0.98) << "raar " << raar;
  }
}

TYPED_TEST_P(DevicePhases, GoTheCpusWayStepByStep) {
  // Over few iterations rounding does not grow: 1e-4 of the largest voxel.
  PhaseSchedule brief = phasing::sharp();
  brief.loops = 1;
  brief.er = 2;
  brief.escape = 3;
  const auto starts = phasing::Object::fresh(3);
  const auto got = this->run(starts, brief);
  const auto want = this->object_.phase(starts, brief);
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t s = 0; s < want.size(); ++s) {
    const double largest = *std::max_element(want[s].density.begin(), want[s].density.end());
    for (std::size_t n = 0; n < want[s].density.size(); ++n) {
      ASSERT_NEAR(got[s].density[n], want[s].density[n], 1e-4 * largest) << s << ", " << n;
    }
    EXPECT_EQ(got[s].support, want[s].support);
    EXPECT_NEAR(got[s].fourier_error, want[s].fourier_error, 1e-5);
  }
  EXPECT_NE(got[0].density, got[1].density);
}

TYPED_TEST_P(DevicePhases, GiveTheSameBitsAgain) {
  PhaseSchedule brief = phasing::sharp();
  brief.loops = 1;
  const auto starts = phasing::Object::fresh(3);
  const auto one = this->run(starts, brief), again = this->run(starts, brief);
  for (std::size_t s = 0; s < 3; ++s) {
    EXPECT_EQ(one[s].density, again[s].density);
    EXPECT_EQ(one[s].fourier_error, again[s].fourier_error);
  }
  EXPECT_TRUE(this->run({}, brief).empty());
}

TYPED_TEST_P(DevicePhases, StopBeforeALoopWhenCancelled) {
  TypeParam device(0);
  spi::DevicePhasing<TypeParam> on(device);
  compute::Cpu cpu(1);
  int asked = 0;
  spi::phase(
      cpu, phasing::kGrid, this->object_.autocorrelation, {}, phasing::Object::fresh(2),
      phasing::sharp(), [&] { return ++asked == 2; }, &on);
  EXPECT_EQ(asked, 2);
}

REGISTER_TYPED_TEST_SUITE_P(DevicePhases, FindBlobsFromTheirAutocorrelationAlone,
                            GoTheCpusWayStepByStep, GiveTheSameBitsAgain,
                            StopBeforeALoopWhenCancelled);

}  // namespace unfold::test

#define UNFOLD_DEVICE_SUITE DevicePhases
