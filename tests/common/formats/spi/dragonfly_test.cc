#include "common/formats/spi/dragonfly.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "common/base/error.h"
#include "common/formats/spi/dragonfly_detector.h"
#include "tests/common/formats/peer.h"
#include "tests/common/formats/spi/patterns.h"
#include "tests/support/scratch_folder.h"

namespace unfold::spi_data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DragonflyTest : public testing::Test {
 protected:
  std::string file(const std::string& name) const { return (folder_ / name).string(); }
  NamedFile text(const std::string& name, const std::string& content) const {
    test::write_text(folder_ / name, content);
    return {file(name), name};
  }
  absl::StatusOr<std::unique_ptr<PatternSource>> open(const std::string& data,
                                                      const std::string& detector) const {
    return open_patterns({.data = {{file(data), data}}, .detector = {file(detector), detector}});
  }
  // A detector of 2 x 2 pixels and three frames in the binary layout, to be spoilt.
  static std::string dense(std::int32_t type, const std::string& values) {
    std::string out(1024, '\0');
    const std::int32_t head[3] = {3, 4, type};
    std::memcpy(out.data(), head, sizeof head);
    return out + values;
  }
  void write_small_detector() const {
    ASSERT_TRUE(write_dragonfly_detector(file("det.dat"), test::small_detector(2, 2)).ok());
  }
  const test::ScratchFolder folder_;
};

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

TEST_F(DragonflyTest, PhotonsAndDetectorAreReadBack) {
  PatternParts parts = test::small_patterns(6);
  parts.detector.mask[2] = kMergeOnly;
  parts.detector.mask[9] = kBad;
  ASSERT_TRUE(write_emc(file("a.emc"), parts).ok());
  for (const char* name : {"det.h5", "det.dat"}) {
    ASSERT_TRUE(write_dragonfly_detector(file(name), parts.detector).ok());
    const auto source = open("a.emc", name);
    ASSERT_TRUE(source.ok()) << source.status();
    EXPECT_EQ((*source)->header().format, Format::kEmc);
    EXPECT_TRUE((*source)->header().sparse && (*source)->header().photons);
    EXPECT_THAT((*source)->header().shape, ElementsAre(1, 4, 6));
    const auto read = load(**source, {});
    ASSERT_TRUE(read.ok()) << read.status();
    for (std::size_t i = 0; i < read->counts.size(); ++i) {
      EXPECT_EQ(read->counts[i], i % 24 == 9 ? 0 : parts.counts[i]);
    }
    EXPECT_EQ(read->detector.mask, parts.detector.mask);
    EXPECT_EQ(read->detector.picture, parts.detector.picture);
    EXPECT_DOUBLE_EQ(read->detector.wavelength, 2);
    for (std::size_t p = 0; p < 24; ++p) {
      EXPECT_FLOAT_EQ(read->detector.correction[p], parts.detector.correction[p]);
      for (std::size_t k = 0; k < 3; ++k) {
        EXPECT_NEAR(read->detector.q[3 * p + k], parts.detector.q[3 * p + k], 1e-9);
      }
    }
  }
}

TEST_F(DragonflyTest, TheConfigsWavelengthSizesTheVoxels) {
  // A pixel 3, 4 voxels off the axis of an Ewald sphere of 100 voxels.
  const NamedFile detector = text("det.dat", "1 100 100\n3 4 -0.125 1 0\n");
  EXPECT_EQ(reason_of(read_dragonfly_detector(detector, 0).status()), "UNKNOWN_WAVELENGTH");
  const auto read = read_dragonfly_detector(detector, 2);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_THAT(read->q, ElementsAre(3.0 / 200, 4.0 / 200, -0.125 / 200));
}

