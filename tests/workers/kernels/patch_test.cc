#include "workers/kernels/extraction/patch.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/support/made_psf.h"
#include "workers/kernels/extraction/dense.h"
#include "workers/kernels/extraction/dispatch.h"
#include "workers/kernels/extraction/solver.h"

// Whole patches against the dense oracle, and the geometry of patches.
namespace unfold::extraction {
namespace {

Options small_options() {
  Options o;
  o.wavelength = {.first = 6060, .step = 0.8, .size = 30};
  o.n_spec = o.bundle_size = 10;
  o.n_subbundles = 2;
  o.n_wave_step = 15;
  return o;
}

/// One patch of a made frame with everything that solving it needs.
struct PatchCase {
  test::MadePsf psf;
  Options options;
  test::MadeFrame frame;
  PaddedGrid grid;
  StampPositions positions;
  StampWindow window;
  PatchRange range;

  PatchCase(const Options& o, const KernelTable& table, double masked, int sub, int step)
      : psf(test::make_psf({.n_spec = 10})),
        options(o),
        frame(test::make_frame(psf.shape, psf.traces, {.first = 6040, .step = 0.8, .size = 80}, 0,
                               10, masked)),
        grid(psf.shape, psf.traces, o.wavelength, 12, o.n_wave_step),
        positions(locate_stamps(psf.shape, psf.traces, grid, 0, 10, table)),
        range(patch_range(o, grid, sub, step)) {
    window.open(psf.shape, grid, positions, 0, 0, 10, range.n_wave, Tails::kOff);
    window.advance(range.first_wave, range.first_wave + range.n_wave, table);
  }

  /// The same patch as a dense problem, in the oracle's fibre-major order.
  dense::Problem problem() {
    const PatchBox box =
        patch_box(positions, range, psf.shape, window.stride(), options.pixel_pad_frac);
    dense::Problem p;
    p.n_fibre = range.n_fibre;
    p.n_wave = range.n_wave;
    p.regularize = options.regularize;
    p.psf_error = options.psf_error;
    const int n_row = box.used_to - box.used_from;
    p.n_pixel = n_row * box.n_col;
    p.a.assign(static_cast<std::size_t>(p.n_pixel * p.n_bin()), 0);
    for (int y = box.used_from; y < box.used_to; ++y) {
      for (int x = box.first_col; x < box.first_col + box.n_col; ++x) {
        const bool on = y >= 0 && y < frame.n_row && x >= 0 && x < frame.n_col;
        const std::size_t at = on ? static_cast<std::size_t>(y * frame.n_col + x) : 0;
        p.pixels.push_back(on ? static_cast<double>(frame.image[at]) : 0);
        p.ivar.push_back(on ? static_cast<double>(frame.ivar[at]) : 0);
      }
    }
    for (int f = 0; f < p.n_fibre; ++f) {
      for (int w = 0; w < p.n_wave; ++w) fill_column(box, f, w, p);
    }
    return p;
  }

