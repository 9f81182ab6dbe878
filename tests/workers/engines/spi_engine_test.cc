// The engine on simulated patterns, planned as the service plans them.
#include "workers/engines/spi/spi_engine.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <optional>

#include "common/base/error.h"
#include "common/formats/spi/density_file.h"
#include "common/formats/spi/mrc.h"
#include "common/plan/plan.h"
#include "tests/support/fake_clock.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/simulated_patterns.h"
#include "workers/engines/failure.h"

namespace unfold::engine {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr double kDiameter = 26;

simulate::SpiOptions few(std::uint64_t seed) {
  simulate::SpiOptions out;
  out.geometry.size = 14;
  out.geometry.corner = 10;
  out.frames = 40;
  out.photons = 300;
  out.fluence_sigma = 0.2;
  out.seed = seed;
  return out;
}

class SpiEngineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    write("patterns.h5", 1);
    roots.emplace(*Roots::make({"data=" + folder.path().string()}));
    engine = make_spi_engine(*roots, cpu, clock);
    spi().add_data("data:patterns.h5");
    spi().set_output("data:density.h5");
    spi().set_grid(11);
    spi().set_max_generations(3);
    spi().set_phasing_starts(2);
    spi().set_coarse_references(200);
    spi().set_checkpoint_generations(1);
  }

  void write(const std::string& name, std::uint64_t seed) const {
    ASSERT_TRUE(spi_data::write_cspi((folder / name).string(),
                                     test::simulated_patterns(few(seed), kDiameter))
                    .ok());
  }
  v1::SpiSpec& spi() { return *spec.mutable_spi(); }

  absl::StatusOr<std::unique_ptr<Product>> reconstruct() {
    const auto planned = plan::plan(spec, *roots);
    if (!planned.ok()) return planned.status();
    cancel.emplace();
    generations = 0;
    RunContext context{.responses = *responses,
                       .progress =
                           [this](const v1::Progress& p) {
                             if (p.unit() != "generations") return;
                             reports.push_back(p);
                             if (++generations == cancel_at) cancel->cancel();
                           },
                       .cancel = *cancel,
                       .job_id = "job",
                       .attempt = 1,
                       .response_ready = [this](bool hit, double) { hits.push_back(hit); },
                       .note = [this](const std::string& line) { notes.push_back(line); }};
    auto input = guarded([&] { return engine->read(planned->spec, planned->plan); });
    if (!input.ok()) return input.status();
    return guarded([&] { return engine->compute(*std::move(input), context); });
  }
  /// The density of a product, by way of its file.
  spi_data::DensityFile density_of(const Product& product) {
    const OutputTarget target{0, "data:density.h5", (folder / "part").string()};
    EXPECT_TRUE(engine->write(product, {target}).ok());
    EXPECT_TRUE(engine->verify(target).ok());
    auto file = spi_data::read_density(target.part_path, target.rooted_path);
    EXPECT_TRUE(file.ok()) << file.status();
    return *std::move(file);
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
  int generations = 0;
  int cancel_at = -1;
  std::vector<v1::Progress> reports;
  std::vector<bool> hits;
  std::vector<std::string> notes;
  v1::JobSpec spec;
};

TEST_F(SpiEngineTest, TheDensityFileHoldsTheMapAndWhatMadeIt) {
  const auto product = reconstruct();
  ASSERT_TRUE(product.ok()) << product.status();
  const spi_data::DensityFile file = density_of(**product);
  EXPECT_EQ(file.grid, 11);
  EXPECT_NEAR(file.qmax, 0.1, 1e-3);
  ASSERT_EQ(file.maps.size(), 1u);
  EXPECT_EQ(file.maps[0].density.size(), 11u * 11 * 11);
  EXPECT_EQ(file.orientations.size(), 40u);
  EXPECT_EQ(file.frame.back(), 39);
  EXPECT_EQ(file.half.size(), 40u);
  EXPECT_FALSE(file.maps[0].fsc_corrected.empty());
  EXPECT_THAT(file.history.part, Contains("half 1"));
  EXPECT_THAT((std::vector<std::string>{"converged", "ambiguous", "failed"}),
              Contains(file.verdict));
  EXPECT_EQ((*product)->summary.at("verdict_" + file.verdict), 1);
  EXPECT_EQ(std::get<std::string>(file.attributes.at("metric")), "poisson");
  EXPECT_EQ(std::get<std::string>(file.attributes.at("job")), "job");
  EXPECT_EQ(std::get<std::int64_t>(file.attributes.at("max_generations")), 3);
  EXPECT_EQ(std::get<std::string>(file.attributes.at("data_sha256")).size(), 64u);
  EXPECT_NEAR(std::get<double>(file.attributes.at("mean_total")), 300, 60);
}

TEST_F(SpiEngineTest, ProgressShowsGenerationsAndASmallPicture) {
  ASSERT_TRUE(reconstruct().ok());
  ASSERT_FALSE(reports.empty());
  double before = 0;
  for (const v1::Progress& report : reports) {
    EXPECT_GE(report.fraction(), before);
    before = report.fraction();
  }
  EXPECT_LE(before, 1);
  EXPECT_TRUE(reports.front().has_log_likelihood());
  EXPECT_EQ(reports.front().total(), 3);
  EXPECT_EQ(reports.front().numbers().at("part_half_1"), 1);
  EXPECT_TRUE(reports.back().preview_png().starts_with("\x89PNG"));
  EXPECT_LE(reports.back().preview_png().size(), 64u * 1024);
}

