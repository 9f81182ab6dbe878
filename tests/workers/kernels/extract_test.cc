#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <mutex>

#include "tests/support/made_psf.h"
#include "workers/kernels/extraction/extraction.h"

// How extract() and project() behave as a whole, at edges and on bad input.
namespace unfold::extraction {
namespace {

Options options_for(int n_spec) {
  Options o;
  o.wavelength = {.first = 6060, .step = 0.8, .size = 60};
  o.n_spec = n_spec;
  o.bundle_size = 5;
  o.n_subbundles = 1;
  o.n_wave_step = 25;
  return o;
}

class Extract : public ::testing::Test {
 protected:
  void make(const test::MadePsfSpec& spec = {.n_spec = 10}, double masked = 0.01) {
    psf_ = test::make_psf(spec);
    frame_ = test::make_frame(psf_.shape, psf_.traces, {.first = 6040, .step = 0.8, .size = 120}, 0,
                              spec.n_spec, masked);
  }
  Spectra run(const Options& o, int threads = 1, const Hooks& hooks = {}) {
    compute::Cpu cpu(threads);
    return extract(psf_.shape, psf_.traces, frame_.view(), o, cpu, hooks);
  }
  void expect_same(const Spectra& a, const Spectra& b) {
    EXPECT_EQ(a.flux, b.flux);
    EXPECT_EQ(a.ivar, b.ivar);
    EXPECT_EQ(a.resolution, b.resolution);
    EXPECT_EQ(a.chi2pix, b.chi2pix);
    EXPECT_EQ(a.pixmask_fraction, b.pixmask_fraction);
    EXPECT_EQ(a.flags, b.flags);
    EXPECT_EQ(a.model, b.model);
  }
  void expect_finite(const Spectra& s) {
    for (std::size_t i = 0; i < s.flux.size(); ++i) {
      ASSERT_TRUE(std::isfinite(s.flux[i]) && std::isfinite(s.ivar[i]) &&
                  std::isfinite(s.chi2pix[i]));
      ASSERT_GE(s.ivar[i], 0);
      ASSERT_EQ((s.flags[i] & kNoWeight) != 0, s.ivar[i] == 0);
      ASSERT_TRUE(s.ivar[i] > 0 || s.flux[i] == 0);
    }
    for (const float r : s.resolution) ASSERT_TRUE(std::isfinite(r));
  }

