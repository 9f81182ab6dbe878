#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/hdf5_numbers.h"
#include "tests/support/shared_data.h"
#include "workers/kernels/spi/phasing.h"
#include "workers/kernels/spi/translation.h"

namespace unfold::spi {

/// data/spi/c2_phasing.h5: the autocorrelation of a protein, computed from its atoms; phased on the
/// host, or on device_.
class StoredPhasing : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string path = test::shared_file("data/spi/c2_phasing.h5").string();
    if (path.empty()) GTEST_SKIP() << "no shared data";
    const test::Hdf5Numbers file(path);
    autocorrelation_ = file.doubles("ac");
    noisy_ = file.doubles("ac_noisy_0.2pct");
    truth_ = file.doubles("rho_true");
    stored_error_ = file.attribute("reference_blur0", "fourier_error");
  }

  /// Correlation with the truth inside the sphere, but for translation and hand.
  double correlation(std::span<const double> density) const {
    const nufft::RealFft<double> fft({kGrid, kGrid, kGrid});
    const DensityModes truth(kGrid, fft, truth_), other(kGrid, fft, density);
    return truth.onto_this(other).correlation;
  }

  static std::vector<PhaseStart> fresh(std::uint64_t seed, int count) {
    std::vector<PhaseStart> out(static_cast<std::size_t>(count));
    for (PhaseStart& start : out) start.seed = seed++;
    return out;
  }

  /// The best of four fresh starts.
  void expect_density_of(std::uint64_t set) {
    PhaseSchedule schedule;
    schedule.blur = 0;
    const auto results =
        phase(cpu_, kGrid, autocorrelation_, {}, fresh(1 + 4 * set, 4), schedule, {}, device_);
    const auto& best = *std::min_element(results.begin(), results.end(), [](auto& a, auto& b) {
      return a.fourier_error < b.fourier_error;
    });
    EXPECT_GE(correlation(best.density), 0.99) << "set " << set;
    EXPECT_NEAR(best.fourier_error, stored_error_, 0.01) << "set " << set;
  }

  static constexpr Index kGrid = 37;
  PhaseDevice* device_ = nullptr;
  compute::Cpu cpu_{2};
  std::vector<double> autocorrelation_, noisy_, truth_;
  double stored_error_ = 0;
};

}  // namespace unfold::spi
