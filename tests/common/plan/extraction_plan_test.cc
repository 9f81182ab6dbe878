#include "common/plan/extraction_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <limits>

#include "common/plan/extraction_options.h"
#include "tests/common/plan/plan_files.h"
#include "tests/support/shared_data.h"

namespace unfold::plan {
namespace {

using test::PlanFiles;
using test::read_text;
using test::small_preproc;
using test::small_psf;

TEST_F(PlanFiles, AGoodJobIsPlannedWithDefaultsAndRootedPaths) {
  spec().set_image(folder_.file("preproc.fits"));
  const Planned out = planned();
  const v1::ExtractionSpec& got = out.spec.extraction();
  EXPECT_EQ(got.image(), "data:preproc.fits");
  EXPECT_EQ(got.output(), "data:frame.fits");
  EXPECT_EQ(got.specmin(), 0);
  EXPECT_EQ(got.nspec(), 10);
  EXPECT_EQ(got.nsubbundles(), 5);
  EXPECT_EQ(got.nwavestep(), 50);
  EXPECT_EQ(got.wavepad(), 10);
  EXPECT_EQ(got.wavepad_frac(), 0.2);
  EXPECT_EQ(got.pixpad_frac(), 0.8);
  EXPECT_EQ(got.regularize(), 0);
  EXPECT_EQ(got.psferr(), 0.01);
  EXPECT_EQ(got.mask_bits(), 767u);
  EXPECT_EQ(got.mode(), v1::EXTRACTION_MODE_PATCHES);
  EXPECT_EQ(got.decorrelate(), v1::DECORRELATION_SIGNAL);
  EXPECT_EQ(got.psf_tails(), v1::PSF_TAILS_AUTO);
  EXPECT_EQ(got.camera(), "r0");
  EXPECT_EQ(out.spec.max_attempts(), 3);
  EXPECT_EQ(out.plan.inputs_size(), 2);
  EXPECT_EQ(out.plan.inputs(0).size_bytes(),
            static_cast<std::int64_t>(std::filesystem::file_size(folder_.file("preproc.fits"))));
  EXPECT_EQ(out.plan.outputs(0).path(), "data:frame.fits");
  EXPECT_GT(out.plan.host_bytes(), 0);
  EXPECT_GT(out.plan.run_seconds(), 0);
  EXPECT_EQ(out.plan.facts().at("camera"), "r0");
}

TEST_F(PlanFiles, PlanningItsOwnAnswerChangesNothing) {
  const Planned first = planned();
  job_ = first.spec;
  EXPECT_EQ(planned().spec.SerializeAsString(), first.spec.SerializeAsString());
}

TEST_F(PlanFiles, PsferrComesFromThePsfWhereItSays) {
  fits::Psf psf = small_psf(10);
  psf.psferr = 0.03;
  write_psf("psf.fits", psf);
  EXPECT_EQ(planned().spec.extraction().psferr(), 0.03);
  spec().set_psferr(0.02);
  EXPECT_EQ(planned().spec.extraction().psferr(), 0.02);
}

TEST_F(PlanFiles, WithoutAWavelengthThePsfsRangeIsTaken) {
  spec().clear_wavelength();
  const Planned out = planned();
  EXPECT_EQ(out.spec.extraction().wavelength().min(), 5600);
  EXPECT_EQ(out.spec.extraction().wavelength().max(), 5700);
  EXPECT_EQ(out.spec.extraction().wavelength().step(), 0.8);
}

TEST_F(PlanFiles, PsfsThatDifferInTheirTracesOnlyShareAResponse) {
  const std::string key = planned().plan.response_key();
  fits::Psf psf = small_psf(10);
  psf.x.coefficients[0] += 0.3;
  psf.y.coefficients[4] -= 0.2;
  write_psf("psf.fits", psf);
  EXPECT_EQ(planned().plan.response_key(), key);
  psf.core.terms[2].coefficients[3] += 1e-9;
  write_psf("psf.fits", psf);
  EXPECT_NE(planned().plan.response_key(), key);
}

// Bad input, each refused with the field named.

TEST_F(PlanFiles, FilesThatCannotBeReadAreRefused) {
  EXPECT_EQ(refusal([](auto& s) { s.clear_image(); }), "extraction.image MISSING_FIELD");
  EXPECT_EQ(refusal([](auto& s) { s.clear_psf(); }), "extraction.psf MISSING_FIELD");
  EXPECT_EQ(refusal([](auto& s) { s.clear_output(); }), "extraction.output MISSING_FIELD");
  EXPECT_EQ(refusal([](auto& s) { s.set_image("data:none.fits"); }),
            "extraction.image INPUT_NOT_FOUND");
  EXPECT_EQ(refusal([](auto& s) { s.set_psf("data:none.fits"); }),
            "extraction.psf INPUT_NOT_FOUND");
  EXPECT_EQ(refusal([](auto& s) { s.set_image("data:."); }), "extraction.image NOT_A_FILE");
  EXPECT_EQ(refusal([](auto& s) { s.set_psf("/etc/passwd"); }), "extraction.psf OUTSIDE_ROOTS");
  EXPECT_EQ(refusal([](auto& s) { s.set_psf("data:../x"); }), "extraction.psf OUTSIDE_ROOTS");
  EXPECT_EQ(refusal([](auto& s) { s.set_psf("other:x"); }), "extraction.psf NO_SUCH_ROOT");
  EXPECT_EQ(refusal([](auto& s) { s.set_psf("psf.fits"); }), "extraction.psf BAD_PATH");
  EXPECT_EQ(refusal([](auto& s) { s.set_fibermap("data:none.fits"); }),
            "extraction.fibermap INPUT_NOT_FOUND");
}

TEST_F(PlanFiles, ExtendedFileNameSyntaxIsAPlainName) {
  for (const char* name :
       {"data:preproc.fits[1]", "data:preproc.fits(copied.fits)", "data:preproc.fits[b2,2]",
        "data:preproc.fits[IMAGE][1:5,1:5]", "data:mem://preproc.fits", "data:preproc.fits+1"}) {
    EXPECT_EQ(refusal([&](auto& s) { s.set_image(name); }), "extraction.image INPUT_NOT_FOUND")
        << name;
  }
  EXPECT_FALSE(std::filesystem::exists(folder_.file("copied.fits")));
}

TEST_F(PlanFiles, FilesThatAreNoFitsAreRefused) {
  for (const char* name : {"preproc.fits", "psf.fits"}) {
    const std::string good = read_text(folder_.file(name));
    const std::string field =
        std::string(name) == "psf.fits" ? "extraction.psf " : "extraction.image ";
    folder_.write(name, "");
    EXPECT_EQ(refusal(), field + "NOT_FITS");
    folder_.write(name, "hello, this is no FITS file");
    EXPECT_EQ(refusal(), field + "NOT_FITS");
    folder_.write(name, good.substr(0, good.size() - 1));
    EXPECT_EQ(refusal(), field + "TRUNCATED");
    folder_.write(name, good.substr(0, 1000));
    EXPECT_EQ(refusal(), field + "TRUNCATED");
    folder_.write(name, good);
    EXPECT_EQ(refusal(), "accepted");
  }
}

TEST_F(PlanFiles, ATruncatedGzipIsRefused) {
  write_preproc("preproc.fits.gz", small_preproc(40, 30, 10));
  spec().set_image("data:preproc.fits.gz");
  EXPECT_EQ(refusal(), "accepted");
  const std::string good = read_text(folder_.file("preproc.fits.gz"));
  folder_.write("preproc.fits.gz", good.substr(0, good.size() / 2));
  EXPECT_EQ(refusal(), "extraction.image TRUNCATED");
  folder_.write("preproc.fits.gz", good.substr(0, good.size() - 4));
  EXPECT_EQ(refusal(), "extraction.image TRUNCATED");
}

TEST_F(PlanFiles, AnImageForAPsfAndTheReverseAreRefused) {
  EXPECT_EQ(refusal([](auto& s) { s.set_psf("data:preproc.fits"); }), "extraction.psf WRONG_TYPE");
  EXPECT_EQ(refusal([](auto& s) { s.set_image("data:psf.fits"); }), "extraction.image WRONG_TYPE");
}

TEST_F(PlanFiles, APsfOfAnotherCcdSizeIsRefused) {
  write_psf("psf.fits", small_psf(10, 41, 30));
  EXPECT_EQ(refusal(), "extraction.psf WRONG_SHAPE");
}

TEST_F(PlanFiles, ShapesThatContradictEachOtherAreRefused) {
  std::string bytes = read_text(folder_.file("preproc.fits"));
  const std::size_t ivar = bytes.find("XTENSION");
  bytes.replace(bytes.find("NAXIS1", ivar), 30, "NAXIS1  =                   30");
  bytes.replace(bytes.find("NAXIS2", ivar), 30, "NAXIS2  =                   40");
  folder_.write("preproc.fits", bytes);
  EXPECT_EQ(refusal(), "extraction.image WRONG_SHAPE");
}

TEST_F(PlanFiles, NanInAHeaderThatIsNeededIsRefused) {
  std::string bytes = read_text(folder_.file("psf.fits"));
  bytes.replace(bytes.find("HSIZEX  ="), 30, "HSIZEX  =                  NaN");
  folder_.write("psf.fits", bytes);
  EXPECT_EQ(refusal(), "extraction.psf BAD_HEADER_VALUE");
}

TEST_F(PlanFiles, AnEightTerabyteClaimIsRefused) {
  std::string bytes = read_text(folder_.file("preproc.fits"));
  bytes.replace(bytes.find("NAXIS1"), 30, "NAXIS1  =              2000000");
  bytes.replace(bytes.find("NAXIS2"), 30, "NAXIS2  =              1000000");
  folder_.write("preproc.fits", bytes);
  EXPECT_EQ(refusal(), "extraction.image TOO_LARGE");
}

TEST_F(PlanFiles, WavelengthsOutsideThePsfAreRefused) {
  EXPECT_EQ(refusal([](auto& s) { s.mutable_wavelength()->set_min(5599); }),
            "extraction.wavelength.min OUTSIDE_PSF");
  EXPECT_EQ(refusal([](auto& s) { s.mutable_wavelength()->set_max(5701); }),
            "extraction.wavelength.max OUTSIDE_PSF");
  EXPECT_EQ(refusal([](auto& s) {
              s.mutable_wavelength()->set_min(5600);  // padding may exceed the range
              s.mutable_wavelength()->set_max(5700);
            }),
            "accepted");
}

TEST_F(PlanFiles, GridsThatAreNoneAreRefused) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double step : {0.0, -0.8, nan, HUGE_VAL}) {
    EXPECT_EQ(refusal([&](auto& s) { s.mutable_wavelength()->set_step(step); }),
              "extraction.wavelength.step OUT_OF_RANGE")
        << step;
  }
  EXPECT_EQ(refusal([&](auto& s) { s.mutable_wavelength()->set_step(1e-9); }),
            "extraction.wavelength.step TOO_LARGE");
  EXPECT_EQ(refusal([&](auto& s) { s.mutable_wavelength()->set_min(nan); }),
            "extraction.wavelength.min OUT_OF_RANGE");
  EXPECT_EQ(refusal([&](auto& s) { s.mutable_wavelength()->set_max(nan); }),
            "extraction.wavelength.max OUT_OF_RANGE");
  EXPECT_EQ(refusal([&](auto& s) { s.mutable_wavelength()->set_max(5609); }),
            "extraction.wavelength.max OUT_OF_RANGE");
}

