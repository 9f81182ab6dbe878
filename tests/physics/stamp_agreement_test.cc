// The kernels' stamps against the simulator's own evaluation of the same PSF, which shares no code.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "common/formats/fits/psf.h"
#include "common/simulate/make_psf.h"
#include "common/simulate/stamp.h"
#include "tests/physics/psf_bridge.h"
#include "tests/support/shared_data.h"
#include "workers/kernels/extraction/dispatch.h"
#include "workers/kernels/extraction/stamps.h"

namespace unfold::physics {
namespace {

using simulate::StampEvaluator;

/// Largest difference of any pixel of `fibres` at all wavelengths of `grid`.
double largest_difference(const fits::Psf& psf, const extraction::WavelengthGrid& grid,
                          const std::vector<int>& fibres, compute::Isa isa, bool tails) {
  const extraction::PsfShape shape = shape_of(psf);
  const extraction::PsfTraces traces = traces_of(psf);
  const extraction::KernelTable& kernels = extraction::kernels(isa);
  const extraction::PaddedGrid padded(shape, traces, grid, 0, grid.size);
  const StampEvaluator evaluator(
      psf, tails ? StampEvaluator::Tails::kHonoured : StampEvaluator::Tails::kOff);
  double largest = 0;
  for (const int fibre : fibres) {
    const extraction::StampPositions positions =
        extraction::locate_stamps(shape, traces, padded, fibre, 1, kernels);
    extraction::StampWindow window;
    window.open(shape, padded, positions, fibre, 0, 1, padded.size(),
                tails ? extraction::Tails::kOn : extraction::Tails::kOff);
    window.advance(0, padded.size(), kernels);
    for (int wave = 0; wave < grid.size; ++wave) {
      const simulate::Stamp expected = evaluator.evaluate(fibre, grid.label(wave));
      EXPECT_EQ(positions.col[positions.at(0, wave)], expected.x_begin);
      EXPECT_EQ(positions.row[positions.at(0, wave)], expected.y_begin);
      const double* stamp = window.stamp(0, wave);
      for (int y = 0; y < expected.ny; ++y) {
        for (int x = 0; x < expected.nx; ++x) {
          const double difference = stamp[y * window.stride() + x] -
                                    expected.values[static_cast<std::size_t>(y * expected.nx + x)];
          largest = std::max(largest, std::abs(difference));
        }
      }
    }
  }
  return largest;
}

class StampAgreementTest : public testing::TestWithParam<compute::Isa> {};

TEST_P(StampAgreementTest, OnTheSimulatorsPsf) {
  const fits::Psf psf = simulate::make_psf("r0").value();
  EXPECT_LT(largest_difference(psf, {5760, 9.3, 201, 1}, {0, 137, 250, 499}, GetParam(), false),
            1e-10);
}

TEST_P(StampAgreementTest, WithATail) {
  fits::Psf psf = simulate::make_psf("z5").value();
  for (int fibre = 0; fibre < psf.nspec; ++fibre) {
    psf.tail.amplitude.coefficients[static_cast<std::size_t>(fibre * psf.tail.amplitude.ncoef)] =
        3e-4;
  }
  EXPECT_LT(largest_difference(psf, {7520, 23, 100, 1}, {12, 480}, GetParam(), true), 1e-10);
}

TEST_P(StampAgreementTest, OnRealDesiPsfs) {
  for (const char* name : {"psf-r0-00051060.fits", "psf-r0-00067784.fits"}) {
    const auto file = test::shared_file(std::string("data/extraction/") + name);
    if (file.empty()) GTEST_SKIP() << "no shared data: " << name;
    const absl::StatusOr<fits::Psf> psf = fits::read_psf(file.string());
    ASSERT_TRUE(psf.ok()) << psf.status();
    EXPECT_LT(largest_difference(*psf, {5760, 9.3, 201, 1}, {0, 24, 251, 499}, GetParam(), false),
              1e-10)
        << name;
  }
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, StampAgreementTest,
                         testing::ValuesIn(compute::available_isas()),
                         [](const auto& isa) { return compute::to_string(isa.param); });

}  // namespace
}  // namespace unfold::physics