TEST_F(DragonflyTest, ABrokenDetectorIsNamedByLine) {
  const auto wrong = [&](const std::string& content) {
    return read_dragonfly_detector(text("det.dat", content), 2).status();
  };
  EXPECT_THAT(wrong("many\n").message(), HasSubstr("line 1"));
  EXPECT_THAT(wrong("2 100 100\n1 0 0 1 0\n1 0 0 1\n").message(), HasSubstr("line 3"));
  EXPECT_THAT(wrong("1 100 100\n1 0 0 1 3\n").message(), HasSubstr("class 0, 1 or 2"));
  EXPECT_THAT(wrong("2 100 100\n1 0 0 1 0\n").message(), HasSubstr("after 1 of 2 pixels"));
  EXPECT_THAT(wrong("1 100 100\n1 0 0 1 0\n1 0 0 1 0\n").message(), HasSubstr("more than the 1"));
  EXPECT_THAT(wrong("1 100 100\n1 0 0 -1 0\n").message(), HasSubstr("not positive"));
  EXPECT_THAT(wrong("1 100\n1 0 0 1 0\n").message(), HasSubstr("ewald_rad"));
  EXPECT_EQ(reason_of(wrong("1 100 100\n1 0 0 1 2\n")), "NO_GOOD_PIXEL");
}

TEST_F(DragonflyTest, DensePhotonFilesAreRead) {
  write_small_detector();
  const std::vector<std::int32_t> counts = {0, 1, 2, 3, 0, 0, 70000, 0, 5, 0, 0, 0};
  test::write_text(folder_ / "a.emc", dense(1, bytes_of(counts)));
  const auto whole = open("a.emc", "det.dat");
  ASSERT_TRUE(whole.ok()) << whole.status();
  const auto read = load(**whole, {});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(read->photons);
  EXPECT_THAT(read->values, ElementsAre(0, 1, 2, 3, 0, 0, 70000, 0, 5, 0, 0, 0));

  const std::vector<double> values = {0.5, 0, 0, 0, 0.25, 1, 1, 1, 2, 2, 2, 2};
  test::write_text(folder_ / "b.emc", dense(2, bytes_of(values)));
  const auto real = open("b.emc", "det.dat");
  ASSERT_TRUE(real.ok()) << real.status();
  EXPECT_FALSE((*real)->header().photons);
  EXPECT_FLOAT_EQ(load(**real, {})->values[4], 0.25F);
}

TEST_F(DragonflyTest, LengthsThatTheFileDoesNotHoldAreRefused) {
  write_small_detector();
  const auto status = [&](const std::string& content) {
    test::write_text(folder_ / "a.emc", content);
    const auto source = open("a.emc", "det.dat");
    return source.ok() ? load(**source, {}).status() : source.status();
  };
  EXPECT_EQ(reason_of(status("short")), "BAD_EMC");
  EXPECT_EQ(reason_of(status(dense(7, ""))), "BAD_EMC");
  EXPECT_EQ(reason_of(status(dense(1, std::string(44, '\0')))), "TRUNCATED");
  EXPECT_EQ(reason_of(status(dense(0, std::string(20, '\0')))), "TRUNCATED");
  const auto lists = [&](std::vector<std::int32_t> words) {
    return status(dense(0, bytes_of(words)));
  };
  EXPECT_EQ(reason_of(lists({1, 0, 0, 0, 0, 0})), "TRUNCATED");   // its one pixel is missing
  EXPECT_EQ(reason_of(lists({9, 0, 0, 0, 0, 0, 1})), "BAD_EMC");  // 9 of 4 pixels
  EXPECT_EQ(reason_of(lists({-1, 0, 0, 0, 0, 0, 1})), "BAD_EMC");
  EXPECT_EQ(reason_of(lists({1, 0, 0, 0, 0, 0, 4})), "BAD_EMC");     // pixel 4 of 0 .. 3
  EXPECT_EQ(reason_of(lists({0, 0, 0, 1, 0, 0, 2, 0})), "BAD_EMC");  // no photon
  EXPECT_TRUE(lists({1, 0, 0, 1, 0, 0, 3, 2, 7}).ok());
}

TEST_F(DragonflyTest, PhotonsNeedTheirDetector) {
  ASSERT_TRUE(write_emc(file("a.emc"), test::small_patterns(2)).ok());
  const absl::Status none = open_patterns({.data = {{file("a.emc"), "a.emc"}}}).status();
  EXPECT_THAT(none.message(), HasSubstr("come without a detector"));
  write_small_detector();
  EXPECT_EQ(reason_of(open("a.emc", "det.dat").status()), "OTHER_DETECTOR");
}