TEST_F(PlanFiles, FibresOffTheBundlesAreRefused) {
  EXPECT_EQ(refusal([](auto& s) { s.set_specmin(3); }), "extraction.specmin NOT_DIVISIBLE");
  EXPECT_EQ(refusal([](auto& s) {
              s.set_specmin(3);
              s.set_nspec(5);
            }),
            "extraction.specmin NOT_DIVISIBLE");
  EXPECT_EQ(refusal([](auto& s) { s.set_nspec(7); }), "extraction.nspec NOT_DIVISIBLE");
  EXPECT_EQ(refusal([](auto& s) { s.set_nspec(15); }), "extraction.nspec OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) { s.set_nspec(0); }), "extraction.nspec OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) { s.set_specmin(-5); }), "extraction.specmin OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) { s.set_specmin(10); }), "extraction.specmin OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) { s.set_nsubbundles(3); }), "extraction.nsubbundles NOT_DIVISIBLE");
  EXPECT_EQ(refusal([](auto& s) { s.set_nsubbundles(0); }), "extraction.nsubbundles OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) { s.set_bundlesize(0); }), "extraction.bundlesize OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) {
              s.set_specmin(5);
              s.set_nspec(5);
            }),
            "accepted");
}

TEST_F(PlanFiles, MethodOptionsOutOfRangeAreRefused) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(refusal([](auto& s) { s.set_nwavestep(0); }), "extraction.nwavestep OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) { s.set_wavepad(-1); }), "extraction.wavepad OUT_OF_RANGE");
  EXPECT_EQ(refusal([&](auto& s) { s.set_wavepad_frac(nan); }),
            "extraction.wavepad_frac OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) { s.set_pixpad_frac(1.5); }),
            "extraction.pixpad_frac OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) { s.set_regularize(-1); }), "extraction.regularize OUT_OF_RANGE");
  EXPECT_EQ(refusal([&](auto& s) { s.set_psferr(nan); }), "extraction.psferr OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) { s.set_camera("x7"); }), "extraction.camera OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) { s.set_camera("b0"); }), "extraction.camera WRONG_CAMERA");
  EXPECT_EQ(refusal([](auto& s) {
              s.set_decorrelate(v1::DECORRELATION_NOISE);
              s.set_mode(v1::EXTRACTION_MODE_STRIPS);
            }),
            "extraction.decorrelate UNSUPPORTED");
  EXPECT_EQ(refusal([](auto& s) { s.set_mode(static_cast<v1::ExtractionMode>(9)); }),
            "extraction.mode OUT_OF_RANGE");
}

