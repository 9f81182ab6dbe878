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