TEST_F(DragonflyTest, TheHdf5TwinHoldsTheSamePhotons) {
  if (test::run_peer("formats/spi/spi_peer.py", "probe") == test::kPeerAbsent) GTEST_SKIP();
  const PatternParts parts = test::small_patterns(5);
  ASSERT_TRUE(write_emc(file("a.emc"), parts).ok());
  ASSERT_TRUE(write_dragonfly_detector(file("det.h5"), parts.detector).ok());
  ASSERT_EQ(test::run_peer("formats/spi/spi_peer.py",
                           "twin " + file("a.emc") + " " + file("a.h5") + " " + file("det.h5")),
            0);
  for (const char* name : {"a.h5", "a.h5.contiguous"}) {
    const auto source = open(name, "det.h5");
    ASSERT_TRUE(source.ok()) << source.status();
    EXPECT_EQ((*source)->header().format, Format::kEmcHdf5);
    const auto read = load(**source, {});
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->counts, parts.counts);
  }
  // References that lead to no heap, or to one of an unknown version.
  const std::string whole = test::read_text(folder_ / "a.h5");
  for (const auto& [from, to] : {std::pair<std::string, std::string>{"GCOL", "GCOX"},
                                 {std::string("GCOL\1", 5), std::string("GCOL\7", 5)}}) {
    std::string damaged = whole;
    for (std::size_t at = 0; (at = damaged.find(from, at)) != std::string::npos; ++at) {
      damaged.replace(at, from.size(), to);
    }
    test::write_text(folder_ / "a.h5", damaged);
    const auto source = open("a.h5", "det.h5");
    ASSERT_TRUE(source.ok()) << source.status();
    EXPECT_EQ(reason_of(load(**source, {}).status()), "BAD_STRUCTURE");
  }
}

TEST_F(DragonflyTest, AConfigIsFollowedAndItsUnknownKeysAreNamed) {
  const auto config =
      read_config(text("config.ini",
                       "# a comment\n[parameters]\nlambda = 6.2\ndetd 300\n\n"
                       "[make_detector]\nout_detector_file = data/det.h5\n"
                       "[make_data]\nin_detector_file = make_detector:::out_detector_file\n"
                       "out_photons_file=data/photons.emc\n"
                       "[emc]\nin_photons_file = make_data:::out_photons_file\n"
                       "in_detector_file = make_data:::in_detector_file\r\n"
                       "num_div = 8 4\nneed_scaling = 1\nbeta = auto\n"
                       "beta_factor = 0.5\nbeta_schedule = 1.41 10\n"
                       "selection = odd_only\noutput_folder = data/\n"
                       "alpha = 0.5\nfancy_option = 3\n"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->photons_file, "data/photons.emc");
  EXPECT_EQ(config->detector_file, "data/det.h5");
  EXPECT_THAT(config->num_div, ElementsAre(8, 4));
  EXPECT_EQ(config->need_scaling, true);
  EXPECT_EQ(config->beta, std::nullopt);
  EXPECT_EQ(config->beta_factor, 0.5);
  EXPECT_EQ(config->beta_schedule, (std::pair<double, int>(1.41, 10)));
  EXPECT_EQ(config->selection, Selection::kOdd);
  EXPECT_EQ(config->wavelength, 6.2);
  EXPECT_THAT(config->warnings, ElementsAre("[emc] alpha has no effect in unfold",
                                            "[emc] fancy_option is not known"));
}

TEST_F(DragonflyTest, ABrokenConfigIsNamedByKeyAndLine) {
  const std::string good = "[emc]\nin_photons_file = a.emc\n";
  const auto wrong = [&](const std::string& content) {
    const absl::Status status = read_config(text("config.ini", content)).status();
    EXPECT_EQ(reason_of(status), "BAD_CONFIG");
    return std::string(status.message());
  };
  EXPECT_THAT(wrong("[emc]\n"), HasSubstr("neither in_photons_file nor in_photons_list"));
  EXPECT_THAT(wrong(good + "in_photons_list = b\n"), HasSubstr("both"));
  EXPECT_THAT(wrong(good + "num_div = many\n"), HasSubstr("line 3, [emc] num_div: \"many\""));
  EXPECT_THAT(wrong(good + "beta_schedule = 1.4\n"), HasSubstr("beta_schedule"));
  EXPECT_THAT(wrong(good + "selection = some\n"), HasSubstr("neither odd_only nor even_only"));
  EXPECT_THAT(wrong(good + "recon_type = 2d\n"), HasSubstr("only 3d"));
  EXPECT_THAT(wrong(good + "in_detector_file = x:::y\n"), HasSubstr("leads nowhere"));
  EXPECT_THAT(wrong("[a]\nx = a:::x\n[emc]\nin_photons_file = a:::x\n"), HasSubstr("in a circle"));
  EXPECT_THAT(wrong("[emc\n"), HasSubstr("[ without ]"));
  EXPECT_THAT(wrong("[emc]\nlonely\n"), HasSubstr("key = value"));
}

TEST_F(DragonflyTest, OurOwnConfigIsRead) {
  const auto config =
      read_config(text("config.ini", config_text("a.emc", "det.h5", test::small_detector(4, 6))));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->photons_file, "a.emc");
  EXPECT_EQ(config->detector_file, "det.h5");
  EXPECT_EQ(config->wavelength, 2);
  EXPECT_THAT(config->warnings, IsEmpty());
}

