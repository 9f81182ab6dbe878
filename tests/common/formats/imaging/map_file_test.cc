#include "common/formats/imaging/map_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "common/base/error.h"
#include "common/formats/hdf5/file.h"
#include "common/formats/imaging/map_layout.h"
#include "tests/common/formats/imaging/maps.h"
#include "tests/common/formats/peer.h"
#include "tests/support/scratch_folder.h"

namespace unfold::imaging_data {
namespace {

using test::full_map;
using testing::ElementsAre;
using testing::HasSubstr;

class MapFileTest : public testing::Test {
 protected:
  std::string file(const std::string& name) const { return (folder_ / name).string(); }
  std::string write(const MapProduct& product) const {
    const absl::Status status = write_map(file("map.h5"), product);
    EXPECT_TRUE(status.ok()) << status;
    return file("map.h5");
  }
  const test::ScratchFolder folder_;
};

TEST_F(MapFileTest, AMapIsReadBackWhole) {
  for (const std::int64_t energies : {1, 3}) {
    const MapProduct made = full_map(sky::regular_grid(30), energies);
    const auto read = read_map(write(made), "map.h5");
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->energies, energies);
    EXPECT_EQ(read->sky.nl, 12);
    EXPECT_EQ(read->sky.solid_angle, made.sky.solid_angle);
    EXPECT_EQ(read->energy_edges, made.energy_edges);
    EXPECT_EQ(read->map, made.map);
    EXPECT_EQ(read->maps, made.maps);
    EXPECT_EQ(read->exposure, made.exposure);
    EXPECT_EQ(read->log_likelihood, made.log_likelihood);
    EXPECT_EQ(read->validation, made.validation);
    EXPECT_EQ(read->background_amplitude, made.background_amplitude);
    EXPECT_EQ(read->amplitudes, 2);
    EXPECT_EQ(read->amplitude_error, made.amplitude_error);
    EXPECT_EQ(read->on_bound, made.on_bound);
    EXPECT_TRUE(std::isnan(read->standard_error[3]));
    EXPECT_EQ(read->standard_error[4], 0.5);
    EXPECT_EQ(read->attributes, made.attributes);
    ASSERT_EQ(read->regions.size(), 2u);
    EXPECT_EQ(read->regions[1].name, "Crab");
    EXPECT_EQ(read->regions[1].flux, 2e-3);
    EXPECT_EQ(read->regions[1].standard_error, 3e-4);
    EXPECT_EQ(read->regions[1].pixels, 4);
    EXPECT_TRUE(verify_map(file("map.h5")).ok());
  }
}

TEST_F(MapFileTest, WhatAJobDidNotMakeIsAbsent) {
  MapProduct made = full_map(sky::healpix_grid(2, false), 1);
  made.energy_edges.clear();
  made.maps.clear();
  made.validation.clear();
  made.background_amplitude.clear();
  made.amplitudes = 0;
  made.amplitude_error.clear();
  made.standard_error.clear();
  made.on_bound.clear();
  made.regions.clear();
  const auto read = read_map(write(made), "map.h5");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->sky.nside, 2);
  EXPECT_TRUE(read->energy_edges.empty());
  EXPECT_TRUE(read->maps.empty());
  EXPECT_TRUE(read->standard_error.empty());
  EXPECT_EQ(read->amplitudes, 0);
  const absl::Status status = verify_map(file("map.h5"));
  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(MapFileTest, TheSameMapMakesTheSameBytes) {
  const MapProduct made = full_map(sky::regular_grid(30), 2);
  const std::string first = test::read_text(write(made));
  EXPECT_EQ(test::read_text(write(made)), first);
}

TEST_F(MapFileTest, UnitsAndTheMeaningOfErrorsStandInTheFile) {
  const hdf5::File map = *hdf5::File::open(write(full_map(sky::regular_grid(30), 1)), "map.h5");
  const auto text = [&](const char* object, const char* name) {
    return std::get<std::string>(**map.attribute(object, name));
  };
  EXPECT_EQ(text("map", "unit"), "cm-2 s-1 sr-1");
  EXPECT_EQ(text("energy_edges", "unit"), "keV");
  EXPECT_EQ(text("exposure", "unit"), "cm2 s sr");
  EXPECT_EQ(text("standard_error", "meaning"),
            "statistical only: no regularisation bias, no response or background-template error");
}

TEST_F(MapFileTest, TheModelIsLaidOutAsHistpyDoes) {
  const MapProduct made = full_map(sky::healpix_grid(1, false), 2);
  const hdf5::File map = *hdf5::File::open(write(made), "map.h5");
  const hdf5::Dataset contents = *map.dataset("hist/contents");
  EXPECT_THAT(contents.info().shape, ElementsAre(12, 2));
  const std::vector<double> values = *contents.read_all<double>(24);
  EXPECT_EQ(values[2 * 5 + 0], 5);
  EXPECT_EQ(values[2 * 5 + 1], 1005);
  EXPECT_EQ(std::get<std::string>(**map.attribute("hist", "format")), "dense");
  EXPECT_EQ(std::get<std::string>(**map.attribute("hist/axes/0", "label")), "lb");
  EXPECT_EQ(std::get<std::int64_t>(**map.attribute("hist/axes/0", "nside")), 1);
  EXPECT_THAT(std::get<std::vector<std::string>>(**map.attribute("hist/axes/0", "__class__")),
              ElementsAre("histpy.healpix_axis", "HealpixAxis"));
  EXPECT_EQ(std::get<std::string>(**map.attribute("hist/axes/1", "unit")), "keV");
  EXPECT_THAT(*map.dataset("hist/axes/1")->read_all<double>(3), ElementsAre(100, 200, 400));
}

TEST_F(MapFileTest, NumbersThatAreNoneAreNotPublished) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  MapProduct made = full_map(sky::regular_grid(30), 1);
  made.map[7] = nan;
  EXPECT_EQ(reason_of(verify_map(write(made))), "BAD_PRODUCT");
  made = full_map(sky::regular_grid(30), 1);
  made.maps[2][0] = std::numeric_limits<double>::infinity();
  EXPECT_EQ(reason_of(verify_map(write(made))), "BAD_PRODUCT");
  made = full_map(sky::regular_grid(30), 1);
  made.standard_error[0] = nan;  // not on the bound
  EXPECT_EQ(reason_of(verify_map(write(made))), "BAD_PRODUCT");
}

