#include "common/plan/imaging_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "common/base/error.h"
#include "common/formats/imaging/problem_file.h"
#include "common/plan/imaging_options.h"
#include "common/simulate/imaging.h"
#include "tests/support/scratch_folder.h"

namespace unfold::plan {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// A root "data" with a good observation and a good job, each of which a test may spoil.
class ImagingPlan : public ::testing::Test {
 protected:
  ImagingPlan() {
    write("day.h5", problem(1));
    roots_ = *Roots::make({"data=" + folder_.path().string()});
    spec().set_data("data:day.h5");
    spec().set_output("data:map.h5");
  }

  static imaging_data::ProblemParts problem(std::uint64_t seed) {
    auto options = *simulate::imaging_preset("tiny");
    options.seed = seed;
    return *simulate::make_imaging_problem(options);
  }
  void write(const std::string& name, const imaging_data::ProblemParts& parts,
             const std::string& response = "") const {
    const absl::Status status = imaging_data::write_problem(
        (folder_ / name).string(), parts,
        {.response_path = response.empty() ? "" : (folder_ / response).string(),
         .overwrite = true});
    ASSERT_TRUE(status.ok()) << status;
  }

  v1::ImagingSpec& spec() { return *job_.mutable_imaging(); }
  Planned planned() const {
    absl::StatusOr<Planned> out = plan(job_, roots_);
    EXPECT_TRUE(out.ok()) << out.status();
    return out.ok() ? *std::move(out) : Planned{};
  }
  Planned planned(v1::ImagingAlgorithm algorithm) {
    spec().set_algorithm(algorithm);
    return planned();
  }
  /// "field REASON" of the refusal of the job after `spoil`; the job itself stays good.
  std::string refusal(const std::function<void(v1::ImagingSpec&)>& spoil) {
    const v1::JobSpec good = job_;
    spoil(spec());
    const absl::Status status = plan(job_, roots_).status();
    job_ = good;
    return status.ok() ? "accepted" : field_of(status) + " " + reason_of(status);
  }

