#include "common/plan/spi_plan.h"

#include <gmock/gmock.h>

#include <cmath>
#include <functional>
#include <limits>

#include "common/base/error.h"
#include "common/plan/spi_extent.h"
#include "common/plan/spi_options.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/shared_data.h"
#include "tests/support/simulated_patterns.h"

namespace unfold::plan {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

/// A root "data" with good patterns and a good job, each of which a test may spoil.
class SpiPlan : public ::testing::Test {
 protected:
  SpiPlan() {
    write("patterns.h5", good_);
    roots_ = *Roots::make({"data=" + folder_.path().string()});
    spec().add_data("data:patterns.h5");
    spec().set_output("data:density.h5");
  }

  void write(const std::string& name, const spi_data::PatternParts& parts) const {
    const absl::Status status = spi_data::write_cspi((folder_ / name).string(), parts);
    ASSERT_TRUE(status.ok()) << status;
  }
  v1::SpiSpec& spec() { return *job_.mutable_spi(); }
  Planned planned() const {
    absl::StatusOr<Planned> out = plan(job_, roots_);
    EXPECT_TRUE(out.ok()) << out.status();
    return out.ok() ? *std::move(out) : Planned{};
  }
  /// "field REASON" of the refusal of the job after `spoil`; the job itself stays good.
  std::string refusal(const std::function<void(v1::SpiSpec&)>& spoil) {
    const v1::JobSpec good = job_;
    spoil(spec());
    const absl::Status status = plan(job_, roots_).status();
    job_ = good;
    return status.ok() ? "accepted" : field_of(status) + " " + reason_of(status);
  }
  std::string refusal_of_data(const spi_data::PatternParts& parts) {
    write("spoilt.h5", parts);
    return refusal([](v1::SpiSpec& spec) { spec.set_data(0, "data:spoilt.h5"); });
  }