TEST_F(PlanFiles, AFibermapTooShortForTheFibresIsRefused) {
  write_preproc("preproc.fits", small_preproc(40, 30, 5));
  EXPECT_EQ(refusal(), "extraction.image WRONG_SHAPE");
  spec().set_nspec(5);
  EXPECT_EQ(refusal(), "accepted");
  write_preproc("fibermap.fits", small_preproc(40, 30, 4));
  spec().set_fibermap("data:fibermap.fits");
  EXPECT_EQ(refusal(), "extraction.fibermap WRONG_SHAPE");
  spec().set_fibermap("data:psf.fits");
  EXPECT_EQ(refusal(), "extraction.fibermap MISSING_HDU");
}

TEST_F(PlanFiles, TheBarycentricCorrectionNeedsCoordinates) {
  spec().set_barycentric_correction(true);
  EXPECT_EQ(refusal(), "extraction.barycentric_correction MISSING_COORDINATES");
  fits::Preproc preproc = small_preproc(40, 30, 10);
  preproc.header.set("TARGTRA", 150.1);
  preproc.header.set("TARGTDEC", 2.2);
  preproc.header.set("MJD-OBS", 59197.4);
  write_preproc("preproc.fits", preproc);
  EXPECT_TRUE(planned().plan.facts().contains("barycentric_factor"));
  preproc.header.append_card("TARGTRA = NaN");
  preproc.header.erase("TARGTRA");
  preproc.header.append_card("TARGTRA = NaN");
  write_preproc("preproc.fits", preproc);
  EXPECT_EQ(refusal(), "extraction.barycentric_correction BAD_HEADER_VALUE");
}