  test::ScratchFolder folder_;
  Roots roots_;
  v1::JobSpec job_;
};

TEST_F(ImagingPlan, AGoodJobIsPlannedWithOsemsDefaults) {
  const Planned out = planned();
  const v1::ImagingSpec& got = out.spec.imaging();
  EXPECT_EQ(got.algorithm(), v1::IMAGING_ALGORITHM_OSEM);
  EXPECT_EQ(got.iterations(), 50);
  EXPECT_EQ(got.stop(), v1::IMAGING_STOP_THINNING);
  EXPECT_EQ(got.storage(), v1::RESPONSE_STORAGE_FP32);
  EXPECT_EQ(got.subsets(), 16);
  EXPECT_EQ(got.initial_flux(), 0.01);
  EXPECT_EQ(got.prior(), v1::IMAGE_PRIOR_NONE);
  EXPECT_EQ(got.thinning_fraction(), 0.5);
  EXPECT_EQ(got.checkpoint_every().seconds(), 30);
  EXPECT_EQ(got.background(0), "background_live");
  EXPECT_FALSE(got.has_background_prior());
  EXPECT_EQ(out.plan.inputs_size(), 1);
  EXPECT_EQ(out.plan.outputs(0).path(), "data:map.h5");
  EXPECT_GT(out.plan.response_bytes(), 0);
  EXPECT_GT(out.plan.run_seconds(), 0);
  EXPECT_THAT(out.plan.warnings(), IsEmpty());
}

TEST_F(ImagingPlan, EachAlgorithmHasItsOwnDefaults) {
  const Planned dc1 = planned(v1::IMAGING_ALGORITHM_DC1);
  EXPECT_EQ(dc1.spec.imaging().iterations(), 150);
  EXPECT_EQ(dc1.spec.imaging().stop(), v1::IMAGING_STOP_ITERATIONS);
  EXPECT_EQ(dc1.spec.imaging().storage(), v1::RESPONSE_STORAGE_FP64);
  EXPECT_EQ(dc1.spec.imaging().background(0), "background_dc1");
  EXPECT_EQ(dc1.spec.imaging().background_prior(), 0.9);
  EXPECT_EQ(dc1.spec.imaging().dc1_scale(), 1000);
  spec().clear_background();
  const Planned em = planned(v1::IMAGING_ALGORITHM_EM);
  EXPECT_EQ(em.spec.imaging().stop(), v1::IMAGING_STOP_LIKELIHOOD);
  EXPECT_EQ(em.spec.imaging().stop_threshold(), 0.01);
  EXPECT_EQ(em.spec.imaging().background(0), "background_live");
  const Planned map = planned(v1::IMAGING_ALGORITHM_MAP);
  EXPECT_EQ(map.spec.imaging().prior(), v1::IMAGE_PRIOR_GAMMA);
  EXPECT_EQ(map.spec.imaging().prior_weight(), 0.9);
  const Planned rl = planned(v1::IMAGING_ALGORITHM_COSIPY_RL);
  EXPECT_EQ(rl.spec.imaging().stop(), v1::IMAGING_STOP_ITERATIONS);
  EXPECT_EQ(rl.spec.imaging().weight_power(), 0.5);
  EXPECT_EQ(rl.spec.imaging().max_step(), 1);
}

TEST_F(ImagingPlan, PlanningItsOwnAnswerChangesNothing) {
  spec().set_algorithm(v1::IMAGING_ALGORITHM_EM);
  spec().set_subsets(4);
  spec().add_save_iterations(5);
  spec().add_save_iterations(2);
  spec().add_save_iterations(5);
  const Planned first = planned();
  EXPECT_THAT(first.plan.warnings(), Contains(HasSubstr("subsets has no effect")));
  job_ = first.spec;
  const Planned again = planned();
  EXPECT_EQ(again.spec.SerializeAsString(), first.spec.SerializeAsString());
  EXPECT_THAT(again.plan.warnings(), IsEmpty());
  EXPECT_THAT(again.spec.imaging().save_iterations(), testing::ElementsAre(2, 5));
}

TEST_F(ImagingPlan, SmoothingThatNoWorkerCouldHoldIsRefused) {
  const auto accepted = [](int nside, double fwhm_deg) {
    imaging_data::Header data;
    data.sky = sky::healpix_grid(nside, false);
    data.times = 10;
    v1::ImagingSpec wanted;
    wanted.set_smooth(fwhm_deg);
    std::vector<std::string> warnings;
    const absl::Status status = complete_imaging(data, wanted, warnings);
    return status.ok() ? "accepted" : field_of(status) + " " + reason_of(status);
  };
  EXPECT_EQ(accepted(16, 180), "accepted");
  EXPECT_EQ(accepted(64, 10), "accepted");
  EXPECT_EQ(accepted(64, 60), "imaging.smooth OUT_OF_RANGE");
  EXPECT_EQ(accepted(128, 1), "imaging.smooth OUT_OF_RANGE");
  EXPECT_EQ(accepted(128, 0), "accepted");
}

TEST_F(ImagingPlan, OptionsOfABootstrapThatWasNotAskedForAreNamed) {
  spec().set_bootstrap_stop(v1::BOOTSTRAP_STOP_FIXED);
  EXPECT_THAT(planned().plan.warnings(), Contains(HasSubstr("bootstrap_stop has no effect")));
  const std::int64_t without = planned().plan.host_bytes();
  spec().set_bootstrap(2);
  const Planned out = planned();
  EXPECT_THAT(out.plan.warnings(), IsEmpty());
  EXPECT_GE(out.plan.host_bytes(), without + 8 * 48 * 54);  // the model of every bin
}

TEST_F(ImagingPlan, JobsWithTheSameResponseShareItWhateverFileItIsIn) {
  const std::string key = planned().plan.response_key();
  write("other.h5", problem(2), "response.h5");
  spec().set_data("data:other.h5");
  spec().set_response("data:response.h5");
  EXPECT_EQ(planned().plan.response_key(), key);
  spec().set_storage(v1::RESPONSE_STORAGE_FP16);
  EXPECT_NE(planned().plan.response_key(), key);
  spec().clear_storage();
  imaging_data::ProblemParts changed = problem(2);
  changed.instrument_response[5] += 1e-9;
  write("other.h5", changed, "response.h5");
  EXPECT_NE(planned().plan.response_key(), key);
}

TEST_F(ImagingPlan, EmWithoutAPriorSaysThatThinningStopsLate) {
  spec().set_algorithm(v1::IMAGING_ALGORITHM_EM);
  spec().set_stop(v1::IMAGING_STOP_THINNING);
  EXPECT_THAT(planned().plan.warnings(), Contains(HasSubstr("stops late")));
  spec().set_prior(v1::IMAGE_PRIOR_GAMMA);
  EXPECT_THAT(planned().plan.warnings(), IsEmpty());
}

// Bad input, each refused with the field named.

TEST_F(ImagingPlan, FilesThatAreAbsentAreRefused) {
  EXPECT_EQ(refusal([](auto& s) { s.clear_data(); }), "imaging.data MISSING_FIELD");
  EXPECT_EQ(refusal([](auto& s) { s.clear_output(); }), "imaging.output MISSING_FIELD");
  EXPECT_EQ(refusal([](auto& s) { s.set_data("data:none.h5"); }), "imaging.data INPUT_NOT_FOUND");
  EXPECT_EQ(refusal([](auto& s) { s.set_response("data:none.h5"); }),
            "imaging.response INPUT_NOT_FOUND");
  EXPECT_EQ(refusal([](auto& s) { s.set_output("data:day.h5"); }),
            "imaging.output OUTPUT_IS_INPUT");
  EXPECT_EQ(refusal([](auto& s) { s.set_fits("data:map.h5"); }), "imaging.fits DUPLICATE_OUTPUT");
}

TEST_F(ImagingPlan, AResponseOfOtherBinsIsRefusedByItsField) {
  imaging_data::ProblemParts narrow = problem(1);
  imaging_data::ProblemParts other = *simulate::make_imaging_problem([] {
    auto options = *simulate::imaging_preset("tiny");
    options.pixel_deg = 12;
    return options;
  }());
  ASSERT_NE(narrow.bins, other.bins);
  write("unused.h5", other, "response.h5");
  EXPECT_EQ(refusal([](auto& s) { s.set_response("data:response.h5"); }),
            "imaging.response WRONG_SHAPE");
}

TEST_F(ImagingPlan, NumbersOutOfRangeAreRefused) {
  EXPECT_EQ(refusal([](auto& s) { s.set_iterations(0); }), "imaging.iterations OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) { s.set_initial_flux(kNaN); }),
            "imaging.initial_flux OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) { s.set_subsets(1000); }), "imaging.subsets OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) { s.set_smooth(-1); }), "imaging.smooth OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) { s.set_thinning_fraction(kNaN); }),
            "imaging.thinning_fraction OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) { s.add_save_iterations(51); }),
            "imaging.save_iterations OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) { s.set_bootstrap(1); }), "imaging.bootstrap OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) { s.mutable_checkpoint_every()->set_seconds(-1); }),
            "imaging.checkpoint_every OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) { s.mutable_binning()->set_pixel(7); }),
            "imaging.binning.pixel OUT_OF_RANGE");
  EXPECT_EQ(refusal([](auto& s) { s.set_algorithm(static_cast<v1::ImagingAlgorithm>(99)); }),
            "imaging.algorithm OUT_OF_RANGE");
}