TEST_F(DragonflyTest, ASelectionCountsWhatTheBlacklistLeaves) {
  const auto black = read_blacklist(text("black.dat", "0\n1\n0\n0 0\n1\n"), 6);
  ASSERT_TRUE(black.ok()) << black.status();
  EXPECT_THAT(*black, ElementsAre(1, 5));
  EXPECT_THAT(selected(Selection::kAll, 6, *black), ElementsAre(0, 2, 3, 4));
  EXPECT_THAT(selected(Selection::kEven, 6, *black), ElementsAre(0, 3));
  EXPECT_THAT(selected(Selection::kOdd, 6, *black), ElementsAre(2, 4));
  EXPECT_EQ(reason_of(read_blacklist(text("black.dat", "0\n"), 2).status()), "BAD_BLACKLIST");
  EXPECT_EQ(reason_of(read_blacklist(text("black.dat", "0 0 0"), 2).status()), "BAD_BLACKLIST");
  EXPECT_EQ(reason_of(read_blacklist(text("black.dat", "0 x"), 2).status()), "BAD_BLACKLIST");
}

TEST_F(DragonflyTest, RotationsAreThoseOfThe600Cell) {
  EXPECT_EQ(rotations_of(2), 420);
  EXPECT_EQ(rotations_of(10), 50100);
}

TEST_F(DragonflyTest, ItsViewersReadOutputAndLog) {
  if (test::run_peer("formats/spi/spi_peer.py", "probe") == test::kPeerAbsent) GTEST_SKIP();
  for (int i : {1, 2}) {
    Iterate iterate{.size = 3,
                    .intensity = {std::vector<double>(27, 1.5), std::vector<double>(27, i)},
                    .weight = {std::vector<double>(27, 1), std::vector<double>(27, 1)},
                    .scale = {1, 1.1, 0.9, 1},
                    .orientation = {3, 1, 4, 1},
                    .likelihood = {-1, -2, -3, -4},
                    .mutual_info = {1, 1, 1, 1},
                    .occupancy = {{1, 0}, {0, 1}, {0.5, 0.5}, {1, 0}}};
    ASSERT_TRUE(write_iterate(file(iterate_name(i)), iterate).ok());
  }
  const Log log{
      .frames = 4,
      .mean_count = 100,
      .rotations = 420,
      .good_pixels = 20,
      .pixels = 24,
      .modes = 2,
      .size = 3,
      .lines = {{.iteration = 1, .seconds = 2.5, .rms_change = 0.1, .rotations = 420, .beta = 0.04},
                {.iteration = 2,
                 .seconds = 2.5,
                 .rms_change = 0.05,
                 .likelihood = -1e5,
                 .rotations = 3240,
                 .beta = 0.05}}};
  test::write_text(folder_ / "EMC.log", log_text(log));
  EXPECT_EQ(test::run_peer("formats/spi/spi_peer.py", "dragonfly " + folder_.path().string()), 0);
}

}  // namespace
}  // namespace unfold::spi_data
