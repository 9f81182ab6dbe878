// `unfold submit spi`: flags into a specification.
#include "client/cli/spi_flags.h"

#include <gmock/gmock.h>

#include <CLI/CLI.hpp>

namespace unfold::cli {
namespace {

using testing::ElementsAre;

v1::SpiSpec parse(const std::string& line) {
  CLI::App app;
  SpiFlags flags;
  add_spi_files(app, flags);
  add_spi_options(app, flags);
  app.parse(line);
  return flags.spec;
}

TEST(SpiFlags, EveryFlagReachesItsField) {
  const v1::SpiSpec spec = parse(
      "-d a:one.h5 --data a:two.h5 -o a:out.h5 --geom a:x.geom --config a:config.ini --mrc a:m.mrc "
      "--png a:p.png --dragonfly-output a:out --reference a:r.pdb --diameter 72.5 --grid 37 "
      "--metric sqrt --seed 7 --max-generations 30 --conformations 2 --background fit "
      "--phasing-starts 8 --no-halves --no-scaling --coarse-references 3000 --beta 0.04 "
      "--beta-factor 1.5 --beta-period 3 --clip 1 --bin 2 --selection 0-2,9 --blacklist 1 "
      "--checkpoint-every 2m --checkpoint-generations 1");
  EXPECT_THAT(spec.data(), ElementsAre("a:one.h5", "a:two.h5"));
  EXPECT_EQ(spec.output(), "a:out.h5");
  EXPECT_EQ(spec.detector(), "a:x.geom");
  EXPECT_EQ(spec.config(), "a:config.ini");
  EXPECT_EQ(spec.mrc(), "a:m.mrc");
  EXPECT_EQ(spec.png(), "a:p.png");
  EXPECT_EQ(spec.dragonfly_output(), "a:out");
  EXPECT_EQ(spec.reference(), "a:r.pdb");
  EXPECT_DOUBLE_EQ(spec.diameter(), 72.5);
  EXPECT_EQ(spec.grid(), 37);
  EXPECT_EQ(spec.metric(), v1::SPI_METRIC_SQRT);
  EXPECT_EQ(spec.seed(), 7u);
  EXPECT_EQ(spec.max_generations(), 30);
  EXPECT_EQ(spec.conformations(), 2);
  EXPECT_TRUE(spec.background());
  EXPECT_EQ(spec.phasing_starts(), 8);
  EXPECT_TRUE(spec.no_halves());
  EXPECT_TRUE(spec.has_scaling());
  EXPECT_FALSE(spec.scaling());
  EXPECT_EQ(spec.coarse_references(), 3000);
  EXPECT_DOUBLE_EQ(spec.beta(), 0.04);
  EXPECT_DOUBLE_EQ(spec.beta_factor(), 1.5);
  EXPECT_EQ(spec.beta_period(), 3);
  EXPECT_EQ(spec.reduction().clip(), 1);
  EXPECT_EQ(spec.reduction().bin(), 2);
  EXPECT_THAT(spec.selection(), ElementsAre(0, 1, 2, 9));
  EXPECT_THAT(spec.blacklist(), ElementsAre(1));
  EXPECT_EQ(spec.checkpoint_every().seconds(), 120);
  EXPECT_EQ(spec.checkpoint_generations(), 1);
}

TEST(SpiFlags, WhatWasNotGivenStaysAbsent) {
  v1::SpiSpec wanted;
  wanted.add_data("a:one.h5");
  wanted.set_output("a:out.h5");
  EXPECT_EQ(parse("-d a:one.h5 -o a:out.h5").SerializeAsString(), wanted.SerializeAsString());
}

TEST(SpiFlags, ABackgroundIsAFileOrFitted) {
  const v1::SpiSpec spec = parse("--background a:b.h5");
  EXPECT_EQ(spec.background_file(), "a:b.h5");
  EXPECT_FALSE(spec.background());
}

TEST(SpiFlags, WhatDoesNotParseIsAUsageError) {
  for (const char* line :
       {"--metric likelihood", "--grid 3.5", "--diameter wide", "--selection 5-2",
        "--selection 1,,2", "--blacklist -3", "--selection 0-9999999999", "--seed -1",
        "--checkpoint-every soon", "--clip half"}) {
    EXPECT_THROW(parse(line), CLI::Error) << line;
  }
}

}  // namespace
}  // namespace unfold::cli
