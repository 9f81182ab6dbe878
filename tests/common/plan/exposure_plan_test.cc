#include "common/plan/exposure_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/common/plan/plan_files.h"

namespace unfold::plan {
namespace {

using ::testing::HasSubstr;

class ExposurePlan : public ::testing::Test {
 protected:
  ExposurePlan() {
    std::filesystem::create_directory(folder_.file("night"));
    std::filesystem::create_directory(folder_.file("out"));
    for (const char* camera : {"z3", "b0", "r0"}) add_camera(camera);
    roots_ = *Roots::make({"data=" + folder_.path().string()});
    request_.set_night(20261120);
    request_.set_expid(51060);
    request_.set_input_dir("data:night");
    request_.set_output_dir(folder_.file("out"));
  }

  fits::Preproc image_of(const std::string& camera) const {
    fits::Preproc out = test::small_preproc();
    out.header.set("CAMERA", camera);
    out.header.set("NIGHT", 20261120);
    out.header.set("EXPID", 51060);
    out.header.set("OBSTYPE", "SCIENCE");
    return out;
  }
  void write(const std::string& name, const fits::Preproc& preproc) const {
    ASSERT_TRUE(fits::write_preproc(folder_.file("night/" + name), preproc).ok());
  }
  void add_camera(const std::string& camera) const {
    write("preproc-" + camera + "-00051060.fits", image_of(camera));
    ASSERT_TRUE(
        fits::write_psf(folder_.file("night/psf-" + camera + "-00051060.fits"), test::small_psf())
            .ok());
  }

  v1::Exposure planned() const {
    const auto out = plan_exposure(request_, roots_);
    EXPECT_TRUE(out.ok()) << out.status();
    return out.ok() ? *out : v1::Exposure();
  }
  v1::CameraState camera(const std::string& name) const {
    const v1::Exposure exposure = planned();
    for (const v1::CameraState& state : exposure.cameras()) {
      if (state.camera() == name) return state;
    }
    ADD_FAILURE() << "no camera " << name;
    return {};
  }
  std::string refusal() const {
    const absl::Status status = plan_exposure(request_, roots_).status();
    return status.ok() ? "accepted" : field_of(status) + " " + reason_of(status);
  }

