// The engine on a simulated observation, planned as the service plans it.
#include "workers/engines/imaging/imaging_engine.h"

#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>

#include "common/base/error.h"
#include "common/formats/imaging/map_file.h"
#include "common/formats/imaging/problem_file.h"
#include "common/plan/plan.h"
#include "common/simulate/imaging.h"
#include "common/sky/exposure.h"
#include "tests/support/fake_clock.h"
#include "tests/support/scratch_folder.h"
#include "workers/engines/failure.h"

namespace unfold::engine {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

/// Bytes that this process has read by system calls so far.
std::int64_t bytes_read() {
  std::ifstream io("/proc/self/io");
  std::string name;
  std::int64_t value = 0;
  while (io >> name >> value && name != "rchar:") continue;
  return value;
}

imaging_data::ProblemParts observation(std::uint64_t seed) {
  auto options = *simulate::imaging_preset("tiny");
  options.seed = seed;
  return *simulate::make_imaging_problem(options);
}

class ImagingEngineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    write("day.h5", 1);
    roots.emplace(*Roots::make({"data=" + folder.path().string()}));
    engine = make_imaging_engine(*roots, cpu, clock);
    imaging().set_data("data:day.h5");
    imaging().set_output("data:map.h5");
    imaging().set_algorithm(v1::IMAGING_ALGORITHM_EM);
    imaging().set_stop(v1::IMAGING_STOP_ITERATIONS);
    imaging().set_iterations(12);
    imaging().set_checkpoint_iterations(1);
  }

  void write(const std::string& name, std::uint64_t seed) const {
    ASSERT_TRUE(imaging_data::write_problem((folder / name).string(), observation(seed),
                                            {.overwrite = true})
                    .ok());
  }
  v1::ImagingSpec& imaging() { return *spec.mutable_imaging(); }

  absl::StatusOr<std::unique_ptr<Product>> image() {
    const auto planned = plan::plan(spec, *roots);
    if (!planned.ok()) return planned.status();
    return image(*planned);
  }
  absl::StatusOr<std::unique_ptr<Product>> image(const plan::Planned& planned) {
    cancel.emplace();
    RunContext context{.responses = *responses,
                       .progress =
                           [this](const v1::Progress& p) {
                             reports.push_back(p);
                             if (p.unit() == "iterations" && p.done() == cancel_at) {
                               cancel->cancel();
                             }
                           },
                       .cancel = *cancel,
                       .job_id = "job",
                       .attempt = 1,
                       .response_ready = [this](bool hit, double) { hits.push_back(hit); },
                       .note = [this](const std::string& line) { notes.push_back(line); }};
    auto input = guarded([&] { return engine->read(planned.spec, planned.plan); });
    if (!input.ok()) return input.status();
    return guarded([&] { return engine->compute(*std::move(input), context); });
  }
  /// The map of a product, by way of its file.
  imaging_data::MapProduct map_of(const Product& product) {
    const OutputTarget target{0, "data:map.h5", (folder / "part").string()};
    EXPECT_TRUE(engine->write(product, {target}).ok());
    EXPECT_TRUE(engine->verify(target).ok());
    auto map = imaging_data::read_map(target.part_path, target.rooted_path);
    EXPECT_TRUE(map.ok()) << map.status();
    return *std::move(map);
  }
  std::vector<std::string> hidden_files() const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(folder.path())) {
      const std::string name = entry.path().filename();
      if (name.starts_with(".")) out.push_back(name);
    }
    return out;
  }

  test::ScratchFolder folder;
  std::optional<Roots> roots;
  compute::Cpu cpu{2};
  std::shared_ptr<test::FakeClock> clock = std::make_shared<test::FakeClock>();
  std::unique_ptr<Engine> engine;
  std::unique_ptr<residency::ResponseCache> responses =
      residency::make_response_cache(1 << 26, clock);
  std::optional<CancelToken> cancel;
  std::int64_t cancel_at = -1;
  std::vector<v1::Progress> reports;
  std::vector<bool> hits;
  std::vector<std::string> notes;
  v1::JobSpec spec;
};

TEST_F(ImagingEngineTest, TheMapFileHoldsTheImageAndWhatMadeIt) {
  imaging().add_save_iterations(3);
  imaging().add_save_iterations(12);
  const auto product = image();
  ASSERT_TRUE(product.ok()) << product.status();
  const imaging_data::MapProduct map = map_of(**product);
  EXPECT_EQ(map.map, map.maps.at(12));
  EXPECT_NE(map.map, map.maps.at(3));
  EXPECT_EQ(map.log_likelihood.size(), 12u);
  EXPECT_LT(map.log_likelihood.front(), map.log_likelihood.back());
  double flux = 0;
  for (std::size_t p = 0; p < map.map.size(); ++p) flux += map.map[p] * map.sky.solid_angle[p];
  EXPECT_DOUBLE_EQ((*product)->summary.at("flux"), flux);
  const sky::Brightness found = sky::brightness_of(map.sky, map.map, map.exposure);
  EXPECT_DOUBLE_EQ((*product)->summary.at("flux_well_exposed"), found.flux_well_exposed);
  EXPECT_EQ((*product)->summary.at("peak_intensity"), found.peak_intensity);
  EXPECT_EQ((*product)->summary.at("peak_l_deg"),
            map.sky.l_deg[static_cast<std::size_t>(found.peak)]);
  EXPECT_EQ(std::get<std::string>(map.attributes.at("data_format")), "unfold");
  EXPECT_EQ((*product)->summary.at("stopped_by_iterations"), 1);
  EXPECT_EQ(std::get<std::string>(map.attributes.at("algorithm")), "em");
  EXPECT_EQ(std::get<std::string>(map.attributes.at("job")), "job");
  EXPECT_EQ(std::get<std::int64_t>(map.attributes.at("iterations")), 12);
  EXPECT_EQ(std::get<std::string>(map.attributes.at("data_sha256")).size(), 64u);
}

