#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/made_psf.h"

/// How far two extractions of a frame may be apart where one ran on a device: docs/numerics.md.
namespace unfold::test {

struct ExtractionTolerance {
  double pull = 1e-7;        ///< flux, in its own standard deviations
  double ivar = 1e-8;        ///< relative
  double resolution = 1e-7;  ///< of values of at most 1, stored as float
  double chi2pix = 1e-8;     ///< relative
  double pixmask = 1e-12;
};

inline void expect_close(const extraction::Spectra& got, const extraction::Spectra& want,
                         const ExtractionTolerance& limit = {}) {
  ASSERT_EQ(got.flux.size(), want.flux.size());
  EXPECT_EQ(got.flags, want.flags);
  EXPECT_EQ(got.bad_input_pixels, want.bad_input_pixels);
  double pull = 0, ivar = 0, resolution = 0, chi2pix = 0, pixmask = 0;
  for (std::size_t i = 0; i < want.flux.size(); ++i) {
    ASSERT_TRUE(std::isfinite(got.flux[i]) && std::isfinite(got.ivar[i])) << "bin " << i;
    pull = std::max(pull, std::fabs(got.flux[i] - want.flux[i]) * std::sqrt(want.ivar[i]));
    if (want.ivar[i] > 0) ivar = std::max(ivar, std::fabs(got.ivar[i] / want.ivar[i] - 1));
    chi2pix = std::max(chi2pix, std::fabs(got.chi2pix[i] - want.chi2pix[i]) /
                                    std::max(1.0, std::fabs(want.chi2pix[i])));
    pixmask = std::max(pixmask, std::fabs(got.pixmask_fraction[i] - want.pixmask_fraction[i]));
  }
  for (std::size_t i = 0; i < want.resolution.size(); ++i) {
    resolution = std::max(resolution,
                          static_cast<double>(std::fabs(got.resolution[i] - want.resolution[i])));
  }
  SCOPED_TRACE(::testing::Message() << "pull " << pull << ", ivar " << ivar << ", R " << resolution
                                    << ", chi2pix " << chi2pix << ", pixmask " << pixmask);
  EXPECT_LT(pull, limit.pull);
  EXPECT_LT(ivar, limit.ivar);
  EXPECT_LT(resolution, limit.resolution);
  EXPECT_LT(chi2pix, limit.chi2pix);
  EXPECT_LT(pixmask, limit.pixmask);
}

}  // namespace unfold::test