TEST_F(SpiEngineTest, TheSamePatternsAreLoadedOnce) {
  spi().set_no_halves(true);
  ASSERT_TRUE(reconstruct().ok());
  spi().set_seed(2);
  ASSERT_TRUE(reconstruct().ok());
  EXPECT_EQ(hits, (std::vector<bool>{false, true}));
}

TEST_F(SpiEngineTest, ACancelledJobStopsWithinAGeneration) {
  cancel_at = 2;
  EXPECT_TRUE(absl::IsCancelled(reconstruct().status()));
  EXPECT_EQ(generations, 2);
}

TEST_F(SpiEngineTest, TheNextAttemptGoesOnFromTheCheckpointToTheSameBits) {
  const auto undisturbed = reconstruct();
  ASSERT_TRUE(undisturbed.ok()) << undisturbed.status();
  const int all = generations;
  engine->forget(spec, "job");
  ASSERT_THAT(hidden_files(), IsEmpty());
  const spi_data::DensityFile wanted = density_of(**undisturbed);
  for (const int at : {2, all / 2, all - 1}) {
    cancel_at = at;
    ASSERT_TRUE(absl::IsCancelled(reconstruct().status())) << at;
    ASSERT_THAT(hidden_files(), ElementsAre(".density.h5.job.checkpoint"));
    cancel_at = -1;
    notes.clear();
    const auto resumed = reconstruct();
    ASSERT_TRUE(resumed.ok()) << resumed.status();
    EXPECT_THAT(notes, Contains(HasSubstr("going on from the checkpoint")));
    const spi_data::DensityFile found = density_of(**resumed);
    EXPECT_EQ(found.maps[0].density, wanted.maps[0].density) << at;
    EXPECT_EQ(found.orientations, wanted.orientations) << at;
    EXPECT_EQ(found.maps[0].fsc_corrected, wanted.maps[0].fsc_corrected) << at;
    EXPECT_EQ(found.history.numbers.at("log_likelihood"),
              wanted.history.numbers.at("log_likelihood"));
    engine->forget(spec, "job");
  }
}

TEST_F(SpiEngineTest, AnothersCheckpointIsNotTakenUp) {
  cancel_at = 3;
  ASSERT_TRUE(absl::IsCancelled(reconstruct().status()));
  cancel_at = -1;
  spi().set_seed(5);
  ASSERT_TRUE(reconstruct().ok());
  EXPECT_THAT(notes, Contains(HasSubstr("the checkpoint is ignored")));
}

TEST_F(SpiEngineTest, AReferenceIsComparedWithAndChangesNothing) {
  spi().set_no_halves(true);
  const auto without = reconstruct();
  ASSERT_TRUE(without.ok()) << without.status();
  const spi_data::DensityFile alone = density_of(**without);
  ASSERT_TRUE(spi_data::write_mrc((folder / "known.mrc").string(),
                                  spi_data::centred_volume(11, 5, alone.maps[0].density))
                  .ok());
  spi().set_reference("data:known.mrc");
  const auto with = reconstruct();
  ASSERT_TRUE(with.ok()) << with.status();
  const spi_data::DensityFile compared = density_of(**with);
  EXPECT_EQ(compared.maps[0].density, alone.maps[0].density);
  EXPECT_EQ(compared.orientations, alone.orientations);
  EXPECT_TRUE(alone.maps[0].reference_numbers.empty());
  EXPECT_GT(compared.maps[0].reference_numbers.at("correlation"), 0.9);
  EXPECT_GT((*with)->summary.at("reference_correlation"), 0.9);
  EXPECT_EQ(compared.maps[0].reference_fsc.size(), 6u);
}

TEST_F(SpiEngineTest, EveryOtherOutputIsWrittenAndLookedAt) {
  spi().set_no_halves(true);
  spi().set_mrc("data:density.mrc");
  spi().set_png("data:density.png");
  spi().set_dragonfly_output("data:out");
  spec.set_parents(true);
  const auto product = reconstruct();
  ASSERT_TRUE(product.ok()) << product.status();
  int index = 0;
  for (const char* name : {"data:density.h5", "data:density.mrc", "data:density.png",
                           "data:out/output_003.h5", "data:out/EMC.log"}) {
    const OutputTarget target{index, name, (folder / std::to_string(index)).string()};
    EXPECT_TRUE(engine->write(**product, {target}).ok()) << name;
    EXPECT_TRUE(engine->verify(target).ok()) << name;
    ++index;
  }
  const auto map = spi_data::read_mrc({(folder / "1").string(), "density.mrc"});
  ASSERT_TRUE(map.ok()) << map.status();
  EXPECT_EQ(map->shape[0], 11);
  EXPECT_THAT(map->labels, Contains(spi_data::kHandUndetermined));
  EXPECT_THAT(test::read_text(folder / "4"), HasSubstr("\n3\t0.00\t"));
  fs::resize_file(folder / "2", fs::file_size(folder / "2") - 4);
  EXPECT_EQ(reason_of(engine->verify({2, "data:density.png", (folder / "2").string()})),
            "BAD_PRODUCT");
}

TEST_F(SpiEngineTest, PatternsThatChangedSinceTheirPlanAreRefused) {
  const auto planned = plan::plan(spec, *roots);
  ASSERT_TRUE(planned.ok());
  write("patterns.h5", 2);
  EXPECT_EQ(reason_of(engine->read(planned->spec, planned->plan).status()), "INPUT_CHANGED");
}

}  // namespace
}  // namespace unfold::engine