TEST_F(ImagingPlan, OptionsThatDoNotGoTogetherAreRefused) {
  EXPECT_EQ(refusal([](auto& s) { s.set_storage(v1::RESPONSE_STORAGE_INTEGER); }),
            "imaging.storage UNSUPPORTED");
  EXPECT_EQ(refusal([](auto& s) {
              s.set_algorithm(v1::IMAGING_ALGORITHM_DC1);
              s.set_prior(v1::IMAGE_PRIOR_GAMMA);
            }),
            "imaging.prior UNSUPPORTED");
  EXPECT_EQ(refusal([](auto& s) {
              s.set_algorithm(v1::IMAGING_ALGORITHM_COSIPY_RL);
              s.set_bootstrap(10);
            }),
            "imaging.bootstrap UNSUPPORTED");
  EXPECT_EQ(refusal([](auto& s) { s.set_prior(v1::IMAGE_PRIOR_TSV); }),
            "imaging.prior_weight MISSING_FIELD");
  EXPECT_EQ(refusal([](auto& s) { s.set_prior_weight(1); }), "imaging.prior_weight UNSUPPORTED");
  EXPECT_EQ(refusal([](auto& s) { s.add_background("nope"); }), "imaging.background OUT_OF_RANGE");
}

TEST_F(ImagingPlan, RegionsHaveNamesOfTheirOwnAndHoldPixels) {
  const auto region = [](auto& s, const char* name, double b, double radius) {
    v1::SkyRegion& added = *s.add_regions();
    added.set_name(name);
    added.set_b(b);
    added.set_radius(radius);
  };
  EXPECT_EQ(refusal([&](auto& s) { region(s, "centre", 0, 20); }), "accepted");
  EXPECT_EQ(refusal([&](auto& s) {
              region(s, "centre", 0, 20);
              region(s, "centre", 10, 20);
            }),
            "imaging.regions.name OUT_OF_RANGE");
  EXPECT_EQ(refusal([&](auto& s) { region(s, "two words", 0, 20); }),
            "imaging.regions.name OUT_OF_RANGE");
  EXPECT_EQ(refusal([&](auto& s) { region(s, "centre", 100, 20); }),
            "imaging.regions.b OUT_OF_RANGE");
  EXPECT_EQ(refusal([&](auto& s) { region(s, "centre", 0, kNaN); }),
            "imaging.regions.radius OUT_OF_RANGE");
  EXPECT_EQ(refusal([&](auto& s) { region(s, "small", 0, 0.1); }), "imaging.regions OUT_OF_RANGE");
}

}  // namespace
}  // namespace unfold::plan
