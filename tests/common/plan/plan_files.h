#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "common/base/error.h"
#include "common/plan/plan.h"
#include "tests/common/formats/fits_files.h"

namespace unfold::test {

/// A root "data" with a good image, PSF and job, each of which a test may spoil.
class PlanFiles : public ::testing::Test {
 protected:
  PlanFiles() {
    write_preproc("preproc.fits", small_preproc(40, 30, 10));
    write_psf("psf.fits", small_psf(10));
    roots_ = *Roots::make({"data=" + folder_.path().string()});
    v1::ExtractionSpec& spec = *job_.mutable_extraction();
    spec.set_image("data:preproc.fits");
    spec.set_psf("data:psf.fits");
    spec.set_output("data:frame.fits");
    spec.set_bundlesize(5);
    spec.mutable_wavelength()->set_min(5610);
    spec.mutable_wavelength()->set_max(5690);
    spec.mutable_wavelength()->set_step(0.8);
  }

  void write_preproc(const std::string& name, const fits::Preproc& preproc) const {
    const absl::Status status = fits::write_preproc(folder_.file(name), preproc);
    ASSERT_TRUE(status.ok()) << status;
  }
  void write_psf(const std::string& name, const fits::Psf& psf) const {
    const absl::Status status = fits::write_psf(folder_.file(name), psf);
    ASSERT_TRUE(status.ok()) << status;
  }
  v1::ExtractionSpec& spec() { return *job_.mutable_extraction(); }

  plan::Planned planned() const {
    absl::StatusOr<plan::Planned> out = plan::plan(job_, roots_);
    EXPECT_TRUE(out.ok()) << out.status();
    return out.ok() ? *std::move(out) : plan::Planned{};
  }
  /// "field REASON" of the refusal, or "accepted".
  std::string refusal() const {
    const absl::Status status = plan::plan(job_, roots_).status();
    return status.ok() ? "accepted" : field_of(status) + " " + reason_of(status);
  }
  /// The refusal of the job after `spoil`; the job itself stays good.
  std::string refusal(const std::function<void(v1::ExtractionSpec&)>& spoil) {
    const v1::JobSpec good = job_;
    spoil(spec());
    std::string out = refusal();
    job_ = good;
    return out;
  }

  TemporaryFolder folder_;
  Roots roots_;
  v1::JobSpec job_;
};

}  // namespace unfold::test
