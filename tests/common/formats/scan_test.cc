#include "common/formats/fits/scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libdeflate.h>

#include "common/base/error.h"
#include "tests/common/formats/fits_files.h"

namespace unfold::fits {
namespace {

using test::card;
using test::header_block;
using test::zeros;
using ::testing::HasSubstr;

std::vector<std::string> image_cards(const std::string& nx = "10", const std::string& ny = "5") {
  return {card("SIMPLE", "T"), card("BITPIX", "-32"), card("NAXIS", "2"), card("NAXIS1", nx),
          card("NAXIS2", ny)};
}

std::vector<std::string> table_cards() {
  return {"XTENSION= 'BINTABLE'", card("BITPIX", "8"),    card("NAXIS", "2"),
          card("NAXIS1", "12"),   card("NAXIS2", "3"),    card("PCOUNT", "20"),
          card("GCOUNT", "1"),    card("TFIELDS", "2"),   "TFORM1  = 'J       '",
          "TFORM2  = '1PE(5)  '", "TTYPE1  = 'FIBER   '", "EXTNAME = 'T       '"};
}

std::string good_image() { return header_block(image_cards()) + zeros(200); }
std::string with_table(const std::vector<std::string>& cards) {
  return good_image() + header_block(cards) + zeros(56);
}

absl::StatusOr<Structure> scanned(const std::string& bytes) {
  return scan(MemorySource(std::as_bytes(std::span(bytes))), "x.fits");
}
std::string reason(const std::string& bytes) { return reason_of(scanned(bytes).status()); }

// The cards with the one of this keyword replaced.
std::vector<std::string> with(std::vector<std::string> cards, const std::string& key,
                              const std::string& text) {
  for (std::string& each : cards) {
    if (keyword_of(each + std::string(80, ' ')) == key) each = text;
  }
  return cards;
}

TEST(Scan, DescribesEveryHdu) {
  const auto structure = scanned(with_table(table_cards()));
  ASSERT_TRUE(structure.ok()) << structure.status();
  ASSERT_EQ(structure->hdus.size(), 2u);
  EXPECT_EQ(structure->hdus[0].axes, (std::vector<std::int64_t>{10, 5}));
  EXPECT_EQ(structure->hdus[0].data_bytes, 200u);
  const Hdu& table = *structure->find("T");
  EXPECT_EQ(table.type, HduType::kBinaryTable);
  EXPECT_EQ(table.data_bytes, 56u);
  ASSERT_EQ(table.columns.size(), 2u);
  EXPECT_EQ(table.columns[0].name, "FIBER");
  EXPECT_EQ(table.columns[1].type, 'P');
  EXPECT_EQ(table.columns[1].offset, 4u);
}

TEST(Scan, RefusesWhatIsNotFits) {
  EXPECT_EQ(reason(""), "NOT_FITS");
  EXPECT_EQ(reason("PNG"), "NOT_FITS");
  EXPECT_EQ(reason(std::string(5760, 'x')), "NOT_FITS");
  EXPECT_EQ(scanned("").status().message(),
            "cannot read \"x.fits\" (it is empty) [name a FITS file]");
}

TEST(Scan, RefusesAFileThatEndsEarlyWhereverItEnds) {
  const std::string whole = with_table(table_cards());
  ASSERT_TRUE(scanned(whole).ok());
  for (std::size_t size = 9; size < whole.size(); size += 97) {
    const std::string got = reason(whole.substr(0, size));
    EXPECT_EQ(got, size == good_image().size() ? "" : "TRUNCATED") << size;
  }
}

TEST(Scan, RefusesSizesBeyondAllReason) {
  EXPECT_EQ(reason(header_block(image_cards("1000000", "2000000"))), "TOO_LARGE");  // 8 TB
  EXPECT_EQ(reason(header_block(image_cards("4611686018427387904", "4"))), "TOO_LARGE");
  EXPECT_EQ(reason(header_block(image_cards("9223372036854775807", "9223372036854775807"))),
            "TOO_LARGE");
  EXPECT_EQ(reason(header_block(image_cards("92233720368547758070", "1"))), "BAD_HEADER_VALUE");
  EXPECT_EQ(reason(header_block(image_cards("10000", "10000"))), "TRUNCATED");
  EXPECT_EQ(reason(with_table(with(table_cards(), "PCOUNT", card("PCOUNT", "8000000000000")))),
            "TOO_LARGE");
}

TEST(Scan, RefusesEachDamagedMandatoryKeyword) {
  const auto refused = [](const std::string& key, const std::string& text) {
    return reason(header_block(with(image_cards(), key, text)) + zeros(200));
  };
  EXPECT_EQ(refused("SIMPLE", card("SIMPLE", "F")), "BAD_STRUCTURE");
  EXPECT_EQ(refused("BITPIX", card("BITPIX", "17")), "BAD_STRUCTURE");
  EXPECT_EQ(refused("BITPIX", card("BITPIX", "NaN")), "BAD_HEADER_VALUE");
  EXPECT_EQ(refused("BITPIX", card("COMMENT", "8")), "BAD_STRUCTURE");
  EXPECT_EQ(refused("NAXIS", card("NAXIS", "-1")), "BAD_STRUCTURE");
  EXPECT_EQ(refused("NAXIS", card("NAXIS", "999999999")), "BAD_STRUCTURE");
  EXPECT_EQ(refused("NAXIS1", card("NAXIS2", "5")), "BAD_STRUCTURE");
  EXPECT_EQ(refused("NAXIS2", card("NAXIS2", "-5")), "BAD_STRUCTURE");
  EXPECT_EQ(refused("NAXIS2", card("NAXIS2", "5.5")), "BAD_HEADER_VALUE");
}

TEST(Scan, RefusesAKeywordOfStructureGivenTwice) {
  std::vector<std::string> cards = image_cards();
  cards.push_back(card("NAXIS1", "9"));
  EXPECT_EQ(reason(header_block(cards) + zeros(200)), "BAD_STRUCTURE");
}

TEST(Scan, RefusesTablesThatContradictThemselves) {
  const auto refused = [](const std::string& key, const std::string& text) {
    return reason(with_table(with(table_cards(), key, text)));
  };
  EXPECT_EQ(refused("NAXIS1", card("NAXIS1", "13")), "BAD_STRUCTURE");
  EXPECT_EQ(refused("TFORM1", "TFORM1  = '9999999999J'"), "BAD_STRUCTURE");
  EXPECT_EQ(refused("TFORM1", "TFORM1  = '99999999999999999999J'"), "BAD_STRUCTURE");
  EXPECT_EQ(refused("TFORM1", "TFORM1  = '-1J     '"), "BAD_STRUCTURE");
  EXPECT_EQ(refused("TFORM1", "TFORM1  = 'Y       '"), "BAD_STRUCTURE");
  EXPECT_EQ(refused("TFORM1", "TFORM1  = '        '"), "BAD_STRUCTURE");
  EXPECT_EQ(refused("TFORM1", "COMMENT"), "MISSING_HEADER_VALUE");
  EXPECT_EQ(refused("TFIELDS", card("TFIELDS", "1000")), "BAD_STRUCTURE");
  EXPECT_EQ(refused("GCOUNT", card("GCOUNT", "2")), "BAD_STRUCTURE");
  EXPECT_EQ(refused("PCOUNT", card("PCOUNT", "-8")), "BAD_STRUCTURE");
  EXPECT_EQ(refused("TTYPE1", card("THEAP", "5")), "BAD_STRUCTURE");
  EXPECT_EQ(refused("XTENSION", "XTENSION= 'FOREIGN '"), "BAD_STRUCTURE");
}

TEST(Scan, RefusesBytesThatFitsDoesNotAllowInAHeader) {
  std::vector<std::string> cards = image_cards();
  cards.push_back("TEMP    = '20\xc2\xb0'");
  const auto status = scanned(header_block(cards) + zeros(200)).status();
  EXPECT_EQ(reason_of(status), "BAD_STRUCTURE");
  EXPECT_THAT(std::string(status.message()), HasSubstr("card 6"));
}

TEST(Scan, RefusesWhatFollowsTheLastHdu) {
  EXPECT_NE(reason(good_image() + zeros(1)), "");
  EXPECT_NE(reason(good_image() + "x"), "");
}

std::string gzip(const std::string& plain) {
  libdeflate_compressor* compressor = libdeflate_alloc_compressor(6);
  std::string out(libdeflate_gzip_compress_bound(compressor, plain.size()), '\0');
  out.resize(
      libdeflate_gzip_compress(compressor, plain.data(), plain.size(), out.data(), out.size()));
  libdeflate_free_compressor(compressor);
  return out;
}

class ScanFile : public ::testing::Test {
 protected:
  std::string reason_of_file(const std::string& bytes) {
    return reason_of(scan_headers(folder_.write("a.fits.gz", bytes), "").status());
  }
  test::TemporaryFolder folder_;
};

TEST_F(ScanFile, GzipIsKnownByItsContentNotItsName) {
  for (const char* name : {"a.fits", "a.fits.gz", "a.dat"}) {
    const auto packed = scan_headers(folder_.write(name, gzip(good_image())), "");
    ASSERT_TRUE(packed.ok()) << packed.status();
    EXPECT_TRUE(packed->compressed);
    const auto plain = scan_headers(folder_.write(name, good_image()), "");
    ASSERT_TRUE(plain.ok()) << plain.status();
    EXPECT_FALSE(plain->compressed);
  }
}

TEST_F(ScanFile, GzipOfSeveralMembersIsReadWhole) {
  const std::string plain = with_table(table_cards());
  const auto got = scan_headers(
      folder_.write("m.gz", gzip(plain.substr(0, 3000)) + gzip(plain.substr(3000))), "");
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->structure.hdus.size(), 2u);
}

TEST_F(ScanFile, DamagedGzipIsRefused) {
  const std::string packed = gzip(good_image());
  for (std::size_t size = 2; size < packed.size(); size += 7) {
    EXPECT_EQ(reason_of_file(packed.substr(0, size)), "TRUNCATED") << size;
  }
  std::string wrong_crc = packed;
  wrong_crc[wrong_crc.size() - 8] = static_cast<char>(wrong_crc[wrong_crc.size() - 8] ^ 1);
  EXPECT_EQ(reason_of_file(wrong_crc), "TRUNCATED");
  std::string wrong_size = packed;
  wrong_size[wrong_size.size() - 2] = static_cast<char>(0x7f);
  EXPECT_EQ(reason_of_file(wrong_size), "TRUNCATED");
  EXPECT_EQ(reason_of_file(gzip(good_image()) + "junk"), "TRUNCATED");
}

TEST_F(ScanFile, SaysWhatIsNoReadableFile) {
  EXPECT_EQ(reason_of(scan_headers(folder_.path().string(), "").status()), "NOT_A_FILE");
  EXPECT_EQ(reason_of(scan_headers(folder_.file("none"), "").status()), "INPUT_NOT_FOUND");
  EXPECT_EQ(reason_of(scan_headers("/dev/null", "").status()), "NOT_A_FILE");
  EXPECT_THAT(std::string(scan_headers(folder_.file("none"), "data:none").status().message()),
              HasSubstr("\"data:none\""));
}

}  // namespace
}  // namespace unfold::fits
