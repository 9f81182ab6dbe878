#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/fits_case.h"
#include "tests/support/shared_data.h"
#include "workers/kernels/extraction/dense.h"
#include "workers/kernels/extraction/dispatch.h"
#include "workers/kernels/extraction/solver.h"

// Every intermediate of one padded patch of the reference: its normal equations, solution, Schur
// complements, roots and resolution; by the dense oracle and by the kernels.
namespace unfold::extraction {
namespace {

class Intermediates : public ::testing::TestWithParam<compute::Isa> {
 protected:
  void SetUp() override {
    const auto file = test::shared_file("data/extraction/patch_c01_s1w0.fits.gz");
    if (file.empty()) GTEST_SKIP() << "no shared data";
    path_ = file.string();
    const std::string base = "data/extraction/";
    psf_ = test::read_psf_case(test::shared_file(base + "psf-r0-00051060.fits").string());
    frame_ = test::read_frame_case(test::shared_file(base + "c01_plain_preproc.fits.gz").string());
    options_.wavelength = {.first = 6500, .step = 0.8, .size = 101};
    options_.n_spec = 25;
    table_ = &kernels(GetParam());
    grid_ = std::make_unique<PaddedGrid>(psf_.shape, psf_.traces, options_.wavelength, 12, 50);
    positions_ = locate_stamps(psf_.shape, psf_.traces, *grid_, 0, 25, *table_);
    range_ = patch_range(options_, *grid_, 1, 0);
    window_.open(psf_.shape, *grid_, positions_, 0, 0, 25, range_.n_wave, Tails::kOff);
    window_.advance(0, range_.n_wave, *table_);
  }
  std::vector<double> stored(const std::string& name) {
    return test::read_fits_array(path_, name).data;
  }

  FrameView view() const {
    return {{frame_.image.data(), frame_.n_row, frame_.n_col},
            {frame_.ivar.data(), frame_.n_row, frame_.n_col}};
  }
  /// Fibre-major index of the reference, of a bin in our wave-major order.
  std::size_t theirs(int k) const {
    return static_cast<std::size_t>(k % range_.n_fibre * range_.n_wave + k / range_.n_fibre);
  }

  std::string path_;
  test::PsfCase psf_;
  test::FrameCase frame_;
  Options options_;
  const KernelTable* table_ = nullptr;
  std::unique_ptr<PaddedGrid> grid_;
  StampPositions positions_;
  StampWindow window_;
  PatchRange range_;
};

double largest(const std::vector<double>& v) {
  double m = 0;
  for (const double x : v) m = std::max(m, std::fabs(x));
  return m;
}

TEST_P(Intermediates, NormalEquationsAgree) {
  const PatchBox box = patch_box(positions_, range_, psf_.shape, window_.stride(), 0.8);
  PatchPixels pixels;
  pixels.load(view(), box);
  PatchBins bins;
  bins.fill(window_, positions_, range_, box, psf_.shape);
  const int n = range_.size(), half_band = half_bandwidth(bins.view()), stride = half_band + 40;
  std::vector<double> band(static_cast<std::size_t>((n + 1) * stride)),
      rhs(static_cast<std::size_t>(n + 8));
  std::vector<double> weight(rhs), bad(rhs);
  Scratch<double> scratch;
  table_->normal_equations({.bins = bins.view(),
                            .pixels = pixels.view(),
                            .half_band = half_band,
                            .band_stride = stride,
                            .band = band.data(),
                            .rhs = rhs.data(),
                            .flux_weight = weight.data(),
                            .bad_fraction = bad.data(),
                            .scratch = scratch.reserve(normal_scratch(bins.view()))});
  const std::vector<double> m = stored("ICOV"), b = stored("ATWP"), w = stored("FLUXWGT");
  // The reference takes the centre's fraction of a pixel from its position: 4e-13 pixels are lost.
  const double m_error = 1e-11 * largest(m), b_error = 1e-11 * largest(b);
  const double w_error = 1e-11 * largest(w);
  for (int k = 0; k < n; ++k) {
    EXPECT_NEAR(rhs[static_cast<std::size_t>(k)], b[theirs(k)], b_error);
    EXPECT_NEAR(weight[static_cast<std::size_t>(k)], w[theirs(k)], w_error);
    for (int d = 1; k + d < n; ++d) {  // the diagonal of ICOV holds the prior as well
      const double ours = d <= half_band ? band[static_cast<std::size_t>(k * stride + d)] : 0;
      ASSERT_NEAR(ours, m[theirs(k) * static_cast<std::size_t>(n) + theirs(k + d)], m_error);
    }
  }
}

TEST_P(Intermediates, SolvedPatchAgrees) {
  PatchSolver solver(psf_.shape, options_, *table_, nullptr);
  const PatchResult& got = solver.solve(view(), window_, positions_, range_);
  const std::vector<double> flux = stored("FLUX"), ivar = stored("IVAR"), x = stored("XFLUX"),
                            r = stored("RBLOCK");
  const double x_error = 1e-9 * largest(x);
  for (int core = 0; core < range_.n_core; ++core) {
    for (int w = 0; w < 50; ++w) {
      const int fibre = range_.core_fibre + core, j = range_.core_wave + w;
      const std::size_t at = static_cast<std::size_t>(core * 50 + w);
      const std::size_t k = static_cast<std::size_t>(fibre * range_.n_wave + j);
      EXPECT_LT(std::fabs(got.flux[at] - flux[k]) * std::sqrt(ivar[k]), 1e-6);
      EXPECT_NEAR(got.ivar[at] / ivar[k], 1, 1e-6);
      EXPECT_NEAR(got.unconvolved[at], x[k], x_error);
      for (int d = 0; d < 11; ++d) {
        const std::size_t row = static_cast<std::size_t>(fibre * range_.n_wave + j - 5 + d);
        EXPECT_NEAR(got.resolution[at * 11 + static_cast<std::size_t>(d)],
                    r[row * static_cast<std::size_t>(range_.n_wave) + static_cast<std::size_t>(j)],
                    1e-7);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, Intermediates, ::testing::ValuesIn(compute::available_isas()),
                         [](const auto& p) { return compute::to_string(p.param); });

TEST(DenseOracle, ReproducesTheReferencesSchurComplementsAndRoots) {
  const auto file = test::shared_file("data/extraction/patch_c01_s1w0.fits.gz");
  if (file.empty()) GTEST_SKIP() << "no shared data";
  const test::FitsArray schur = test::read_fits_array(file.string(), "SCHUR");
  const test::FitsArray root = test::read_fits_array(file.string(), "QBLOCK");
  const int n = static_cast<int>(schur.extent(1));
  const std::size_t size = static_cast<std::size_t>(n * n);
  for (std::size_t s = 0; s < 7; ++s) {
    const auto block = [&](const test::FitsArray& from) {
      return std::vector<double>(from.data.begin() + static_cast<long>(s * size),
                                 from.data.begin() + static_cast<long>((s + 1) * size));
    };
    const std::vector<double> ours = dense::symmetric_root(block(schur), n), want = block(root);
    for (std::size_t i = 0; i < size; ++i) EXPECT_NEAR(ours[i], want[i], 1e-9 * largest(want));
  }
}

}  // namespace
}  // namespace unfold::extraction