TEST_F(ImagingEngineTest, ProgressShowsIterationsLikelihoodAndBackground) {
  ASSERT_TRUE(image().ok());
  const v1::Progress& last = reports.back();
  EXPECT_EQ(last.unit(), "iterations");
  EXPECT_EQ(last.done(), 12);
  EXPECT_TRUE(last.has_log_likelihood());
  EXPECT_GT(last.numbers().at("background_amplitude_0"), 0);
  EXPECT_DOUBLE_EQ(last.fraction(), 1);
}

TEST_F(ImagingEngineTest, ThumbnailsAreSmallAndMadeAtMostOnceASecond) {
  ASSERT_TRUE(image().ok());
  const std::string first = reports.back().preview_png();  // the clock stands still
  ASSERT_FALSE(first.empty());
  EXPECT_LE(first.size(), 64u * 1024);
  for (const v1::Progress& report : reports) {
    if (report.unit() != "iterations") continue;
    EXPECT_EQ(report.preview_png(), first);
  }
}

TEST_F(ImagingEngineTest, AnotherDayWithTheSameResponseLoadsNoneOfIt) {
  ASSERT_TRUE(image().ok());
  write("other.h5", 2);
  imaging().set_data("data:other.h5");
  ASSERT_TRUE(image().ok());
  EXPECT_EQ(hits, (std::vector<bool>{false, true}));
}

