#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/hdf5_numbers.h"
#include "tests/support/shared_data.h"
#include "workers/kernels/spi/emc.h"

namespace unfold::spi {
namespace {

/// One iteration on 60 frames and 600 rotations, computed elsewhere.
class EmcCase : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string path = test::shared_file("data/spi/c8_emc_step.h5").string();
    if (path.empty()) GTEST_SKIP() << "no shared data";
    file_ = std::make_unique<test::Hdf5Numbers>(path);
    detector_.q = file_->doubles("q");
    const std::size_t pixels = detector_.q.size() / 3;
    detector_.correction.assign(pixels, 1.0f);
    detector_.mask.assign(pixels, PixelClass::kGood);
    for (std::size_t p = 0; p < pixels; ++p) {
      const double* q = detector_.q.data() + 3 * p;
      detector_.qmax = std::max(detector_.qmax, std::hypot(q[0], q[1], q[2]));
    }
    const std::vector<double> counts = file_->doubles("counts");
    frames_ = PatternSet::dense(60, static_cast<Index>(pixels),
                                std::vector<float>(counts.begin(), counts.end()));
    const std::vector<double> turn = file_->doubles("ref_quat");
    for (std::size_t j = 0; j < turn.size(); j += 4) {
      rotations_.push_back({turn[j], turn[j + 1], turn[j + 2], turn[j + 3]});
    }
    volume_ = {static_cast<Index>(file_->attribute("/", "G")),
               file_->attribute("/", "s"),
               file_->doubles("V0"),
               {}};
  }

  void expect_close(std::span<const double> is, const std::string& name, double relative) const {
    const std::vector<double> wanted = file_->doubles(name);
    ASSERT_EQ(is.size(), wanted.size()) << name;
    double largest = 0, worst = 0;
    for (const double x : wanted) largest = std::max(largest, std::abs(x));
    for (std::size_t i = 0; i < is.size(); ++i)
      worst = std::max(worst, std::abs(is[i] - wanted[i]));
    EXPECT_LE(worst, relative * largest) << name;
  }

  compute::Cpu cpu_{2};
  compute::SoloCommunicator solo_;
  std::unique_ptr<test::Hdf5Numbers> file_;
  Detector detector_;
  PatternSet frames_ = PatternSet::dense(0, 0, std::vector<float>{});
  std::vector<Quaternion> rotations_;
  EmcVolume volume_;
};

TEST_F(EmcCase, OneStepIsTheStoredOne) {
  const EmcModels models = expand(cpu_, volume_, detector_, rotations_);
  expect_close(std::vector<double>(models.value.begin(), models.value.end()), "models", 1e-6);
  expect_close(models.total, "u", 1e-10);
  const double scale = model_scale(models, frames_, detector_, solo_);
  EXPECT_NEAR(scale, file_->attribute("/", "resc"), 1e-10);

  const std::vector<double> fluence(60, 1.0);
  std::vector<double> posterior = log_likelihoods(cpu_, models, scale, frames_, detector_, fluence);
  expect_close(posterior, "L", 1e-7);
  make_posterior(cpu_, 60, file_->attribute("/", "beta"), posterior);
  expect_close(posterior, "P", 1e-5);

  const EmcVolume next = compress(cpu_, posterior, frames_, detector_, rotations_, fluence,
                                  volume_.edge, volume_.scale, solo_);
  expect_close(next.intensity, "V_new", 1e-5);
  expect_close(next.weight, "W_new", 1e-5);
  expect_close(update_fluence(posterior, models, frames_, detector_, solo_), "phi_new", 1e-5);
}

}  // namespace
}  // namespace unfold::spi
