#include "client/cli/parfile.h"

#include <gtest/gtest.h>

#include <cmath>

#include "absl/strings/str_replace.h"
#include "common/base/error.h"
#include "tests/support/scratch_folder.h"

namespace unfold::cli {
namespace {

// In the form of the files that come with cosipy's tutorials.
constexpr char kTutorial[] = R"(author: someone
date: 2026-11-20
model_definition:
  class: "AllSkyImage"
  property:
    coordinate: "galactic"
    nside: 16
    scheme: "ring"
    energy_edges: # the response's
      value: [509.0, 513.0]
      unit: "keV"
    unit: "cm-2 s-1 sr-1"
  initialization:
    algorithm: "flat"
    parameter:
      value: [1e-4]
      unit: "cm-2 s-1 sr-1"
deconvolution:
  algorithm: "RL"
  parameter:
    iteration_max: 10
    acceleration:
        activate: True
        alpha_max: 10.0
    response_weighting:
        activate: True
        index: 0.25
    smoothing:
        activate: True
        FWHM:
            value: 2.0
            unit: "deg"
    stopping_criteria:
        statistics: "log-likelihood"
        threshold: 0.02
    background_normalization_optimization:
        activate: True
        range: {"albedo": [0.01, 10.0]}
    save_results:
        activate: False
        directory: "./results"
        only_final_result: True
)";

class ParfileTest : public ::testing::Test {
 protected:
  absl::Status apply(const std::string& text) {
    test::write_text(folder_ / "p.yml", text);
    return apply_parfile(folder_ / "p.yml", spec_);
  }
  std::string refused_key(const std::string& from, const std::string& to) {
    const absl::Status status = apply(absl::StrReplaceAll(kTutorial, {{from, to}}));
    return status.ok() ? "accepted" : reason_of(status) + " " + field_of(status);
  }
  test::ScratchFolder folder_;
  v1::ImagingSpec spec_;
};

TEST_F(ParfileTest, SetsWhatTheTutorialsFileSays) {
  spec_.set_data("keep.h5");
  const absl::Status status = apply(kTutorial);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(spec_.data(), "keep.h5");
  EXPECT_EQ(spec_.algorithm(), v1::IMAGING_ALGORITHM_COSIPY_RL);
  EXPECT_EQ(spec_.iterations(), 10);
  EXPECT_EQ(spec_.max_step(), 10);
  EXPECT_EQ(spec_.weight_power(), 0.25);
  EXPECT_EQ(spec_.smooth(), 2);
  EXPECT_EQ(spec_.stop(), v1::IMAGING_STOP_LIKELIHOOD);
  EXPECT_EQ(spec_.stop_threshold(), 0.02);
  EXPECT_NEAR(spec_.initial_flux(), 1e-4 * 4 * std::acos(-1.0), 1e-15);
}

TEST_F(ParfileTest, WhatIsNotActiveIsOff) {
  ASSERT_TRUE(apply("deconvolution:\n  algorithm: RL\n  parameter:\n    iteration_max: 3\n"
                    "    acceleration: {activate: False, alpha_max: 10}\n")
                  .ok());
  EXPECT_EQ(spec_.max_step(), 1);
  EXPECT_EQ(spec_.weight_power(), 0);
  EXPECT_EQ(spec_.smooth(), 0);
  EXPECT_EQ(spec_.stop(), v1::IMAGING_STOP_ITERATIONS);
  EXPECT_FALSE(spec_.has_initial_flux());
}

TEST_F(ParfileTest, ReadsThePriorsOfMapRl) {
  const std::string head = "deconvolution:\n  algorithm: MAP_RL\n  parameter:\n    prior:\n";
  const std::string gamma =
      "      gamma:\n        model: {theta: {value: .inf, unit: 'cm-2 s-1 sr-1'}, k: {value: "
      "0.8}}\n"
      "        background: {theta: {value: .inf}, k: {value: 1.0}}\n";
  ASSERT_TRUE(apply(head + gamma).ok());
  EXPECT_EQ(spec_.algorithm(), v1::IMAGING_ALGORITHM_MAP);
  EXPECT_EQ(spec_.prior(), v1::IMAGE_PRIOR_GAMMA);
  EXPECT_EQ(spec_.prior_weight(), 0.8);
  ASSERT_TRUE(apply(head + "      TSV: {coefficient: 1.e+6}\n").ok());
  EXPECT_EQ(spec_.prior(), v1::IMAGE_PRIOR_TSV);
  EXPECT_EQ(spec_.prior_weight(), 1e6);
  EXPECT_EQ(reason_of(apply(head + "      TSV: {coefficient: 1}\n" + gamma)), "BAD_PARAMETER");
}

TEST_F(ParfileTest, NamesTheKeyItDoesNotKnow) {
  EXPECT_EQ(refused_key("index: 0.25", "indices: 0.25"),
            "UNKNOWN_PARAMETER deconvolution.parameter.response_weighting.indices");
  EXPECT_EQ(refused_key("iteration_max:", "iterations:"),
            "UNKNOWN_PARAMETER deconvolution.parameter.iterations");
  EXPECT_EQ(refused_key("author:", "writer:"), "UNKNOWN_PARAMETER writer");
  EXPECT_EQ(refused_key("nside:", "Nside:"), "UNKNOWN_PARAMETER model_definition.property.Nside");
}

TEST_F(ParfileTest, NamesTheValueItCannotHonour) {
  EXPECT_EQ(refused_key("\"galactic\"", "\"icrs\""),
            "BAD_PARAMETER model_definition.property.coordinate");
  EXPECT_EQ(refused_key("[1e-4]", "[1e-4, 2e-4]"),
            "BAD_PARAMETER model_definition.initialization.parameter.value");
  EXPECT_EQ(refused_key("\"deg\"", "\"rad\""),
            "BAD_PARAMETER deconvolution.parameter.smoothing.FWHM.unit");
  EXPECT_EQ(refused_key("iteration_max: 10", "iteration_max: 2.5"),
            "BAD_PARAMETER deconvolution.parameter.iteration_max");
  EXPECT_EQ(refused_key("\"RL\"", "\"MAP_RL\""),
            "BAD_PARAMETER deconvolution.parameter.acceleration.activate");
  EXPECT_EQ(refused_key("\"RL\"", "\"SIRT\""), "BAD_PARAMETER deconvolution.algorithm");
  EXPECT_EQ(refused_key("threshold: 0.02", "threshold: soon"),
            "BAD_PARAMETER deconvolution.parameter.stopping_criteria.threshold");
  EXPECT_EQ(refused_key("    smoothing:\n        activate: True\n", "    smoothing:\n    - 1\n"),
            "BAD_PARAMETER parfile");
}

TEST_F(ParfileTest, ARefusedFileChangesNothing) {
  spec_.set_iterations(7);
  EXPECT_FALSE(apply(absl::StrReplaceAll(kTutorial, {{"\"deg\"", "\"rad\""}})).ok());
  EXPECT_EQ(spec_.iterations(), 7);
  EXPECT_EQ(spec_.algorithm(), v1::IMAGING_ALGORITHM_UNSPECIFIED);
}

TEST_F(ParfileTest, RefusesWhatIsNoYamlAndWhatIsNotThere) {
  EXPECT_EQ(reason_of(apply("a: [1, 2")), "BAD_PARAMETER");
  EXPECT_EQ(reason_of(apply("- 1\n- 2\n")), "BAD_PARAMETER");
  EXPECT_EQ(reason_of(apply_parfile(folder_ / "none.yml", spec_)), "INPUT_NOT_FOUND");
}

}  // namespace
}  // namespace unfold::cli
