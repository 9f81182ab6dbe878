#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <filesystem>

#include "client/cli/extraction_flags.h"
#include "client/cli/flag_types.h"
#include "client/cli/paths.h"
#include "client/cli/submit_flags.h"

namespace unfold::cli {
namespace {

struct Parsed {
  CLI::App app;
  ExtractionFlags extraction;
  SubmitFlags submit;
};

// What `submit extraction` makes of a command line.
std::unique_ptr<Parsed> parse(const std::string& line) {
  auto parsed = std::make_unique<Parsed>();
  add_extraction_files(parsed->app, parsed->extraction);
  add_extraction_options(parsed->app, parsed->extraction);
  add_submit_flags(parsed->app, parsed->submit, WithLabels::kYes);
  add_ignored_flags(parsed->app, parsed->extraction);
  parsed->app.parse(line);
  return parsed;
}

TEST(ExtractionFlags, ALineOfDesiExtractSpectraIsTakenAsItIs) {
  const auto parsed = parse(
      "-i a:p.fits -p a:psf.fits -o a:f.fits -f a:fm.fits -m a:model.fits -w 5760,7620,0.8 -s 25 "
      "-n 50 -r 0.1 --bundlesize 25 --nsubbundles 6 --nwavestep 40 --psferr 0.04 "
      "--barycentric-correction --mpi --no-gpu --use-specter -v");
  const v1::ExtractionSpec& spec = parsed->extraction.spec;
  EXPECT_EQ(spec.image(), "a:p.fits");
  EXPECT_EQ(spec.psf(), "a:psf.fits");
  EXPECT_EQ(spec.output(), "a:f.fits");
  EXPECT_EQ(spec.fibermap(), "a:fm.fits");
  EXPECT_EQ(spec.model(), "a:model.fits");
  EXPECT_DOUBLE_EQ(spec.wavelength().min(), 5760);
  EXPECT_DOUBLE_EQ(spec.wavelength().max(), 7620);
  EXPECT_DOUBLE_EQ(spec.wavelength().step(), 0.8);
  EXPECT_EQ(spec.specmin(), 25);
  EXPECT_EQ(spec.nspec(), 50);
  EXPECT_DOUBLE_EQ(spec.regularize(), 0.1);
  EXPECT_EQ(spec.nsubbundles(), 6);
  EXPECT_EQ(spec.nwavestep(), 40);
  EXPECT_DOUBLE_EQ(spec.psferr(), 0.04);
  EXPECT_TRUE(spec.barycentric_correction());
  EXPECT_EQ(parsed->extraction.ignored, "--mpi, --no-gpu, --use-specter, -v");
}

TEST(ExtractionFlags, WhatWasNotGivenStaysAbsent) {
  const auto parsed = parse("-i a:p -p a:q -o a:f");
  const v1::ExtractionSpec& spec = parsed->extraction.spec;
  EXPECT_FALSE(spec.has_wavelength());
  EXPECT_FALSE(spec.has_specmin());
  EXPECT_FALSE(spec.has_psferr());
  EXPECT_FALSE(spec.has_mask_bits());
  EXPECT_EQ(spec.mode(), v1::EXTRACTION_MODE_UNSPECIFIED);
  EXPECT_FALSE(parsed->submit.waits());
}

TEST(ExtractionFlags, ChoicesHaveTheirWords) {
  EXPECT_EQ(parse("--mode strips")->extraction.spec.mode(), v1::EXTRACTION_MODE_STRIPS);
  EXPECT_EQ(parse("--psf-tails off")->extraction.spec.psf_tails(), v1::PSF_TAILS_OFF);
  EXPECT_EQ(parse("--decorrelate noise")->extraction.spec.decorrelate(), v1::DECORRELATION_NOISE);
  EXPECT_EQ(parse("--decorrelate-fibers")->extraction.spec.decorrelate(), v1::DECORRELATION_NOISE);
  EXPECT_EQ(parse("--mask-bits 0x2FF")->extraction.spec.mask_bits(), 767U);
  EXPECT_THROW(parse("--mode stripes"), CLI::ParseError);
}

TEST(ExtractionFlags, NanAndInfinityParse) {
  const auto parsed = parse("-w nan,inf,-0.8 --psferr nan -r -inf");
  EXPECT_TRUE(std::isnan(parsed->extraction.spec.wavelength().min()));
  EXPECT_TRUE(std::isinf(parsed->extraction.spec.wavelength().max()));
  EXPECT_DOUBLE_EQ(parsed->extraction.spec.wavelength().step(), -0.8);
  EXPECT_TRUE(std::isnan(parsed->extraction.spec.psferr()));
}

TEST(ExtractionFlags, WhatIsNoNumberIsAUsageError) {
  for (const char* line : {"-w 1,2", "-w 1,2,3,4", "-w a,b,c", "--psferr 1x", "-s 1.5", "-n",
                           "--unknown", "-s 99999999999"}) {
    EXPECT_THROW(parse(line), CLI::ParseError) << line;
  }
}

TEST(SubmitFlags, LabelsAreKeysAndValues) {
  const auto parsed = parse("--label tile=1234 --label note=a=b");
  EXPECT_THAT(parsed->submit.labels,
              testing::ElementsAre(testing::Pair("note", "a=b"), testing::Pair("tile", "1234")));
  EXPECT_THROW(parse("--label tile"), CLI::ParseError);
}

TEST(SubmitFlags, WaitTakesAnOptionalLimit) {
  EXPECT_TRUE(parse("--wait")->submit.waits());
  EXPECT_FALSE(parse("--wait")->submit.until().has_value());
  const auto limited = parse("--wait=10m --overwrite");
  EXPECT_TRUE(limited->submit.waits());
  EXPECT_TRUE(limited->submit.until().has_value());
  EXPECT_TRUE(limited->submit.overwrite);
  EXPECT_TRUE(parse("--wait --overwrite")->submit.overwrite);
  EXPECT_THROW(parse("--wait=soon"), CLI::ParseError);
}

TEST(SubmitFlags, GoIntoTheSpec) {
  v1::JobSpec spec;
  parse("--priority -5 --parents --run-timeout 90s --label a=b")->submit.apply(spec);
  EXPECT_EQ(spec.priority(), -5);
  EXPECT_TRUE(spec.parents());
  EXPECT_FALSE(spec.overwrite());
  EXPECT_EQ(spec.run_timeout().seconds(), 90);
  EXPECT_EQ(spec.labels().at("a"), "b");
}

TEST(SubmitFlags, ARequestIdIsMadeUpWhereNoneIsGiven) {
  EXPECT_EQ(parse("--request-id mine")->submit.id_of_request(), "mine");
  const SubmitFlags none;
  EXPECT_NE(none.id_of_request(), none.id_of_request());
}

TEST(DeadlineFlag, IsRelativeOrAbsolute) {
  google::protobuf::Timestamp now;
  now.set_seconds(1000);
  now.set_nanos(700'000'000);
  const auto relative = deadline_flag("1.5s", "--deadline", now);
  EXPECT_EQ(relative.seconds(), 1002);
  EXPECT_EQ(relative.nanos(), 200'000'000);
  EXPECT_EQ(deadline_flag("2026-11-20T06:00:00Z", "--deadline", now).seconds(), 1795154400);
  EXPECT_THROW(deadline_flag("tomorrow", "--deadline", now), CLI::ParseError);
}

TEST(ServerPath, RelativeNamesBecomeAbsoluteAndRootedOnesStay) {
  EXPECT_EQ(server_path("a/../b.fits", "/data"), "/data/b.fits");
  EXPECT_EQ(server_path("/x/./y", "/data"), "/x/y");
  EXPECT_EQ(server_path("raw:night/p.fits", "/data"), "raw:night/p.fits");
  EXPECT_EQ(server_path("./a:b", "/data"), "/data/a:b");
  EXPECT_EQ(server_path("", "/data"), "");
  EXPECT_EQ(server_path(".", "/data"), "/data");
  EXPECT_EQ(server_path("sub/", "/data"), "/data/sub");
  EXPECT_EQ(server_path("/", "/data"), "/");
  EXPECT_EQ(server_path("p.fits[1]", "/data"), "/data/p.fits[1]");
}

TEST(ServerPath, TheCurrentFolderIsTheDefault) {
  EXPECT_EQ(server_path("x"), (std::filesystem::current_path() / "x").string());
}

}  // namespace
}  // namespace unfold::cli
