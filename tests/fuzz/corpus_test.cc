#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <vector>

#include "common/formats/cosi/events.h"
#include "common/formats/cosi/npz.h"
#include "common/formats/cosi/orientations.h"
#include "common/formats/fits/preproc.h"
#include "common/formats/fits/psf.h"
#include "common/formats/hdf5/file.h"
#include "common/formats/imaging/map_file.h"
#include "common/formats/imaging/source.h"
#include "common/formats/spi/dragonfly.h"
#include "common/formats/spi/geometry.h"
#include "common/formats/spi/mrc.h"
#include "common/formats/spi/pdb.h"
#include "common/formats/spi/source.h"
#include "tests/fuzz/targets.h"
#include "tests/support/scratch_folder.h"

namespace unfold::fuzz {
namespace {

const std::filesystem::path kCorpus =
    std::filesystem::path(UNFOLD_SOURCE_DIR) / "tests/fuzz/corpus";

std::vector<std::string> corpus() {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(kCorpus)) {
    out.push_back(test::read_text(entry.path()));
  }
  return out;
}

void run_all(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  scan_file(bytes);
  read_psf_file(bytes);
  read_preproc_file(bytes);
  read_imaging_file(bytes);
  read_raw_file(bytes);
  read_spi_file(bytes);
}

TEST(Corpus, TheSeedsAreValidFiles) {
  EXPECT_TRUE(fits::read_preproc(kCorpus / "preproc.fits").ok());
  EXPECT_TRUE(fits::read_preproc(kCorpus / "preproc.fits.gz").ok());
  const auto tiled = fits::read_preproc(kCorpus / "preproc-tiled.fits");
  EXPECT_TRUE(tiled.ok()) << tiled.status();
  for (const char* name : {"psf-v3.fits", "psf-v2.fits", "psf-two-cores.fits"}) {
    const auto psf = fits::read_psf(kCorpus / name);
    EXPECT_TRUE(psf.ok()) << psf.status();
  }
  for (const char* name : {"imaging-counts.h5", "imaging-events.h5"}) {
    const auto source = imaging_data::open_source({.data = {kCorpus / name, name}}, {});
    EXPECT_TRUE(source.ok()) << source.status();
  }
  EXPECT_TRUE(imaging_data::read_map(kCorpus / "imaging-map.h5", "map").ok());
  const auto ignore = [](const cosi::ComptonEvent&) {};
  EXPECT_TRUE(cosi::read_events(kCorpus / "events.tra", "events", ignore).ok());
  EXPECT_TRUE(cosi::read_orientations(kCorpus / "attitude.ori", "attitude").ok());
  EXPECT_TRUE(cosi::npz_has(kCorpus / "arrays.npz", "ResponseGrid"));
  EXPECT_TRUE(hdf5::File::open(kCorpus / "histpy-counts.h5", "histpy").ok());
}

TEST(Corpus, TheSingleParticleSeedsAreValidFiles) {
  const auto seed = [](const std::string& name) {
    return spi_data::NamedFile{kCorpus / name, name};
  };
  for (const char* photons : {"spi-sparse.emc", "spi-dense.emc"}) {
    const auto source =
        spi_data::open_patterns({.data = {seed(photons)}, .detector = seed("spi-detector.dat")});
    EXPECT_TRUE(source.ok()) << source.status();
  }
  EXPECT_TRUE(spi_data::read_config(seed("spi-config.ini")).ok());
  EXPECT_TRUE(spi_data::read_geometry(seed("spi-panels.geom")).ok());
  EXPECT_TRUE(spi_data::read_mrc(seed("spi-map.mrc")).ok());
  EXPECT_TRUE(spi_data::read_pdb(seed("spi-atoms.pdb")).ok());
}

TEST(Corpus, EveryFileIsReadOrRefused) {
  const auto files = corpus();
  ASSERT_GE(files.size(), 21u);
  for (const std::string& file : files) run_all(file);
}

// Header digits and letters are where damage matters: replace, cut, double and drop there.
TEST(Corpus, DamagedFilesAreReadOrRefused) {
  std::mt19937 random(20261120);
  const auto below = [&](std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
  };
  const std::string alphabet = " =0123456789-+.EDTFNaI'/&ABJKPQX\xff";
  for (const std::string& file : corpus()) {
    for (int round = 0; round < 400; ++round) {
      std::string damaged = file;
      for (std::size_t edits = 1 + below(4); edits > 0; --edits) {
        damaged[below(damaged.size())] = alphabet[below(alphabet.size())];
      }
      if (below(8) == 0) damaged.resize(below(damaged.size()));
      if (below(8) == 0) damaged.erase(below(36) * 80 % damaged.size(), 80);
      run_all(damaged);
    }
  }
}

}  // namespace
}  // namespace unfold::fuzz
