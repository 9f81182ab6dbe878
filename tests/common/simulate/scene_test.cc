#include "common/simulate/scene.h"

#include <gtest/gtest.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "common/simulate/make_psf.h"

namespace unfold::simulate {
namespace {

std::vector<double> grid(double low, int size) {
  std::vector<double> out;
  for (int i = 0; i < size; ++i) out.push_back(low + 0.8 * i);
  return out;
}

double sum_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

class SceneTest : public testing::Test {
 protected:
  fits::Psf psf_ = *make_psf("r0");
};

TEST_F(SceneTest, AllLightReachesTheCcd) {
  const std::vector<double> wavelength = grid(6400, 30);
  const std::vector<double> photons(50 * 30, 100.0);
  const Scene scene = project(psf_, 100, wavelength, photons);
  EXPECT_EQ(scene.nx, 4114);
  EXPECT_EQ(scene.ny, 4128);
  EXPECT_NEAR(sum_of(scene.electrons) / sum_of(photons), 1, 1e-12);
}

TEST_F(SceneTest, LightOffTheEdgeIsLost) {
  // Near 5555 Angstrom the slit's middle lies below the first row.
  const std::vector<double> wavelength = grid(5556, 10);
  const std::vector<double> photons(25 * 10, 1.0);
  const Scene scene = project(psf_, 250, wavelength, photons);
  EXPECT_LT(sum_of(scene.electrons), 0.9 * sum_of(photons));
  EXPECT_TRUE(scene.lit.empty() || scene.lit.y_begin == 0);
}

TEST_F(SceneTest, TheLitRectangleHoldsAllOfIt) {
  const std::vector<double> wavelength = grid(7000, 5);
  const std::vector<double> photons(25 * 5, 1.0);
  const Scene scene = project(psf_, 475, wavelength, photons);
  double inside = 0;
  for (int y = scene.lit.y_begin; y < scene.lit.y_end; ++y) {
    for (int x = scene.lit.x_begin; x < scene.lit.x_end; ++x) {
      inside += scene.electrons[static_cast<std::size_t>(y * scene.nx + x)];
    }
  }
  EXPECT_NEAR(inside, 125, 1e-9);
  EXPECT_LT(scene.lit.x_end - scene.lit.x_begin, 210);
}

TEST_F(SceneTest, ScenesAddUp) {
  const std::vector<double> wavelength = grid(6000, 4);
  std::vector<double> a(25 * 4, 0.0);
  std::vector<double> b(25 * 4, 0.0);
  a[17] = 500;
  b[18] = 300;
  std::vector<double> both = a;
  both[18] = 300;
  const Scene first = project(psf_, 0, wavelength, a);
  const Scene second = project(psf_, 0, wavelength, b);
  const Scene together = project(psf_, 0, wavelength, both);
  for (std::size_t i = 0; i < together.electrons.size(); ++i) {
    ASSERT_NEAR(together.electrons[i], first.electrons[i] + second.electrons[i], 1e-10);
  }
}

TEST_F(SceneTest, ThreadsDoNotShow) {
  const std::vector<double> wavelength = grid(6000, 20);
  std::vector<double> photons(100 * 20);
  for (std::size_t i = 0; i < photons.size(); ++i) photons[i] = 10.0 + static_cast<double>(i % 37);
  const Detector detector = {.cosmics = 5, .bad_columns = 1, .bad_pixels = 10};
  const auto run = [&](int threads) {
    tbb::task_arena arena(threads);
    return arena.execute([&] { return expose(project(psf_, 0, wavelength, photons), detector); });
  };
  const fits::Preproc one = run(1);
  const fits::Preproc two = run(2);
  EXPECT_EQ(one.image, two.image);
  EXPECT_EQ(one.ivar, two.ivar);
  EXPECT_EQ(one.mask, two.mask);
}

class DetectorTest : public testing::Test {
 protected:
  static Scene flat(double electrons) {
    Scene scene;
    scene.nx = 300;
    scene.ny = 200;
    scene.electrons.assign(300 * 200, electrons);
    scene.lit = {0, 300, 0, 200};
    return scene;
  }
  static std::int64_t count(const fits::Preproc& image, std::uint32_t bit) {
    return std::count_if(image.mask.begin(), image.mask.end(),
                         [bit](int bits) { return (static_cast<std::uint32_t>(bits) & bit) != 0; });
  }
};

TEST_F(DetectorTest, PixelsScatterAsTheirIvarSays) {
  for (const double electrons : {0.0, 3.0, 50.0, 4000.0}) {
    const Scene scene = flat(electrons);
    const fits::Preproc image = expose(scene, {.seed = 9, .read_noise = 3});
    EXPECT_FLOAT_EQ(image.ivar[0], static_cast<float>(1 / (electrons + 9)));
    double sum = 0;
    double squares = 0;
    for (std::size_t i = 0; i < image.image.size(); ++i) {
      const double pull = (static_cast<double>(image.image[i]) - electrons) *
                          std::sqrt(static_cast<double>(image.ivar[i]));
      sum += pull;
      squares += pull * pull;
    }
    const auto pixels = static_cast<double>(image.image.size());
    EXPECT_LT(std::abs(sum / pixels), 5 / std::sqrt(pixels)) << electrons;
    // The kurtosis of few electrons adds at most 1 / (electrons + 9).
    EXPECT_LT(std::abs(squares / pixels - 1), 5 * std::sqrt(2.2 / pixels)) << electrons;
  }
}

TEST_F(DetectorTest, IvarFromPixelsFollowsTheNoisyPixel) {
  const fits::Preproc image =
      expose(flat(20), {.seed = 9, .read_noise = 2, .ivar = IvarFrom::kPixels});
  for (std::size_t i = 0; i < image.image.size(); ++i) {
    ASSERT_NEAR(1 / image.ivar[i], 4 + std::max(image.image[i], 0.0F), 1e-4F * (1 / image.ivar[i]));
  }
}

TEST_F(DetectorTest, MarkedCosmicsAreWhereTheChargeIs) {
  const Scene scene = flat(5);
  const Detector quiet = {.seed = 4};
  Detector hit = quiet;
  hit.cosmics = 12;
  const fits::Preproc clean = expose(scene, quiet);
  const fits::Preproc image = expose(scene, hit);
  EXPECT_GT(count(image, fits::ccdmask::kCosmic), 12);
  for (std::size_t i = 0; i < image.image.size(); ++i) {
    ASSERT_EQ(image.image[i] != clean.image[i], image.mask[i] != 0) << i;
  }
}

TEST_F(DetectorTest, UnmarkedCosmicsLeaveTheMaskAlone) {
  const fits::Preproc image = expose(flat(5), {.seed = 4, .cosmics = 12, .cosmics_flagged = 0});
  EXPECT_EQ(count(image, ~0U), 0);
  EXPECT_GT(*std::max_element(image.image.begin(), image.image.end()), 90);
}

TEST_F(DetectorTest, DefectsAreMarkedByTheirKind) {
  const fits::Preproc image =
      expose(flat(5), {.seed = 4, .bad_columns = 2, .bad_pixels = 40, .nan_pixels = 7});
  EXPECT_EQ(count(image, fits::ccdmask::kBad), 2 * 200);
  const std::int64_t single = count(image, fits::ccdmask::kHot | fits::ccdmask::kDead);
  EXPECT_GT(single, 35);
  EXPECT_LE(single, 40);
  EXPECT_EQ(std::count_if(image.image.begin(), image.image.end(),
                          [](float value) { return std::isnan(value); }),
            7);
}

TEST_F(DetectorTest, AnotherSeedIsAnotherExposure) {
  const Scene scene = flat(50);
  EXPECT_EQ(expose(scene, {.seed = 1}).image, expose(scene, {.seed = 1}).image);
  EXPECT_NE(expose(scene, {.seed = 1}).image, expose(scene, {.seed = 2}).image);
}

}  // namespace
}  // namespace unfold::simulate