  test::ScratchFolder folder_;
  const spi_data::PatternParts good_ = test::simulated_patterns(test::small_patterns(60, 400));
  Roots roots_;
  v1::JobSpec job_;
};

TEST_F(SpiPlan, EveryDefaultIsFilledIn) {
  const Planned out = planned();
  const v1::SpiSpec& spec = out.spec.spi();
  EXPECT_EQ(spec.metric(), v1::SPI_METRIC_POISSON);
  EXPECT_EQ(spec.seed(), 1u);
  EXPECT_EQ(spec.max_generations(), 60);
  EXPECT_EQ(spec.conformations(), 1);
  EXPECT_EQ(spec.phasing_starts(), 16);
  EXPECT_TRUE(spec.scaling());
  EXPECT_EQ(spec.beta_period(), 2);
  EXPECT_EQ(spec.checkpoint_every().seconds(), 30);
  EXPECT_EQ(spec.grid() % 2, 1);
  EXPECT_NEAR(spec.diameter(), spec.grid() * 8.0 / 4, 1e-3);  // the box
  EXPECT_FALSE(spec.has_beta());
  EXPECT_FALSE(spec.has_coarse_references());
}

TEST_F(SpiPlan, ADiameterChoosesTheGrid) {
  spec().set_diameter(40);
  EXPECT_EQ(planned().spec.spi().grid(), 23);  // 4 x 40 / 8 = 20, and 45 = 2 x 23 - 1 is smooth
  EXPECT_DOUBLE_EQ(planned().spec.spi().diameter(), 40);
}

TEST(SpiGrid, HoldsTheParticleAndCostsNoMoreThanItMust) {
  EXPECT_EQ(grid_for(72, 1 / 9.0), 36 - 1);  // 33 .. 35 all pad to 72
  EXPECT_EQ(grid_for(80, 1 / 9.0), 37);      // 73 pads to 75
  EXPECT_EQ(grid_for(1, 0.25), 1);
  for (double diameter = 10; diameter < 300; diameter += 7) {
    const std::int64_t grid = grid_for(diameter, 0.1);
    EXPECT_GE(static_cast<double>(grid), 0.4 * diameter - 1e-9);
    EXPECT_EQ(grid % 2, 1);
  }
}

TEST(SpiSampling, FollowsDiameterAndResolution) {
  EXPECT_DOUBLE_EQ(angle_needed(72, 1 / 9.0), 0.125);
  EXPECT_EQ(references_needed(72, 1 / 9.0), 40426);
  EXPECT_DOUBLE_EQ(images_per_voxel(2000, 72, 1 / 9.0), 62.5);
  EXPECT_EQ(images_needed(72, 1 / 9.0), 259);
}

TEST_F(SpiPlan, TheExtentComesFromThePatternsThemselves) {
  for (const double photons : {0.0, 400.0}) {
    for (const double diameter : {30.0, 45.0}) {
      write("sized.h5", test::simulated_patterns(test::small_patterns(200, photons), diameter));
      spec().set_data(0, "data:sized.h5");
      const double box = planned().spec.spi().diameter();
      EXPECT_GT(box, 0.75 * diameter) << photons;
      EXPECT_LT(box, 1.6 * diameter) << photons;
    }
  }
}

TEST(SpiCases, TheSharedCasesGetTheirReferencesGrid) {
  for (const char* name : {"c4_full_clean.h5", "c5_full_noisy.h5"}) {
    const auto file = test::shared_file(std::string("data/spi/") + name);
    if (file.empty()) GTEST_SKIP() << "no shared data";
    v1::JobSpec job;
    const test::ScratchFolder scratch;
    const Roots roots = *Roots::make(
        {"data=" + file.parent_path().string() + ":ro", "out=" + scratch.path().string()});
    job.mutable_spi()->add_data(std::string("data:") + name);
    job.mutable_spi()->set_output("out:density.h5");
    const auto out = plan(job, roots);
    ASSERT_TRUE(out.ok()) << out.status();
    EXPECT_EQ(out->spec.spi().grid(), 37) << name;
    EXPECT_THAT(out->plan.facts().at("voxel"), HasSubstr("4.500"));
  }
}

TEST_F(SpiPlan, PeopleAreToldWhatThePatternsAskFor) {
  spec().set_diameter(40);
  const v1::Plan plan = planned().plan;
  EXPECT_EQ(plan.facts().at("grid"), "23");
  EXPECT_EQ(plan.facts().at("voxel"), "4.000 Angstrom");
  EXPECT_EQ(plan.facts().at("angular_spacing_needed"), "11.46 degrees");
  EXPECT_EQ(plan.facts().at("references_needed"), "9870");
  EXPECT_EQ(plan.facts().at("images_per_shannon_voxel"), "3.0 at 8.0 Angstrom, 6.0 at 16.0");
  EXPECT_THAT(plan.facts().at("patterns"), HasSubstr("60 of 1 x 24 x 24"));
  EXPECT_THAT(plan.facts().at("signal"), HasSubstr("photons a pattern"));
  EXPECT_GT(plan.response_bytes(), 0);
  EXPECT_GT(plan.host_bytes(), plan.response_bytes() + 200 * 60 * 24 * 24);  // and a merge's points
  EXPECT_GT(plan.run_seconds(), 0);
  EXPECT_THAT(plan.warnings(), Contains(HasSubstr("60 patterns are few")));
}

TEST_F(SpiPlan, CoarseSamplingAndAPoorMetricAreWarnedOf) {
  spec().set_diameter(200);
  spec().set_metric(v1::SPI_METRIC_EUCLID);
  spec().set_no_halves(true);
  const v1::Plan plan = planned().plan;
  EXPECT_THAT(plan.warnings(), Contains(HasSubstr("sampling is too coarse")));
  EXPECT_THAT(plan.warnings(), Contains(HasSubstr("does not converge")));
  EXPECT_THAT(plan.warnings(), Contains(HasSubstr("no honest resolution")));
}

TEST_F(SpiPlan, TheKeyNamesThePatternsAndNothingElse) {
  const std::string key = planned().plan.response_key();
  spec().set_seed(9);
  spec().set_metric(v1::SPI_METRIC_SQRT);
  spec().set_output("data:other.h5");
  EXPECT_EQ(planned().plan.response_key(), key);
  spec().add_blacklist(3);
  EXPECT_NE(planned().plan.response_key(), key);
  spec().clear_blacklist();
  spec().mutable_reduction()->set_bin(1);
  EXPECT_NE(planned().plan.response_key(), key);
}

TEST_F(SpiPlan, OutputsAreListedInOrder) {
  spec().set_mrc("data:density.mrc");
  spec().set_png("data:density.png");
  spec().set_dragonfly_output("data:out");
  EXPECT_THAT(refusal([](auto&) {}), HasSubstr("spi.dragonfly_output OUTPUT_FOLDER_MISSING"));
  job_.set_parents(true);
  const Planned out = planned();
  std::vector<std::string> paths;
  for (const auto& file : out.plan.outputs()) paths.push_back(file.path());
  EXPECT_THAT(paths, ElementsAre("data:density.h5", "data:density.mrc", "data:density.png",
                                 "data:out/output_060.h5", "data:out/EMC.log"));
}

TEST_F(SpiPlan, OptionsThatCannotBeAreRefused) {
  EXPECT_EQ(refusal([](auto& s) { s.clear_data(); }), "spi.data MISSING_FIELD");
  EXPECT_EQ(refusal([](auto& s) { s.add_data(s.data(0)); }), "spi.data OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) { s.set_grid(36); }), "spi.grid OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) { s.set_grid(3); }), "spi.grid OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) { s.set_grid(1001); }), "spi.grid TOO_LARGE");
  EXPECT_EQ(refusal([](auto& s) { s.set_diameter(0); }), "spi.diameter OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) { s.set_diameter(std::nan("")); }), "spi.diameter OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) {
              s.set_grid(11);
              s.set_diameter(60);
            }),
            "spi.grid OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) { s.set_max_generations(0); }), "spi.max_generations OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) { s.set_conformations(17); }), "spi.conformations OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) { s.set_beta(2); }), "spi.beta OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) { s.set_metric(static_cast<v1::SpiMetric>(9)); }),
            "spi.metric OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) {
              s.set_background(true);
              s.set_metric(v1::SPI_METRIC_SQRT);
            }),
            "spi.background UNSUPPORTED");
  EXPECT_EQ(refusal([](auto& s) { s.mutable_reduction()->set_bin(7); }),
            "spi.reduction.bin BAD_REDUCTION");
  EXPECT_EQ(refusal([](auto& s) { s.add_selection(60); }), "spi.selection BAD_SELECTION");
  EXPECT_EQ(refusal([](auto& s) { s.mutable_checkpoint_every()->set_seconds(-1); }),
            "spi.checkpoint_every OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) { s.set_reference("data:none.pdb"); }),
            "spi.reference INPUT_NOT_FOUND");
  EXPECT_EQ(refusal([](auto& s) { s.set_output("data:patterns.h5"); }),
            "spi.output OUTPUT_IS_INPUT");
}

TEST_F(SpiPlan, ContentsThatCannotBeAreRefusedBeforeTheJobIsAccepted) {
  spi_data::PatternParts bad = test::simulated_patterns(test::small_patterns(60, 0));
  bad.intensities[1000] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(refusal_of_data(bad), "spi.data BAD_PIXEL");
  bad.intensities.assign(bad.intensities.size(), 0.0F);
  EXPECT_EQ(refusal_of_data(bad), "spi.data NO_PHOTONS");
  bad = good_;
  bad.detector.mask.assign(bad.detector.mask.size(), spi_data::kBad);
  EXPECT_EQ(refusal_of_data(bad), "spi.data NO_GOOD_PIXEL");
  EXPECT_EQ(refusal_of_data(test::simulated_patterns(test::small_patterns(19, 400))),
            "spi.data TOO_FEW_IMAGES");
}

}  // namespace
}  // namespace unfold::plan
