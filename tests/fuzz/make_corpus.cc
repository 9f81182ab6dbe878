// Writes the seed files of tests/fuzz/corpus: small, valid files of every kind that is read, for
// the fuzzers to damage. Usage: make_corpus FOLDER

#include <array>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "common/formats/fits/big_endian.h"
#include "common/formats/fits/preproc.h"
#include "common/formats/fits/psf.h"
#include "common/formats/fits/table.h"
#include "common/formats/fits/writer.h"
#include "common/formats/imaging/map_file.h"
#include "common/formats/imaging/problem_file.h"
#include "common/simulate/npz.h"
#include "tests/common/formats/fits_files.h"

namespace unfold {
namespace {

// GAUSS-HERMITE before version 3, and GAUSS-HERMITE2: one table with its domain in every row.
void write_old_psf(const std::string& path, const std::string& type) {
  const bool two = type == "GAUSS-HERMITE2";
  std::vector<std::string> names = {"X",       "Y",        "GHSIGX",   "GHSIGY",   "GH-0-0",
                                    "TAILAMP", "TAILCORE", "TAILXSCA", "TAILYSCA", "TAILINDE"};
  if (two) names.insert(names.end(), {"GHNSIG", "GHSIGX2", "GHSIGY2", "GH2-0-0"});
  const std::size_t rows = names.size();
  const std::vector<double> low(rows, 5600);
  const std::vector<double> high(rows, 5700);
  const std::vector<double> coefficients(rows * 2 * 2, 1.0);
  fits::Table table = fits::TableBuilder("PSF")
                          .add("PARAM", std::span<const std::string>(names))
                          .add("WAVEMIN", std::span<const double>(low))
                          .add("WAVEMAX", std::span<const double>(high))
                          .add_vector("COEFF", coefficients, 4, "(2,2)")
                          .build();
  fits::Header& header = table.header;
  header.set("PSFTYPE", type);
  header.set("PSFVER", "2");
  const std::array<std::pair<const char*, int>, 10> numbers = {{{"NPIX_X", 8},
                                                                {"NPIX_Y", 6},
                                                                {"HSIZEX", 2},
                                                                {"HSIZEY", 2},
                                                                {"FIBERMIN", 0},
                                                                {"FIBERMAX", 1},
                                                                {"GHDEGX", 0},
                                                                {"GHDEGY", 0},
                                                                {"GHDEGX2", 0},
                                                                {"GHDEGY2", 0}}};
  for (const auto& [key, value] : numbers) header.set(key, value);
  fits::Writer writer = *fits::Writer::create(path, false);
  writer.table("PSF", table).IgnoreError();
  writer.finish().IgnoreError();
}

// IMAGE and IVAR of 8 x 6 pixels and a MASK of one Rice tile: the first value 0, then a block whose
// split of 0 says that nothing changes.
void write_tiled(const std::string& path) {
  const std::vector<float> plane(48, 1.0F);
  const std::vector<std::byte> code(4 +
                                    2 * 7);  // 48 values of 4 bytes in two blocks, all zero bits
  fits::Table table;
  table.rows = 1;
  table.row_bytes = 8;
  table.columns = {
      {.name = "COMPRESSED_DATA", .type = 'P', .repeat = 1, .offset = 0, .width = 8, .unit = {}}};
  table.data.resize(8);
  fits::store_big(table.data.data(), static_cast<std::uint32_t>(code.size()));
  table.data.insert(table.data.end(), code.begin(), code.end());
  fits::Header& header = table.header;
  header.set("TTYPE1", "COMPRESSED_DATA");
  header.set("TFORM1", "1PB(18)");
  fits::Writer writer = *fits::Writer::create(path, false);
  writer.image("IMAGE", {8, 6}, std::span<const float>(plane), {}).IgnoreError();
  writer.image("IVAR", {8, 6}, std::span<const float>(plane), {}).IgnoreError();
  writer.table("MASK", table).IgnoreError();
  writer.finish().IgnoreError();
  // The writer leaves Z keywords out, as it should; they take the place of the checksums here.
  std::string bytes = test::read_text(path);
  const std::array<const char*, 9> cards = {"ZIMAGE  =                    T",
                                            "ZBITPIX =                   16",
                                            "ZNAXIS  =                    2",
                                            "ZNAXIS1 =                    8",
                                            "ZNAXIS2 =                    6",
                                            "ZTILE1  =                    8",
                                            "ZTILE2  =                    6",
                                            "ZCMPTYPE= 'RICE_1  '",
                                            "END"};
  std::size_t at = bytes.rfind("CHECKSUM=");
  for (std::string card : cards) {
    card.resize(80, ' ');
    bytes.replace(at, 80, card);
    at += 80;
  }
  test::write_text(path, bytes);
}

// A sky of 12 pixels, so that most bytes are HDF5's own.
imaging_data::ProblemParts small_problem() {
  imaging_data::ProblemParts out;
  out.sky = sky::healpix_grid(1, false);
  out.bins = 3;
  out.directions = 2;
  out.times = 2;
  out.instrument_response = {1, 2, 3, 4, 5, 6};
  out.attitude.live_time = {10, 20};
  out.attitude.time_bin = {0, 1};
  out.attitude.lookup.direction.assign(24, 1);
  out.counts = {{0, 1, 3}, {2, 0, 1}, {1, 300, 2}};
  out.background_dc1 = {.name = "background_dc1", .full = {1, 2, 3, 4, 5, 6}, .bins = 3};
  out.background_live = {.name = "background_live", .spectrum = {1, 2, 3}, .scale = {1, 2}};
  out.group = {0, 1};
  return out;
}

imaging_data::MapProduct small_map() {
  imaging_data::MapProduct out;
  out.sky = sky::healpix_grid(1, false);
  out.energy_edges = {501, 521};
  out.map.assign(12, 1);
  out.exposure.assign(12, 2);
  out.maps[1] = out.map;
  out.log_likelihood = {-2, -1};
  out.background_amplitude = {1, 0.9};
  out.amplitudes = 1;
  out.standard_error.assign(12, 0.5);
  out.on_bound.assign(12, 0);
  out.regions = {{"centre", 0, 0, 10, 1e-3, 1e-4, 5}};
  out.attributes = {{"job", std::string("a")}, {"iterations", std::int64_t{2}}};
  return out;
}

constexpr char kEvents[] =
    "Type tra\n\nSE\nET CO\nID 1\nTI 100.25\nGX 202.8 10.8\nGZ 304.3 46.0\nSQ 2\n"
    "CE 255.5 1 255.5 1\nCD 0 0 0 0 0 0 0 -1 0 0 0 0 0 0 0 0 0 0\nSE\nET PH\nPE 511\n"
    "SE\nET CO\nTI 101\nCE 400 1 100 1\nCD 1 2 3 0 0 0 3 2 1 0 0 0\nEN\n";
constexpr char kAttitude[] =
    "Type OrientationsGalactic\n\nOG 10 1 2 3 4 550 5 6 0.75\n"
    "OG 11.5 1 2 3 4 551 7 8 1\nOG 12.5 1 2 3 4 551 7 8 0\nEN\n";

void write_text(const std::string& path, const char* text) {
  if (std::FILE* file = std::fopen(path.c_str(), "wb"); file != nullptr) {
    std::fputs(text, file);
    std::fclose(file);
  }
}

void write_arrays(const std::string& path) {
  simulate::NpzWriter out(path);
  const std::vector<double> grid = {0, 1, 2, 3, 4, 5, 6, 7};
  const std::vector<std::int64_t> edges = {100, 200, 300};
  out.add("ResponseGrid", grid, {1, 2, 2, 2});
  out.add("energy_bin_edges", edges, {3});
  out.finish().IgnoreError();
}

// The histpy-*.h5 of the corpus are of tests/common/formats/imaging/histpy_peer.py.
void write_all(const std::string& folder) {
  const auto file = [&](const char* name) { return folder + "/" + name; };
  fits::Preproc preproc = test::small_preproc(8, 6, 2);
  preproc.header.set("TARGTRA", 150.1);
  preproc.header.set("TARGTDEC", 2.2);
  preproc.header.set("MJD-OBS", 59197.4);
  fits::write_preproc(file("preproc.fits"), preproc).IgnoreError();
  fits::write_preproc(file("preproc.fits.gz"), preproc).IgnoreError();
  fits::write_psf(file("psf-v3.fits"), test::small_psf(2, 8, 6)).IgnoreError();
  write_old_psf(file("psf-v2.fits"), "GAUSS-HERMITE");
  write_old_psf(file("psf-two-cores.fits"), "GAUSS-HERMITE2");
  write_tiled(file("preproc-tiled.fits"));
  imaging_data::write_problem(file("imaging-counts.h5"), small_problem(), {.overwrite = true})
      .IgnoreError();
  imaging_data::write_problem(file("imaging-events.h5"), small_problem(),
                              {.events = true, .overwrite = true})
      .IgnoreError();
  imaging_data::write_map(file("imaging-map.h5"), small_map()).IgnoreError();
  write_text(file("events.tra"), kEvents);
  write_text(file("attitude.ori"), kAttitude);
  write_arrays(file("arrays.npz"));
}

}  // namespace
}  // namespace unfold

int main(int count, char** arguments) {
  if (count != 2) {
    std::fputs("usage: make_corpus FOLDER\n", stderr);
    return 2;
  }
  std::filesystem::create_directories(arguments[1]);
  unfold::write_all(arguments[1]);
  return 0;
}