TEST_F(PlanFiles, OutputsThatCannotBeWrittenAreRefused) {
  EXPECT_EQ(refusal([](auto& s) { s.set_output("data:new/frame.fits"); }),
            "extraction.output OUTPUT_FOLDER_MISSING");
  job_.set_parents(true);
  EXPECT_EQ(refusal([](auto& s) { s.set_output("data:new/frame.fits"); }), "accepted");
  EXPECT_FALSE(std::filesystem::exists(folder_.file("new"))) << "planning writes nothing";
  EXPECT_EQ(refusal([](auto& s) { s.set_output("data:psf.fits/frame.fits"); }),
            "extraction.output BAD_PATH");
  EXPECT_EQ(refusal([](auto& s) { s.set_output("/etc/frame.fits"); }),
            "extraction.output OUTSIDE_ROOTS");
  EXPECT_EQ(refusal([](auto& s) { s.set_model("data:./frame.fits"); }),
            "extraction.model DUPLICATE_OUTPUT");
  EXPECT_EQ(refusal([](auto& s) { s.set_output("data:."); }), "extraction.output BAD_PATH");
}

TEST_F(PlanFiles, AnExistingOutputIsRefusedUnlessToldSo) {
  folder_.write("frame.fits", "old");
  EXPECT_EQ(refusal(), "extraction.output OUTPUT_EXISTS");
  job_.set_overwrite(true);
  EXPECT_EQ(refusal(), "accepted");
  EXPECT_EQ(refusal([](auto& s) { s.set_output("data:psf.fits"); }),
            "extraction.output OUTPUT_IS_INPUT");
  std::filesystem::create_directory(folder_.file("folder"));
  EXPECT_EQ(refusal([](auto& s) { s.set_output("data:folder"); }), "extraction.output NOT_A_FILE");
}

