#include <memory>

#include "tests/support/cuda_modules.h"
#include "tests/workers/kernels/spi/stored_match.h"
#include "tests/workers/kernels/spi/stored_merge.h"
#include "tests/workers/kernels/spi/stored_phasing.h"
#include "workers/cuda/fourier_devices.h"
#include "workers/cuda/match_device.h"

// The shared cases through a module, within the limits that the host is held to.
namespace unfold::spi {
namespace {

/// `Case` where there are its data and a device.
template <class Case, class Module>
class OnModule : public Case {
 protected:
  void SetUp() override {
    const std::string why = Module::unavailable();
    if (!why.empty()) GTEST_SKIP() << why;
    Case::SetUp();
  }
};
using Modules = testing::Types<test::EmulatedGpu, test::RealGpu>;

template <class Module>
using StoredMatchOnDevice = OnModule<StoredMatch, Module>;
TYPED_TEST_SUITE(StoredMatchOnDevice, Modules);
TYPED_TEST(StoredMatchOnDevice, AThousandPhotonsFindWhatWasStored) {
  const auto device = cuda::make_match_device(TypeParam::gpu(), {});
  this->device_ = device.get();
  this->expect_stored("poisson1000");
}

template <class Module>
using StoredMergeOnDevice = OnModule<StoredMerge, Module>;
TYPED_TEST_SUITE(StoredMergeOnDevice, Modules);
TYPED_TEST(StoredMergeOnDevice, CleanFramesGiveTheTrueAutocorrelation) {
  const auto device = cuda::make_fourier_device(TypeParam::gpu())->merging(this->kGrid);
  this->device_ = device.get();
  this->expect_clean_frames_give_the_truth();
}

template <class Module>
using StoredPhasingOnDevice = OnModule<StoredPhasing, Module>;
TYPED_TEST_SUITE(StoredPhasingOnDevice, Modules);
TYPED_TEST(StoredPhasingOnDevice, BestOfFourFreshStartsFindsTheDensity) {
  const auto device = cuda::make_fourier_device(TypeParam::gpu())->phasing();
  this->device_ = device.get();
  this->expect_density_of(0);
}

}  // namespace
}  // namespace unfold::spi
