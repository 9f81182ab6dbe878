#include "workers/kernels/spi/phase_functors.h"

#include <gtest/gtest.h>

#include <complex>
#include <vector>

#include "workers/kernels/spi/merge_functors.h"

namespace unfold::spi {
namespace {

TEST(ReplaceModulus, KeepsPhasesTakesAmplitudesAndLetsTheUnknownFloat) {
  const std::vector<double> amplitude = {2, -1, 3, 0};
  std::vector<double> spectrum = {3, 4, 3, 4, 0, 0, 1, 1};
  const ReplaceModulus<double> step{{amplitude.data(), 4}, {spectrum.data(), 4, 2}};
  for (Index k = 0; k < 4; ++k) step(k);
  EXPECT_NEAR(spectrum[0], 2 * 0.6, 1e-15);
  EXPECT_NEAR(spectrum[1], 2 * 0.8, 1e-15);
  EXPECT_EQ(spectrum[2], 3);  // not known
  EXPECT_EQ(spectrum[3], 4);
  EXPECT_EQ(spectrum[4], 3);  // no phase to keep
  EXPECT_EQ(spectrum[5], 0);
  EXPECT_EQ(spectrum[6], 0);
  EXPECT_EQ(spectrum[7], 0);
}

/// One voxel each: inside and positive, inside and negative, outside and positive.
struct Voxels {
  std::vector<double> image = {8, -4, 6};
  std::uint8_t support[3] = {1, 1, 0};
  std::vector<double> density = {1, 2, -3};
  PhaseVolume<double> volume() {
    return {{image.data(), 3}, {support, 3}, {density.data(), 3}, 0.5};
  }
  template <class Functor>
  std::vector<double> after(const Functor& step) {
    for (Index n = 0; n < 3; ++n) step(n);
    return density;
  }
};

TEST(PhaseSteps, ErrorReductionKeepsWhatIsInsideAndPositive) {
  Voxels v;
  EXPECT_EQ(v.after(ErrorReduction<double>{v.volume()}), (std::vector<double>{4, 0, 0}));
}

TEST(PhaseSteps, HybridInputOutputPushesBackElsewhere) {
  Voxels v;
  EXPECT_EQ(v.after(HybridInputOutput<double>{v.volume(), 0.5}),
            (std::vector<double>{4, 2 + 0.5 * 2, -3 - 0.5 * 3}));
}

TEST(PhaseSteps, RelaxedReflectionsAreTheAverageOfReflectionsAndProjection) {
  const double beta = 0.75;
  Voxels v, before;
  const std::vector<double> is = v.after(RelaxedReflections<double>{v.volume(), beta});
  for (std::size_t n = 0; n < 3; ++n) {
    const double rho = before.density[n], m = 0.5 * before.image[n], reflected = 2 * m - rho;
    const double onto = before.support[n] != 0 && reflected > 0 ? reflected : 0;
    EXPECT_NEAR(is[n], beta / 2 * (2 * onto - reflected + rho) + (1 - beta) * m, 1e-15);
  }
}

TEST(GradientSteps, MoveAlongTheDirectionAndTurnIt) {
  const std::vector<double> image = {4, 0, -2};
  const std::uint8_t support[] = {1, 0, 1};
  std::vector<double> x = {1, 2, 3}, residual = {1, 1, 1}, direction = {2, 0, 1};
  const GradientStep step{
      0.5, {direction.data(), 3}, {image.data(), 3}, {x.data(), 3}, {residual.data(), 3}};
  for (Index n = 0; n < 3; ++n) step(n);
  EXPECT_EQ(x, (std::vector<double>{2, 2, 3.5}));
  EXPECT_EQ(residual, (std::vector<double>{-1, 1, 2}));
  const NextDirection turn{3, {residual.data(), 3}, {direction.data(), 3}};
  for (Index n = 0; n < 3; ++n) turn(n);
  EXPECT_EQ(direction, (std::vector<double>{5, 1, 5}));
  std::vector<double> out = {1, 1, 1};
  const KeepInside keep{2, {x.data(), 3}, {support, 3}, {out.data(), 3}};
  for (Index n = 0; n < 3; ++n) keep(n);
  EXPECT_EQ(out, (std::vector<double>{5, 0, 8}));
}

}  // namespace
}  // namespace unfold::spi
