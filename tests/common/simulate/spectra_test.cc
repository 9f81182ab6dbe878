#include "common/simulate/spectra.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

namespace unfold::simulate {
namespace {

std::vector<double> grid(double low, int size, double step) {
  std::vector<double> out;
  for (int i = 0; i < size; ++i) out.push_back(low + i * step);
  return out;
}

TEST(SpectraTest, APieceOfTheSkyHasTheLinesOfTheWhole) {
  const std::vector<Line> whole = sky_lines(5700, 7700);
  const std::vector<Line> piece = sky_lines(6111, 6222);
  ASSERT_FALSE(piece.empty());
  for (const Line& line : piece) {
    EXPECT_TRUE(std::any_of(whole.begin(), whole.end(), [&](const Line& other) {
      return other.centre == line.centre && other.photons == line.photons;
    }));
  }
  // 0.075 an Angstrom.
  EXPECT_NEAR(static_cast<double>(whole.size()), 150, 40);
}

TEST(SpectraTest, ALineKeepsItsPhotonsHoweverItIsBinned) {
  const Target dark = {ObjectKind::kElg, 1.0, 0, 0, {{6501.3, 0.9, 1234.0}}};
  for (const double step : {0.8, 0.1}) {
    const std::vector<double> wavelength = grid(6450, static_cast<int>(100 / step), step);
    Target sky_only = dark;
    sky_only.lines.clear();
    const std::vector<double> with = photons_per_bin(dark, {}, wavelength, step);
    const std::vector<double> without = photons_per_bin(sky_only, {}, wavelength, step);
    const double line = std::accumulate(with.begin(), with.end(), 0.0) -
                        std::accumulate(without.begin(), without.end(), 0.0);
    EXPECT_NEAR(line, 1234.0, 1e-6) << step;
  }
}

TEST(SpectraTest, ThroughputScalesSkyAndObjectAlike) {
  Target target = make_target(3, 1);
  const std::vector<double> wavelength = grid(6000, 100, 0.8);
  const std::vector<Line> sky = sky_lines(5990, 6090);
  target.throughput = 1;
  const std::vector<double> full = photons_per_bin(target, sky, wavelength, 0.8);
  target.throughput = 0.5;
  const std::vector<double> half = photons_per_bin(target, sky, wavelength, 0.8);
  for (std::size_t i = 0; i < full.size(); ++i) EXPECT_DOUBLE_EQ(half[i], full[i] / 2);
}

TEST(SpectraTest, FiveHundredFibresSeeEveryKindOfObjectAndNothingNegative) {
  std::set<std::string_view> kinds;
  const std::vector<double> wavelength = grid(3600, 700, 9.0);
  for (int fibre = 0; fibre < 500; ++fibre) {
    const Target target = make_target(fibre, 20);
    kinds.insert(name_of(target.kind));
    EXPECT_GE(target.throughput, 0.9);
    EXPECT_LE(target.throughput, 1.1);
    for (const double photons : photons_per_bin(target, {}, wavelength, 9.0)) {
      ASSERT_GE(photons, 0) << fibre;
    }
  }
  EXPECT_EQ(kinds, (std::set<std::string_view>{"SKY", "ELG", "LRG", "QSO", "STAR"}));
}

}  // namespace
}  // namespace unfold::simulate