  test::MadePsf psf_;
  test::MadeFrame frame_;
};

TEST_F(Extract, SameBitsForAnyNumberOfThreadsAndOnEveryRun) {
  make();
  for (const Mode mode : {Mode::kPatches, Mode::kStrips}) {
    Options o = options_for(10);
    o.mode = mode;
    o.model_image = true;
    const Spectra one = run(o, 1);
    expect_same(one, run(o, 1));
    expect_same(one, run(o, 4));
  }
}

TEST_F(Extract, BundleAloneGivesTheSameBitsAsAmongOthers) {
  make();
  Options o = options_for(10);
  const Spectra both = run(o);
  o.spec_min = 5;
  o.n_spec = 5;
  const Spectra alone = run(o);
  const std::size_t half = both.flux.size() / 2;
  EXPECT_EQ(std::vector<double>(both.flux.begin() + static_cast<long>(half), both.flux.end()),
            alone.flux);
  EXPECT_EQ(std::vector<double>(both.ivar.begin() + static_cast<long>(half), both.ivar.end()),
            alone.ivar);
}

TEST_F(Extract, FluxIsTheTruthConvolvedWithTheResolutionWithinItsErrors) {
  make({.n_spec = 5}, 0);
  Options o = options_for(5);
  const Spectra s = run(o);
  double sum = 0, squares = 0;
  int n = 0;
  for (int f = 0; f < 5; ++f) {
    for (int w = 0; w < s.n_wave; ++w) {
      double expected = 0;  // sum_j R[w, j] truth[j]; stored by columns
      for (int k = 0; k <= 2 * s.n_diag; ++k) {
        const int j = w + s.n_diag - k;
        if (j < 0 || j >= s.n_wave) continue;
        expected += static_cast<double>(s.resolution[static_cast<std::size_t>(
                        (f * (2 * s.n_diag + 1) + k) * s.n_wave + j)]) *
                    frame_.flux[static_cast<std::size_t>(f * 120 + 25 + j)];
      }
      if (w < s.n_diag || w >= s.n_wave - s.n_diag) continue;
      const std::size_t at = static_cast<std::size_t>(f * s.n_wave + w);
      const double pull = (s.flux[at] - expected) * std::sqrt(s.ivar[at]);
      sum += pull;
      squares += pull * pull;
      ++n;
    }
  }
  EXPECT_NEAR(sum / n, 0, 0.25);
  EXPECT_NEAR(std::sqrt(squares / n), 1, 0.15);
}

TEST_F(Extract, StripsEqualOnePatchOverTheWholeRange) {
  make();
  Options o = options_for(5);
  o.n_wave_step = 60;
  const Spectra patch = run(o);
  o.mode = Mode::kStrips;
  o.n_wave_step = 7;
  expect_same(patch, run(o));
}

TEST_F(Extract, FrameWithoutAnyWeightGivesNothingAndSaysSo) {
  make();
  std::fill(frame_.ivar.begin(), frame_.ivar.end(), 0.0f);
  const Spectra s = run(options_for(10));
  expect_finite(s);
  for (std::size_t i = 0; i < s.flux.size(); ++i) {
    EXPECT_EQ(s.ivar[i], 0);
    EXPECT_EQ(s.flags[i], kNoWeight);
    EXPECT_NEAR(s.pixmask_fraction[i], 1, 1e-12);
  }
  for (const float r : s.resolution) EXPECT_EQ(r, 0);
}

TEST_F(Extract, MaskedStretchIsFlaggedAndItsNeighboursLive) {
  make({.n_spec = 5}, 0);
  for (int y = 170; y < 195; ++y) {
    for (int x = 0; x < frame_.n_col; ++x)
      frame_.ivar[static_cast<std::size_t>(y * frame_.n_col + x)] = 0;
  }
  const Spectra s = run(options_for(5));
  expect_finite(s);
  const auto dead =
      std::count_if(s.flags.begin(), s.flags.end(), [](auto f) { return f == kNoWeight; });
  EXPECT_GT(dead, 20);
  EXPECT_LT(dead, 150);
}

TEST_F(Extract, FullyMaskedFibreDoesNotSpoilTheNextOne) {
  make({.n_spec = 5}, 0);
  const Spectra clean = run(options_for(5));
  for (int y = 0; y < frame_.n_row; ++y) {
    for (int x = 0; x < 26; ++x) frame_.ivar[static_cast<std::size_t>(y * frame_.n_col + x)] = 0;
  }
  const Spectra s = run(options_for(5));
  expect_finite(s);
  const std::size_t far = static_cast<std::size_t>(4 * s.n_wave + 30);
  EXPECT_NEAR(s.flux[far], clean.flux[far], 0.05 / std::sqrt(clean.ivar[far]));
}

TEST_F(Extract, NotANumberIsMaskedCountedAndNeverSpread) {
  make({.n_spec = 5}, 0);
  Options o = options_for(5);
  test::MadeFrame original = frame_;
  const std::size_t bad[] = {40000, 40001, 41234};
  for (const std::size_t i : bad) frame_.ivar[i] = 0;
  const Spectra masked = run(o);
  frame_ = original;
  frame_.image[bad[0]] = std::numeric_limits<float>::quiet_NaN();
  frame_.image[bad[1]] = std::numeric_limits<float>::infinity();
  frame_.ivar[bad[2]] = std::numeric_limits<float>::quiet_NaN();
  const Spectra s = run(o);
  EXPECT_EQ(s.bad_input_pixels, 3);
  EXPECT_EQ(masked.bad_input_pixels, 0);
  expect_same(s, masked);
}

TEST_F(Extract, PatchesAtTheCcdEdgesKeepTheirVisibleBins) {
  for (const double first_y : {-150.0, 240.0}) {
    make({.n_spec = 5, .first_y = first_y}, 0);
    const Spectra s = run(options_for(5));
    expect_finite(s);
    const auto off =
        std::count_if(s.flags.begin(), s.flags.end(), [](auto f) { return (f & kOffCcd) != 0; });
    EXPECT_GT(off, 0) << first_y;
    EXPECT_LT(off, static_cast<long>(s.flags.size())) << first_y;
    for (std::size_t i = 0; i < s.flags.size(); ++i) {
      EXPECT_TRUE((s.flags[i] & kOffCcd) == 0 || s.pixmask_fraction[i] == 1);
    }
  }
}

TEST_F(Extract, FibresWhollyOffTheCcdAreFlaggedAndNeverCrash) {
  for (const double first_x : {-60.0, -2000.0, 240.0, 1e7}) {
    make({.n_spec = 5, .first_x = first_x}, 0);
    const Spectra s = run(options_for(5));
    expect_finite(s);
    EXPECT_EQ(s.flags[0] | s.flags[static_cast<std::size_t>(4 * s.n_wave)], kNoWeight | kOffCcd)
        << first_x;
  }
  make({.n_spec = 5, .first_y = 1e6}, 0);
  const Spectra s = run(options_for(5));
  for (const auto f : s.flags) EXPECT_EQ(f, kNoWeight | kOffCcd);
}

TEST_F(Extract, ModelImageIsTheProjectionAndDescribesTheFrame) {
  make({.n_spec = 5}, 0);
  Options o = options_for(5);
  o.model_image = true;
  const Spectra s = run(o);
  double chi2 = 0;
  int n = 0;
  for (int y = 140; y < 200; ++y) {
    for (int x = 22; x < 55; ++x) {
      const std::size_t at = static_cast<std::size_t>(y * frame_.n_col + x);
      const double d = static_cast<double>(frame_.image[at]) - static_cast<double>(s.model[at]);
      chi2 += d * d * static_cast<double>(frame_.ivar[at]);
      ++n;
    }
  }
  EXPECT_NEAR(chi2 / n, 0.85, 0.15);
}

TEST_F(Extract, DegenerateSizesWork) {
  make({.n_spec = 10}, 0.01);
  Options o = options_for(10);
  o.wavelength.size = 1;
  EXPECT_EQ(run(o).flux.size(), 10u);
  o.wavelength.size = 3;
  o.wave_pad = 0;
  o.bundle_size = o.n_subbundles = 1;
  expect_finite(run(o));
  o.n_wave_step = 1;
  expect_finite(run(o));
}

TEST_F(Extract, SecondCoreAndTailsAreHonoured) {
  make({.n_spec = 5, .second_core = true}, 0);
  expect_finite(run(options_for(5)));
  make({.n_spec = 5, .tail_amplitude = 1e-3}, 0);
  Options o = options_for(5);
  const Spectra off = run(o);
  o.tails = Tails::kOn;
  const Spectra on = run(o);
  expect_finite(on);
  EXPECT_NE(on.flux, off.flux);
}

TEST_F(Extract, ProgressCountsEveryPatchOnce) {
  make();
  std::mutex mutex;
  std::vector<std::int64_t> seen;
  std::int64_t total = 0;
  Hooks hooks;
  hooks.progress = [&](std::int64_t done, std::int64_t all) {
    const std::lock_guard lock(mutex);
    seen.push_back(done);
    total = all;
  };
  run(options_for(10), 2, hooks);
  EXPECT_EQ(total, 2 * 3);
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(seen, (std::vector<std::int64_t>{1, 2, 3, 4, 5, 6}));
}

TEST_F(Extract, CancelStopsBeforeTheNextPatch) {
  make();
  std::atomic<int> patches{0};
  Hooks hooks;
  hooks.progress = [&](std::int64_t, std::int64_t) { ++patches; };
  hooks.cancelled = [&] { return patches >= 2; };
  EXPECT_THROW(run(options_for(10), 1, hooks), Cancelled);
  EXPECT_EQ(patches, 2);
}

TEST_F(Extract, OptionsThatDoNotFitAreRefused) {
  make();
  const Options good = options_for(10);
  const auto refused = [&](auto change) {
    Options o = good;
    change(o);
    EXPECT_THROW(run(o), std::invalid_argument);
  };
  refused([](Options& o) { o.n_subbundles = 2; });
  refused([](Options& o) { o.spec_min = 3; });
  refused([](Options& o) { o.n_spec = 15; });
  refused([](Options& o) { o.wavelength.step = -1; });
  refused([](Options& o) { o.wavelength.step = std::nan(""); });
  refused([](Options& o) { o.wavelength.size = 0; });
  refused([](Options& o) { o.pixel_pad_frac = 2; });
  refused([](Options& o) { o.mode = Mode::kStrips, o.decorrelate = Decorrelate::kNoise; });
  frame_.image.resize(100);
  frame_.ivar.resize(100);
  frame_.n_row = frame_.n_col = 10;
  EXPECT_THROW(run(good), std::invalid_argument);
}

TEST_F(Extract, PsfThatDoesNotFitIsRefused) {
  make();
  psf_.shape.params.coef[5] = std::nan("");
  EXPECT_THROW(run(options_for(10)), std::invalid_argument);
  make();
  psf_.traces.x.coef.pop_back();
  EXPECT_THROW(run(options_for(10)), std::invalid_argument);
  make();
  psf_.shape.half_size_x = kMaxHalfSize + 1;
  EXPECT_THROW(run(options_for(10)), std::invalid_argument);
}

TEST(Project, LightOnTheCcdIsKept) {
  const test::MadePsf psf = test::make_psf({.n_spec = 3});
  const std::vector<double> flux(3 * 10, 7.0);
  std::vector<float> image(static_cast<std::size_t>(psf.shape.npix_x * psf.shape.npix_y));
  compute::Cpu cpu(2);
  project(psf.shape, psf.traces, {.first = 6080, .step = 0.8, .size = 10}, 0, {flux.data(), 3, 10},
          Tails::kOff, {image.data(), psf.shape.npix_y, psf.shape.npix_x}, cpu);
  double total = 0;
  for (const float v : image) total += static_cast<double>(v);
  EXPECT_NEAR(total, 210, 1e-3);
}

}  // namespace
}  // namespace unfold::extraction