  void fill_column(const PatchBox& box, int f, int w, dense::Problem& p) const {
    const int fibre = range.first_fibre + f, wave = range.first_wave + w;
    const std::size_t at = positions.at(fibre, wave);
    const double* stamp = window.stamp(fibre, wave);
    for (int y = 0; y < psf.shape.stamp_height(); ++y) {
      const int row = positions.row[at] + y;
      if (row < box.used_from || row >= box.used_to) continue;
      for (int x = 0; x < psf.shape.stamp_width(); ++x) {
        const int pixel = (row - box.used_from) * box.n_col + positions.col[at] + x - box.first_col;
        p.a[static_cast<std::size_t>(pixel * p.n_bin() + f * p.n_wave + w)] =
            stamp[y * window.stride() + x];
      }
    }
  }
};

class PatchOracle : public ::testing::TestWithParam<compute::Isa> {
 protected:
  void expect_oracle(const Options& options, double masked, int sub, int step, double tolerance) {
    const KernelTable& table = kernels(GetParam());
    PatchCase c(options, table, masked, sub, step);
    PatchSolver solver(c.psf.shape, c.options, table, nullptr);
    const PatchResult& got = solver.solve(c.frame.view(), c.window, c.positions, c.range);
    dense::Problem problem = c.problem();
    problem.decorrelate_noise = options.decorrelate == Decorrelate::kNoise;
    const dense::Solution want = dense::solve(problem);
    const int n_diag = c.psf.shape.half_size_y, n_bin = problem.n_bin();
    for (int core = 0; core < c.range.n_core; ++core) {
      for (int w = 0; w < c.range.n_keep; ++w) {
        const std::size_t at = static_cast<std::size_t>(core * c.range.n_core_wave + w);
        const int column = (c.range.core_fibre + core) * c.range.n_wave + c.range.core_wave + w;
        const std::size_t k = static_cast<std::size_t>(column);
        ASSERT_GT(want.ivar[k], 0);
        EXPECT_LT(std::fabs(got.flux[at] - want.flux[k]) * std::sqrt(want.ivar[k]), tolerance);
        EXPECT_NEAR(got.ivar[at] / want.ivar[k], 1, tolerance);
        EXPECT_NEAR(got.chi2pix[at], want.chi2pix[k], 1e-6 * want.chi2pix[k]);
        EXPECT_NEAR(got.pixmask_fraction[at], want.pixmask_fraction[k], 1e-12);
        for (int d = 0; d <= 2 * n_diag; ++d) {
          const int row = column - n_diag + d;
          EXPECT_NEAR(got.resolution[at * static_cast<std::size_t>(2 * n_diag + 1) +
                                     static_cast<std::size_t>(d)],
                      want.resolution[static_cast<std::size_t>(row * n_bin + column)], tolerance);
        }
      }
    }
  }
};

TEST_P(PatchOracle, CleanPatchEqualsTheDenseSolution) {
  expect_oracle(small_options(), 0, 0, 0, 1e-7);
}
TEST_P(PatchOracle, LastPatchOfAnUpperSubbundleEqualsTheDenseSolution) {
  Options o = small_options();
  o.wavelength.size = 25;
  expect_oracle(o, 0, 1, 1, 1e-7);
}
TEST_P(PatchOracle, MaskedPatchEqualsTheDenseSolution) {
  expect_oracle(small_options(), 0.05, 0, 1, 1e-6);
}
TEST_P(PatchOracle, RegularisedPatchEqualsTheDenseSolution) {
  Options o = small_options();
  o.regularize = 0.01;
  o.psf_error = 0.05;
  expect_oracle(o, 0.02, 1, 0, 1e-6);
}
TEST_P(PatchOracle, NoiseDecorrelationEqualsTheDenseSolution) {
  Options o = small_options();
  o.decorrelate = Decorrelate::kNoise;
  expect_oracle(o, 0, 0, 0, 1e-8);
}
INSTANTIATE_TEST_SUITE_P(Isa, PatchOracle, ::testing::ValuesIn(compute::available_isas()),
                         [](const auto& p) { return compute::to_string(p.param); });

TEST(PatchGeometry, SubbundlesHaveOneNeighbourOnEachSideInsideTheBundle) {
  const test::MadePsf psf = test::make_psf();
  Options o;
  o.wavelength = {.first = 6010, .step = 0.8, .size = 101};
  const PaddedGrid grid(psf.shape, psf.traces, o.wavelength, 12, 50);
  EXPECT_EQ(grid.n_patch(), 3);
  const int fibres[] = {6, 7, 7, 7, 6};
  for (int sub = 0; sub < 5; ++sub) {
    const PatchRange r = patch_range(o, grid, sub, 2);
    EXPECT_EQ(r.n_fibre, fibres[sub]);
    EXPECT_EQ(r.first_fibre + r.core_fibre, 5 * sub);
    EXPECT_EQ(r.n_wave, 74);
    EXPECT_EQ(r.n_keep, 1);
  }
}

TEST(PatchGeometry, PaddingRowsCountInPart) {
  StampPositions p;
  p.n_fibre = 1;
  p.n_wave = 8;
  for (int w = 0; w < 8; ++w) {
    p.col.push_back(3);
    p.row.push_back(10 * w);
  }
  PsfShape shape;
  shape.half_size_x = shape.half_size_y = 2;
  const PatchRange r{.n_fibre = 1, .n_core = 1, .n_wave = 8, .core_wave = 3, .n_core_wave = 2};
  const PatchBox box = patch_box(p, r, shape, stamp_stride(5), 0.8);
  // Rows 0..74 hold every stamp, rows 30..44 those of the core.
  EXPECT_EQ(box.first_row, 0);
  EXPECT_EQ(box.n_row, 75);
  EXPECT_EQ(box.used_from, 5);  // int(30 * (1 - 0.8)) in doubles
  EXPECT_EQ(box.used_to, 45 + 24);
}

TEST(PatchPixels, NaNInfinityAndNegativeWeightCountAsMasked) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const std::vector<float> image{1, kNaN, 3, kInf, 5, 6, 7, 8};
  const std::vector<float> ivar{1, 1, kNaN, 1, kInf, -1, 0, 2};
  const FrameView frame{{image.data(), 1, 8}, {ivar.data(), 1, 8}};
  PatchPixels pixels;
  pixels.load(
      frame,
      {.first_col = 0, .n_col = 8, .first_row = 0, .n_row = 1, .used_from = 0, .used_to = 1});
  const Pixels view = pixels.view();
  for (int x = 0; x < 8; ++x) {
    const bool good = x == 0 || x == 7;
    EXPECT_EQ(view.weight[x] > 0, good) << x;
    EXPECT_EQ(view.bad[x], good ? 0 : 1) << x;
    EXPECT_TRUE(std::isfinite(view.value[x])) << x;
  }
  EXPECT_TRUE(pixels.any_bad());
}

TEST(PatchBandwidth, BinsFarOffTheCcdOverlapNothing) {
  const KernelTable& table = kernels(compute::choose_isa());
  PatchCase c(small_options(), table, 0, 0, 0);
  std::fill(c.positions.row.begin(), c.positions.row.end(), -kFarOff);
  const PatchBox box = patch_box(c.positions, c.range, c.psf.shape, c.window.stride(), 0.8);
  PatchBins bins;
  bins.fill(c.window, c.positions, c.range, box, c.psf.shape);
  EXPECT_EQ(half_bandwidth(bins.view()), 0);
}

TEST(PatchBandwidth, IsTheLargestOverlapInWaveMajorOrder) {
  const KernelTable& table = kernels(compute::choose_isa());
  PatchCase c(small_options(), table, 0, 0, 0);
  const PatchBox box = patch_box(c.positions, c.range, c.psf.shape, c.window.stride(), 0.8);
  PatchBins bins;
  bins.fill(c.window, c.positions, c.range, box, c.psf.shape);
  const Bins view = bins.view();
  int largest = 0;
  for (int k = 0; k < view.size(); ++k) {
    for (int other = k; other < view.size(); ++other) {
      const bool overlap = std::abs(view.col[other] - view.col[k]) < view.width &&
                           std::abs(view.row[other] - view.row[k]) < view.height;
      if (overlap) largest = std::max(largest, other - k);
    }
  }
  EXPECT_GE(half_bandwidth(view), largest);
  EXPECT_LE(half_bandwidth(view), largest + view.n_fibre);
}

}  // namespace
}  // namespace unfold::extraction