TEST_F(ImagingEngineTest, ARepeatedJobComputesWithoutReadingFiles) {
  const auto planned = plan::plan(spec, *roots);
  ASSERT_TRUE(planned.ok());
  ASSERT_TRUE(engine->preload(planned->spec, planned->plan, *responses).ok());
  auto input = engine->read(planned->spec, planned->plan);
  ASSERT_TRUE(input.ok());
  const std::int64_t before = bytes_read();
  const CancelToken never;
  RunContext context{.responses = *responses,
                     .progress = [](const v1::Progress&) {},
                     .cancel = never,
                     .job_id = "job",
                     .attempt = 1,
                     .response_ready = [this](bool hit, double) { hits.push_back(hit); }};
  ASSERT_TRUE(engine->compute(*std::move(input), context).ok());
  EXPECT_EQ(hits, std::vector<bool>{true});
  EXPECT_LT(bytes_read() - before, 10'000);  // what reading the counter itself costs
}

TEST_F(ImagingEngineTest, ACancelledJobEndsWithinAnIteration) {
  cancel_at = 4;
  EXPECT_TRUE(absl::IsCancelled(image().status()));
  EXPECT_EQ(reports.back().done(), 4);
}

TEST_F(ImagingEngineTest, TheNextAttemptGoesOnFromTheCheckpointToTheSameBits) {
  for (const auto algorithm : {v1::IMAGING_ALGORITHM_EM, v1::IMAGING_ALGORITHM_OSEM,
                               v1::IMAGING_ALGORITHM_MAP, v1::IMAGING_ALGORITHM_DC1_FEEDBACK,
                               v1::IMAGING_ALGORITHM_EM_NEWTON, v1::IMAGING_ALGORITHM_COSIPY_RL}) {
    imaging().set_algorithm(algorithm);
    notes.clear();
    cancel_at = -1;
    const auto undisturbed = image();
    ASSERT_TRUE(undisturbed.ok()) << undisturbed.status();
    engine->forget(spec, "job");
    cancel_at = 5;
    ASSERT_TRUE(absl::IsCancelled(image().status()));
    ASSERT_THAT(hidden_files(), testing::ElementsAre(".map.h5.job.checkpoint"));
    cancel_at = -1;
    reports.clear();
    const auto resumed = image();
    ASSERT_TRUE(resumed.ok()) << resumed.status();
    EXPECT_THAT(notes, Contains(HasSubstr("going on from the checkpoint")));
    EXPECT_EQ(reports.front().done(), 6);
    const imaging_data::MapProduct one = map_of(**undisturbed);
    const imaging_data::MapProduct other = map_of(**resumed);
    EXPECT_EQ(one.map, other.map) << v1::ImagingAlgorithm_Name(algorithm);
    EXPECT_EQ(one.log_likelihood, other.log_likelihood);
    EXPECT_EQ(one.background_amplitude, other.background_amplitude);
    engine->forget(spec, "job");
    EXPECT_THAT(hidden_files(), IsEmpty());
  }
}

TEST_F(ImagingEngineTest, ACheckpointOfOtherOptionsIsIgnored) {
  cancel_at = 5;
  ASSERT_TRUE(absl::IsCancelled(image().status()));
  cancel_at = -1;
  reports.clear();
  imaging().set_initial_flux(0.02);
  ASSERT_TRUE(image().ok());
  EXPECT_THAT(notes, Contains(HasSubstr("made from other inputs or options")));
  EXPECT_EQ(reports.front().done(), 1);
}

TEST_F(ImagingEngineTest, ADamagedCheckpointIsIgnored) {
  cancel_at = 5;
  ASSERT_TRUE(absl::IsCancelled(image().status()));
  cancel_at = -1;
  const fs::path file = folder / ".map.h5.job.checkpoint";
  std::string content = test::read_text(file);
  content[content.size() / 2] = static_cast<char>(content[content.size() / 2] ^ 1);
  for (const std::string& damaged :
       {content, content.substr(0, content.size() - 8), content.substr(0, 20), std::string()}) {
    notes.clear();
    test::write_text(file, damaged);
    ASSERT_TRUE(image().ok());
    EXPECT_THAT(notes, Contains(HasSubstr("it is damaged")));
  }
}

TEST_F(ImagingEngineTest, WithoutIterationsToCountCheckpointsGoByTime) {
  imaging().set_checkpoint_iterations(0);
  ASSERT_TRUE(image().ok());  // the clock stands still
  EXPECT_THAT(hidden_files(), IsEmpty());
}

TEST_F(ImagingEngineTest, AFolderThatTakesNoCheckpointCostsNoJob) {
  const auto planned = plan::plan(spec, *roots);
  ASSERT_TRUE(planned.ok());
  plan::Planned nowhere = *planned;
  nowhere.spec.mutable_imaging()->set_output("data:absent/map.h5");
  EXPECT_TRUE(image(nowhere).ok());
  EXPECT_THAT(notes, Contains(HasSubstr("no checkpoints")));
}

TEST_F(ImagingEngineTest, AnInputThatChangedSinceItWasPlannedIsRefused) {
  const auto planned = plan::plan(spec, *roots);
  ASSERT_TRUE(planned.ok());
  std::ofstream(folder / "day.h5", std::ios::app) << "x";
  const absl::Status status = image(*planned).status();
  EXPECT_EQ(reason_of(status), "INPUT_CHANGED");
  EXPECT_EQ(classify(status, Phase::kRead), v1::ERROR_CLASS_INPUT_ERROR);
}

TEST_F(ImagingEngineTest, AResponseThatIsWrittenToBeforeItIsLoadedDoesNotStayInMemory) {
  const auto planned = plan::plan(spec, *roots);
  ASSERT_TRUE(planned.ok());
  auto input = engine->read(planned->spec, planned->plan);
  ASSERT_TRUE(input.ok()) << input.status();
  std::ofstream(folder / "day.h5", std::ios::app) << "x";
  const CancelToken never;
  RunContext context{.responses = *responses,
                     .progress = [](const v1::Progress&) {},
                     .cancel = never,
                     .job_id = "job",
                     .attempt = 1,
                     .response_ready = [](bool, double) {}};
  EXPECT_EQ(reason_of(engine->compute(*std::move(input), context).status()), "INPUT_CHANGED");
  EXPECT_THAT(responses->list(), IsEmpty());
}

TEST_F(ImagingEngineTest, FitsMapsAndPicturesAreWrittenBesideTheMap) {
  imaging().set_fits("data:map.fits");
  imaging().set_png("data:map.png");
  const auto product = image();
  ASSERT_TRUE(product.ok()) << product.status();
  const std::vector<OutputTarget> targets = {{0, "data:map.h5", (folder / "h5").string()},
                                             {1, "data:map.fits", (folder / "fits").string()},
                                             {2, "data:map.png", (folder / "png").string()}};
  ASSERT_TRUE(engine->write(**product, targets).ok());
  for (const OutputTarget& target : targets) EXPECT_TRUE(engine->verify(target).ok());
  const std::string png = test::read_text(folder / "png");
  test::write_text(folder / "png", png.substr(0, png.size() - 3));
  EXPECT_EQ(reason_of(engine->verify(targets[2])), "BAD_PRODUCT");
  EXPECT_FALSE(engine->verify({1, "data:map.fits", (folder / "h5").string()}).ok());
}

TEST_F(ImagingEngineTest, AFullDiskIsAnOutputError) {
  const auto product = image();
  ASSERT_TRUE(product.ok());
  const absl::Status status = engine->write(**product, {{0, "data:map.h5", "/dev/full"}});
  EXPECT_EQ(classify(status, Phase::kWrite), v1::ERROR_CLASS_OUTPUT_ERROR) << status;
}

}  // namespace
}  // namespace unfold::engine
