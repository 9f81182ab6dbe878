#include "client/cli/imaging_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cmath>

namespace unfold::cli {
namespace {

using testing::ElementsAre;

v1::ImagingSpec parse(const std::string& line) {
  CLI::App app;
  ImagingFlags flags;
  add_imaging_files(app, flags);
  add_imaging_options(app, flags);
  app.parse(line);
  return flags.spec;
}

TEST(ImagingFlags, EveryFlagReachesTheSpecification) {
  const v1::ImagingSpec spec = parse(
      "-d a:day.h5 -r a:r.h5 -o a:map.h5 --background-file a:b.npz --attitude a:o.ori "
      "--fits a:m.fits --png a:m.png -a dc1-feedback -n 30 --subsets 4 --initial-flux 0.02 "
      "--background-prior 0.8 --dc1-scale 2000 --background x --background y --prior tsv:3 "
      "--smooth 2 --max-step 10 --weight-power 0.25 --save-iterations 1,2,30 --storage fp16 "
      "--stop likelihood --stop-threshold 0.1 --thinning-fraction 0.8 --thinning-seed 7 "
      "--bootstrap 20 --bootstrap-stop fixed --bootstrap-seed 9 --region bulge:-10,0.5,12 "
      "--energy 1803,1817 --checkpoint-every 2m --checkpoint-iterations 5");
  EXPECT_EQ(spec.data(), "a:day.h5");
  EXPECT_EQ(spec.response(), "a:r.h5");
  EXPECT_EQ(spec.output(), "a:map.h5");
  EXPECT_EQ(spec.background_file(), "a:b.npz");
  EXPECT_EQ(spec.attitude(), "a:o.ori");
  EXPECT_EQ(spec.fits(), "a:m.fits");
  EXPECT_EQ(spec.png(), "a:m.png");
  EXPECT_EQ(spec.algorithm(), v1::IMAGING_ALGORITHM_DC1_FEEDBACK);
  EXPECT_EQ(spec.iterations(), 30);
  EXPECT_EQ(spec.subsets(), 4);
  EXPECT_DOUBLE_EQ(spec.initial_flux(), 0.02);
  EXPECT_DOUBLE_EQ(spec.background_prior(), 0.8);
  EXPECT_DOUBLE_EQ(spec.dc1_scale(), 2000);
  EXPECT_THAT(spec.background(), ElementsAre("x", "y"));
  EXPECT_EQ(spec.prior(), v1::IMAGE_PRIOR_TSV);
  EXPECT_DOUBLE_EQ(spec.prior_weight(), 3);
  EXPECT_DOUBLE_EQ(spec.smooth(), 2);
  EXPECT_DOUBLE_EQ(spec.max_step(), 10);
  EXPECT_DOUBLE_EQ(spec.weight_power(), 0.25);
  EXPECT_THAT(spec.save_iterations(), ElementsAre(1, 2, 30));
  EXPECT_EQ(spec.storage(), v1::RESPONSE_STORAGE_FP16);
  EXPECT_EQ(spec.stop(), v1::IMAGING_STOP_LIKELIHOOD);
  EXPECT_DOUBLE_EQ(spec.stop_threshold(), 0.1);
  EXPECT_DOUBLE_EQ(spec.thinning_fraction(), 0.8);
  EXPECT_EQ(spec.thinning_seed(), 7u);
  EXPECT_EQ(spec.bootstrap(), 20);
  EXPECT_EQ(spec.bootstrap_stop(), v1::BOOTSTRAP_STOP_FIXED);
  EXPECT_EQ(spec.bootstrap_seed(), 9u);
  ASSERT_EQ(spec.regions_size(), 1);
  EXPECT_EQ(spec.regions(0).name(), "bulge");
  EXPECT_DOUBLE_EQ(spec.regions(0).l(), -10);
  EXPECT_DOUBLE_EQ(spec.regions(0).b(), 0.5);
  EXPECT_DOUBLE_EQ(spec.regions(0).radius(), 12);
  EXPECT_DOUBLE_EQ(spec.binning().energy_min(), 1803);
  EXPECT_DOUBLE_EQ(spec.binning().energy_max(), 1817);
  EXPECT_EQ(spec.checkpoint_every().seconds(), 120);
  EXPECT_EQ(spec.checkpoint_iterations(), 5);
}

TEST(ImagingFlags, WhatWasNotGivenStaysAbsent) {
  const v1::ImagingSpec spec = parse("-d a:day.h5 -o a:map.h5");
  v1::ImagingSpec wanted;
  wanted.set_data("a:day.h5");
  wanted.set_output("a:map.h5");
  EXPECT_EQ(spec.SerializeAsString(), wanted.SerializeAsString());
}

TEST(ImagingFlags, NanAndInfParse) {
  const v1::ImagingSpec spec =
      parse("-d a:d -o a:o --initial-flux nan --region x:nan,inf,1 --energy nan,1");
  EXPECT_TRUE(std::isnan(spec.initial_flux()));
  EXPECT_TRUE(std::isinf(spec.regions(0).b()));
}

TEST(ImagingFlags, NoPriorIsAChoiceToo) {
  EXPECT_EQ(parse("-d a:d -o a:o --prior none").prior(), v1::IMAGE_PRIOR_NONE);
}

TEST(ImagingFlags, WhatDoesNotParseIsAUsageError) {
  for (const char* line :
       {"--algorithm best", "--prior gamma", "--prior flat:1", "--prior gamma:x", "--region 0,0,3",
        "--region x:0,0", "--region x:0,0,a", "--energy 501", "--save-iterations 1,two",
        "--storage fp8", "--iterations many", "--checkpoint-every soon", "--thinning-seed -1"}) {
    EXPECT_THROW(parse(std::string("-d a:d -o a:o ") + line), CLI::ParseError) << line;
  }
}

}  // namespace
}  // namespace unfold::cli