TEST_F(MapFileTest, PartsThatDisagreeAreNotWritten) {
  MapProduct made = full_map(sky::regular_grid(30), 1);
  made.exposure.pop_back();
  EXPECT_EQ(reason_of(write_map(file("map.h5"), made)), "WRONG_SHAPE");
}

TEST_F(MapFileTest, AnotherHdf5FileIsNoMap) {
  hdf5::Writer writer = *hdf5::Writer::create(file("other.h5"));
  ASSERT_TRUE(writer.finish().ok());
  const absl::Status status = read_map(file("other.h5"), "data:other.h5").status();
  EXPECT_EQ(reason_of(status), "WRONG_TYPE");
  EXPECT_THAT(std::string(status.message()), HasSubstr("data:other.h5"));
}

class MapPeerTest : public MapFileTest {
 protected:
  void SetUp() override {
    if (test::run_peer("formats/imaging/imaging_peer.py", "probe") == test::kPeerAbsent) {
      GTEST_SKIP() << "h5py, astropy or healpy absent";
    }
  }
  int peer(const std::string& verb, const std::string& name) const {
    return test::run_peer("formats/imaging/imaging_peer.py", verb + " '" + file(name) + "'");
  }
};

TEST_F(MapPeerTest, H5pyReadsAMap) {
  write(full_map(sky::regular_grid(30), 2));
  EXPECT_EQ(peer("map", "map.h5"), 0);
}

TEST_F(MapPeerTest, AnIndependentReaderOfHistogramsFindsTheModel) {
  write(full_map(sky::healpix_grid(2, false), 2));
  EXPECT_EQ(peer("histogram", "map.h5"), 0);
}

TEST_F(MapPeerTest, AstropyFindsEachDirectionInTheFitsImage) {
  for (const std::int64_t energies : {1, 2}) {
    const absl::Status status =
        write_fits_map(file("map.fits"), full_map(sky::regular_grid(30), energies));
    ASSERT_TRUE(status.ok()) << status;
    const absl::Status verified = verify_fits_map(file("map.fits"));
    EXPECT_TRUE(verified.ok()) << verified;
    EXPECT_EQ(peer(energies == 1 ? "image" : "cube", "map.fits"), 0);
  }
}

TEST_F(MapPeerTest, HealpyReadsTheFitsTable) {
  for (const bool nested : {false, true}) {
    const absl::Status status =
        write_fits_map(file("map.fits"), full_map(sky::healpix_grid(4, nested), 2));
    ASSERT_TRUE(status.ok()) << status;
    const absl::Status verified = verify_fits_map(file("map.fits"));
    EXPECT_TRUE(verified.ok()) << verified;
    EXPECT_EQ(peer(nested ? "nested" : "ring", "map.fits"), 0);
  }
}

TEST_F(MapFileTest, AFitsMapThatWasDamagedOrHoldsNanIsNotPublished) {
  MapProduct made = full_map(sky::regular_grid(30), 1);
  ASSERT_TRUE(write_fits_map(file("map.fits"), made).ok());
  std::string bytes = test::read_text(file("map.fits"));
  bytes[bytes.find("END    ") / 2880 * 2880 + 2880 + 100] ^= 1;
  test::write_text(file("damaged.fits"), bytes);
  EXPECT_EQ(reason_of(verify_fits_map(file("damaged.fits"))), "BAD_PRODUCT");
  made.map[0] = std::numeric_limits<double>::quiet_NaN();
  ASSERT_TRUE(write_fits_map(file("map.fits"), made).ok());
  EXPECT_EQ(reason_of(verify_fits_map(file("map.fits"))), "BAD_PRODUCT");
  MapProduct table = full_map(sky::healpix_grid(1, false), 1);
  table.map[0] = std::numeric_limits<double>::quiet_NaN();
  ASSERT_TRUE(write_fits_map(file("map.fits"), table).ok());
  EXPECT_EQ(reason_of(verify_fits_map(file("map.fits"))), "BAD_PRODUCT");
}

}  // namespace
}  // namespace unfold::imaging_data