  test::TemporaryFolder folder_;
  Roots roots_;
  v1::SubmitExposureRequest request_;
};

TEST_F(ExposurePlan, FindsEachCamerasFilesInOrder) {
  const v1::Exposure exposure = planned();
  EXPECT_EQ(exposure.id(), "20261120-00051060");
  ASSERT_EQ(exposure.cameras_size(), 3);
  EXPECT_EQ(exposure.cameras(0).camera(), "b0");
  EXPECT_EQ(exposure.cameras(2).camera(), "z3");
  const v1::ExtractionSpec& spec = exposure.cameras(1).spec();
  EXPECT_EQ(spec.image(), "data:night/preproc-r0-00051060.fits");
  EXPECT_EQ(spec.psf(), "data:night/psf-r0-00051060.fits");
  EXPECT_EQ(spec.output(), "data:out/frame-r0-00051060.fits");
  EXPECT_EQ(spec.camera(), "r0");
}

TEST_F(ExposurePlan, AppliesThePresetsOfEachBand) {
  const auto preset = [&](const char* name) {
    const v1::ExtractionSpec spec = camera(name).spec();
    return std::vector<double>{spec.wavelength().min(), spec.wavelength().max(),
                               spec.wavelength().step(), spec.psferr()};
  };
  EXPECT_EQ(preset("b0"), (std::vector<double>{3600, 5800, 0.8, 0.04}));
  EXPECT_EQ(preset("r0"), (std::vector<double>{5760, 7620, 0.8, 0.01}));
  EXPECT_EQ(preset("z3"), (std::vector<double>{7520, 9824, 0.8, 0.01}));
}

TEST_F(ExposurePlan, CorrectsScienceAndSkyToTheBarycentre) {
  const auto corrected = [&](const char* key, const char* obstype) {
    fits::Preproc image = image_of("r0");
    image.header.erase("OBSTYPE");
    image.header.set(key, obstype);
    write("preproc-r0-00051060.fits", image);
    return camera("r0").spec().barycentric_correction();
  };
  EXPECT_TRUE(corrected("OBSTYPE", "SCIENCE"));
  EXPECT_TRUE(corrected("OBSTYPE", "SKY"));
  EXPECT_FALSE(corrected("OBSTYPE", "ARC"));
  EXPECT_FALSE(corrected("OBSTYPE", "FLAT"));
  EXPECT_TRUE(corrected("FLAVOR", "science"));
  request_.set_no_barycentric_correction(true);
  EXPECT_FALSE(corrected("OBSTYPE", "SCIENCE"));
}

TEST_F(ExposurePlan, OverridesComeAfterPresets) {
  request_.mutable_extraction()->set_psferr(0.1);
  request_.mutable_extraction()->set_mode(v1::EXTRACTION_MODE_STRIPS);
  request_.set_compress(true);
  const v1::ExtractionSpec spec = camera("b0").spec();
  EXPECT_EQ(spec.psferr(), 0.1);
  EXPECT_EQ(spec.mode(), v1::EXTRACTION_MODE_STRIPS);
  EXPECT_EQ(spec.wavelength().min(), 3600);
  EXPECT_EQ(spec.output(), "data:out/frame-b0-00051060.fits.gz");
  request_.mutable_extraction()->set_image("data:x");
  EXPECT_EQ(refusal(), "extraction OUT_OF_RANGE");
}

TEST_F(ExposurePlan, AMissingFileIsTheCamerasProblemAlone) {
  std::filesystem::remove(folder_.file("night/psf-b0-00051060.fits"));
  for (const char* name : {"b0", "r0", "r7"}) request_.add_cameras(name);
  EXPECT_THAT(camera("b0").problem(), HasSubstr("psf-b0-00051060.fits"));
  EXPECT_THAT(camera("r7").problem(), HasSubstr("preproc-r7-00051060.fits"));
  EXPECT_EQ(camera("r0").problem(), "");
}

TEST_F(ExposurePlan, TheNightsPsfIsTakenOnlyWhereAllowed) {
  std::filesystem::rename(folder_.file("night/psf-b0-00051060.fits"),
                          folder_.file("night/psfnight-b0-20261120.fits"));
  EXPECT_NE(camera("b0").problem(), "");
  request_.set_allow_psfnight(true);
  EXPECT_EQ(camera("b0").spec().psf(), "data:night/psfnight-b0-20261120.fits");
  EXPECT_TRUE(camera("b0").spec().psf_is_psfnight());
  EXPECT_FALSE(camera("r0").spec().psf_is_psfnight());
}

TEST_F(ExposurePlan, CompressedImagesAndOtherPsfNamesAreFound) {
  std::filesystem::remove(folder_.file("night/preproc-r0-00051060.fits"));
  write("preproc-r0-00051060.fits.gz", image_of("r0"));
  std::filesystem::create_directory(folder_.file("psfs"));
  std::filesystem::rename(folder_.file("night/psf-r0-00051060.fits"),
                          folder_.file("psfs/best-r0-51060-20261120.fits"));
  request_.set_psf_dir("data:psfs");
  request_.set_psf_pattern("best-{cam}-{expid}-{night}.fits");
  const v1::CameraState state = camera("r0");
  EXPECT_EQ(state.problem(), "");
  EXPECT_EQ(state.spec().image(), "data:night/preproc-r0-00051060.fits.gz");
  EXPECT_EQ(state.spec().psf(), "data:psfs/best-r0-51060-20261120.fits");
}

TEST_F(ExposurePlan, AHeaderThatContradictsItsNameIsNamed) {
  fits::Preproc image = image_of("r0");
  image.header.set("EXPID", 51061);
  write("preproc-r0-00051060.fits", image);
  EXPECT_THAT(camera("r0").problem(), HasSubstr("EXPID is 51061"));
  image = image_of("b0");
  write("preproc-r0-00051060.fits", image);
  EXPECT_THAT(camera("r0").problem(), HasSubstr("CAMERA is b0"));
  image = image_of("r0");
  image.header.set("NIGHT", "20261119");
  write("preproc-r0-00051060.fits", image);
  EXPECT_THAT(camera("r0").problem(), HasSubstr("NIGHT is 20261119"));
}

TEST_F(ExposurePlan, RequestsThatMakeNoSenseNameTheirField) {
  const v1::SubmitExposureRequest good = request_;
  const auto refused = [&](const auto& spoil) {
    request_ = good;
    spoil(request_);
    return refusal();
  };
  EXPECT_EQ(refused([](auto& r) { r.set_night(20261320); }), "night OUT_OF_RANGE");
  EXPECT_EQ(refused([](auto& r) { r.set_expid(-1); }), "expid OUT_OF_RANGE");
  EXPECT_EQ(refused([](auto& r) { r.set_expid(1); }), "input_dir INPUT_NOT_FOUND");
  EXPECT_EQ(refused([](auto& r) { r.add_cameras("q1"); }), "cameras OUT_OF_RANGE");
  EXPECT_EQ(refused([](auto& r) { r.clear_input_dir(); }), "input_dir MISSING_FIELD");
  EXPECT_EQ(refused([](auto& r) { r.clear_output_dir(); }), "output_dir MISSING_FIELD");
  EXPECT_EQ(refused([](auto& r) { r.set_psf_dir("/etc"); }), "psf_dir OUTSIDE_ROOTS");
  EXPECT_EQ(refused([](auto& r) { r.set_input_dir("data:none"); }), "input_dir INPUT_NOT_FOUND");
  EXPECT_EQ(refused([](auto& r) { r.set_psf_pattern("psf-{camera}.fits"); }),
            "psf_pattern OUT_OF_RANGE");
}

TEST_F(ExposurePlan, ARootItselfMayBeTheFolder) {
  roots_ = *Roots::make({"in=" + folder_.file("night"), "out=" + folder_.file("out")});
  request_.set_input_dir("in:");
  request_.set_output_dir(folder_.file("out"));
  EXPECT_EQ(camera("r0").spec().image(), "in:preproc-r0-00051060.fits");
  EXPECT_EQ(camera("r0").spec().output(), "out:frame-r0-00051060.fits");
}

}  // namespace
}  // namespace unfold::plan