TEST_F(PlanFiles, AReadOnlyRootTakesNoOutput) {
  roots_ = *Roots::make({"data=" + folder_.path().string() + ":ro"});
  EXPECT_EQ(refusal(), "extraction.output READ_ONLY_ROOT");
}

TEST_F(PlanFiles, AProbeIsPlannedFromItsOwnNumbers) {
  v1::JobSpec job;
  v1::ProbeSpec& probe = *job.mutable_probe();
  probe.mutable_run()->set_seconds(2);
  probe.set_response("A");
  probe.set_response_bytes(100);
  probe.set_output("data:probe.out");
  const auto out = plan(job, roots_);
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_EQ(out->plan.response_key(), "A");
  EXPECT_EQ(out->plan.run_seconds(), 2);
  EXPECT_EQ(out->plan.outputs(0).path(), "data:probe.out");
  probe.set_allocate_bytes(-1);
  EXPECT_EQ(field_of(plan(job, roots_).status()), "probe.allocate_bytes");
  EXPECT_EQ(field_of(plan({}, roots_).status()), "engine");
}

TEST(BinCount, CountsLikeTheGridItself) {
  const auto grid = [](double min, double max, double step) {
    v1::WavelengthGrid out;
    out.set_min(min);
    out.set_max(max);
    out.set_step(step);
    return bin_count(out);
  };
  EXPECT_EQ(grid(3600, 5800, 0.8), 2751);
  EXPECT_EQ(grid(5760, 7620, 0.8), 2326);
  EXPECT_EQ(grid(7520, 9824, 0.8), 2881);
  EXPECT_EQ(grid(6860, 6940, 1.2), 68);
  EXPECT_EQ(grid(5000, 5000, 1), 1);
}

TEST(ReferenceData, AWholeFrameIsPlanned) {
  const std::string image = test::shared_file("data/extraction/c01_plain_preproc.fits.gz").string();
  const std::string psf = test::shared_file("data/extraction/psf-r0-00051060.fits").string();
  if (image.empty() || psf.empty()) GTEST_SKIP() << "shared data absent";
  const test::TemporaryFolder folder;
  const auto roots =
      Roots::make({"in=" + std::filesystem::path(image).parent_path().string() + ":ro",
                   "out=" + folder.path().string()});
  ASSERT_TRUE(roots.ok());
  v1::JobSpec job;
  job.mutable_extraction()->set_image(image);
  job.mutable_extraction()->set_psf(psf);
  job.mutable_extraction()->set_output(folder.file("frame.fits"));
  const auto out = plan(job, *roots);
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_EQ(out->spec.extraction().nspec(), 500);
  EXPECT_EQ(out->spec.extraction().wavelength().max(), 7827);
  EXPECT_EQ(out->spec.extraction().image(), "in:c01_plain_preproc.fits.gz");
}

}  // namespace
}  // namespace unfold::plan
