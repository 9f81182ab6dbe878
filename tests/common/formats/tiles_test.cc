#include "common/formats/fits/tiles.h"

#include <fitsio.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "common/base/error.h"
#include "common/formats/fits/big_endian.h"
#include "common/formats/fits/images.h"
#include "common/formats/fits/scan.h"
#include "common/formats/fits/tile_codes.h"
#include "tests/common/formats/fits_files.h"

namespace unfold::fits {
namespace {

using ::testing::HasSubstr;

constexpr long kNx = 50;
constexpr long kNy = 23;
constexpr float kUndefined = -99;  // of real values, when they are written
constexpr std::size_t kPixels = kNx * kNy;

struct Compression {
  int algorithm = RICE_1;
  int bitpix = SHORT_IMG;
  long tile_nx = kNx;
  long tile_ny = 1;
  float quantum = 0;  // 0: without loss
  int dither = NO_DITHER;
};

class TiledImage : public ::testing::Test {
 protected:
  // An empty primary HDU and the image, compressed by CFITSIO.
  template <class T>
  std::string write(const Compression& how, int type, std::vector<T> values) {
    const std::string path = folder_.file("tiled.fits");
    long axes[2] = {kNx, kNy};
    long tile[2] = {how.tile_nx, how.tile_ny};
    float undefined = kUndefined;
    fitsfile* file = nullptr;
    int status = 0;
    std::filesystem::remove(path);
    fits_create_diskfile(&file, path.c_str(), &status);
    fits_create_img(file, BYTE_IMG, 0, axes, &status);
    fits_set_compression_type(file, how.algorithm, &status);
    fits_set_tile_dim(file, 2, tile, &status);
    if (how.bitpix < 0) fits_set_quantize_level(file, -how.quantum, &status);  // - says absolute
    if (how.quantum > 0) fits_set_quantize_method(file, how.dither, &status);
    fits_create_img(file, how.bitpix, 2, axes, &status);
    fits_write_imgnull(file, type, 1, static_cast<LONGLONG>(values.size()), values.data(),
                       type == TFLOAT ? &undefined : nullptr, &status);
    fits_close_file(file, &status);
    EXPECT_EQ(status, 0) << how.algorithm << " bitpix " << how.bitpix << " tile " << how.tile_nx;
    return path;
  }

  template <class T>
  absl::StatusOr<std::vector<T>> read(const std::string& path) {
    const auto file = load_and_scan(path, "");
    if (!file.ok()) return file.status();
    const Hdu& hdu = file->structure.hdus.at(1);
    EXPECT_TRUE(hdu.compressed_image);
    const auto axes = image_axes(file->structure, hdu);
    if (!axes.ok()) return axes.status();
    EXPECT_THAT(*axes, ::testing::ElementsAre(kNx, kNy));
    return read_image<T>(*file, hdu);
  }

  // Writes `how` with one card's value replaced and reads it.
  absl::Status with_card(const Compression& how, const std::string& key, const std::string& value) {
    std::string bytes = test::read_text(write(how, TSHORT, std::vector<std::int16_t>(kPixels, 3)));
    std::string padded = key;
    padded.resize(8, ' ');
    const std::size_t at = bytes.find(padded + "=");
    EXPECT_NE(at, std::string::npos) << key;
    std::string card = test::card(key, value);
    card.resize(80, ' ');
    bytes.replace(at, 80, card);
    return read<std::int32_t>(folder_.write("changed.fits", bytes)).status();
  }

  test::TemporaryFolder folder_;
};

std::vector<float> wavy() {
  std::vector<float> out;
  for (std::size_t i = 0; i < kPixels; ++i) {
    const double x = static_cast<double>(i);
    out.push_back(static_cast<float>(100 + 30 * std::sin(0.7 * x) + 9 * std::cos(3.1 * x)));
  }
  return out;
}

TEST_F(TiledImage, IntegersComeBackExactly) {
  const auto expect_same = [&](const Compression& how, int type, auto step) {
    std::vector<decltype(step)> values;
    for (std::size_t i = 0; i < kPixels; ++i) {
      values.push_back(static_cast<decltype(step)>(static_cast<int>(i % 7) * step));
    }
    const auto back = read<std::int32_t>(write(how, type, values));
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(*back, std::vector<std::int32_t>(values.begin(), values.end()))
        << how.algorithm << " bitpix " << how.bitpix << " tile " << how.tile_nx;
  };
  for (Compression how :
       {Compression{}, Compression{.tile_ny = kNy}, Compression{.tile_nx = 16, .tile_ny = 7}}) {
    for (const int algorithm : {RICE_1, GZIP_1, GZIP_2}) {
      how.algorithm = algorithm;
      how.bitpix = BYTE_IMG;
      expect_same(how, TBYTE, std::uint8_t{3});
      how.bitpix = SHORT_IMG;
      expect_same(how, TSHORT, std::int16_t{-200});
      how.bitpix = USHORT_IMG;
      expect_same(how, TUSHORT, std::uint16_t{9000});
      how.bitpix = LONG_IMG;
      expect_same(how, TINT, 2'000'000);
    }
  }
}

TEST_F(TiledImage, UnsignedWordsKeepTheirBits) {
  std::vector<std::uint32_t> values(kPixels, 5);
  values[9] = 0x80000001U;
  values[10] = 0xFFFFFFFFU;
  const std::string path = write({.bitpix = ULONG_IMG}, TUINT, values);
  const auto back = read<std::uint32_t>(path);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(*back, values);
  const auto as_signed = read<std::int32_t>(path);
  ASSERT_TRUE(as_signed.ok()) << as_signed.status();
  EXPECT_EQ((*as_signed)[10], -1);
}

TEST_F(TiledImage, RealNumbersComeBackWithinHalfAQuantumAndUndefinedOnesAsNan) {
  constexpr float kQuantum = 0.25F;
  std::vector<float> values = wavy();
  values[40] = kUndefined;
  for (const int algorithm : {RICE_1, GZIP_1, GZIP_2}) {
    for (const int dither : {NO_DITHER, SUBTRACTIVE_DITHER_1, SUBTRACTIVE_DITHER_2}) {
      for (const int bitpix : {FLOAT_IMG, DOUBLE_IMG}) {
        const Compression how{
            .algorithm = algorithm, .bitpix = bitpix, .quantum = kQuantum, .dither = dither};
        const auto back = read<float>(write(how, TFLOAT, values));
        ASSERT_TRUE(back.ok()) << back.status();
        for (std::size_t i = 0; i < kPixels; ++i) {
          if (i == 40) {
            EXPECT_TRUE(std::isnan((*back)[i]));
          } else {
            ASSERT_NEAR((*back)[i], values[i], 0.51F * kQuantum) << i;
          }
        }
      }
    }
  }
}

TEST_F(TiledImage, RealNumbersWithoutLossComeBackExactly) {
  for (const int algorithm : {GZIP_1, GZIP_2}) {
    for (const int bitpix : {FLOAT_IMG, DOUBLE_IMG}) {
      const auto back =
          read<float>(write({.algorithm = algorithm, .bitpix = bitpix}, TFLOAT, wavy()));
      ASSERT_TRUE(back.ok()) << back.status();
      EXPECT_EQ(*back, wavy()) << algorithm << " bitpix " << bitpix;
    }
  }
}

// CFITSIO stores a tile that it cannot quantise in a second column.
TEST_F(TiledImage, TilesThatWereNotQuantisedAreRead) {
  std::vector<float> values = wavy();
  values[3] = 1e30F;
  const auto back = read<float>(write({.bitpix = FLOAT_IMG, .quantum = 0.25F}, TFLOAT, values));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ((*back)[3], 1e30F);
  EXPECT_EQ((*back)[4], values[4]);
  EXPECT_NEAR((*back)[kNx + 1], values[kNx + 1], 0.13F);
}

TEST_F(TiledImage, AnIntegerIsNotMadeOfARealNumber) {
  const std::string path = write({.bitpix = FLOAT_IMG, .quantum = 0.25F}, TFLOAT, wavy());
  EXPECT_EQ(reason_of(read<std::int32_t>(path).status()), "BAD_STRUCTURE");
}

TEST_F(TiledImage, AlgorithmsWhoseDecodersTrustTheirInputAreRefused) {
  for (const int algorithm : {HCOMPRESS_1, PLIO_1}) {
    const std::string path = write({.algorithm = algorithm, .tile_ny = kNy}, TSHORT,
                                   std::vector<std::int16_t>(kPixels, 3));
    const absl::Status status = read<std::int32_t>(path).status();
    EXPECT_EQ(reason_of(status), "BAD_STRUCTURE");
    EXPECT_THAT(std::string(status.message()), HasSubstr("is not supported"));
  }
}

TEST_F(TiledImage, KeywordsThatDoNotFitTheDataAreRefused) {
  const Compression rice;
  EXPECT_EQ(reason_of(with_card(rice, "ZNAXIS2", "24")), "BAD_STRUCTURE");
  EXPECT_EQ(reason_of(with_card(rice, "ZTILE1", "25")), "BAD_STRUCTURE");
  EXPECT_EQ(reason_of(with_card(rice, "ZTILE1", "0")), "BAD_STRUCTURE");
  EXPECT_EQ(reason_of(with_card(rice, "ZBITPIX", "64")), "BAD_STRUCTURE");
  EXPECT_EQ(reason_of(with_card(rice, "ZBITPIX", "8")), "BAD_STRUCTURE");
  EXPECT_EQ(reason_of(with_card(rice, "ZVAL1", "0")), "BAD_STRUCTURE");
  EXPECT_EQ(reason_of(with_card(rice, "ZVAL2", "8")), "BAD_STRUCTURE");
  EXPECT_EQ(reason_of(with_card(rice, "TTYPE1", "'UNCOMPRESSED_DATA'")), "BAD_STRUCTURE");
  EXPECT_EQ(reason_of(with_card(rice, "ZNAXIS1", "2000000000")), "TOO_LARGE");
  EXPECT_EQ(reason_of(with_card({.algorithm = GZIP_1}, "ZBITPIX", "32")), "BAD_STRUCTURE");
}

// Each descriptor says where a tile's code is; none may point out of the heap, and a code that was
// cut is found before CFITSIO reads past it.
TEST_F(TiledImage, CutAndMisplacedTilesAreRefused) {
  std::vector<std::int16_t> values;
  for (std::size_t i = 0; i < kPixels; ++i)
    values.push_back(static_cast<std::int16_t>(i * i % 1000));
  for (const int algorithm : {RICE_1, GZIP_1, GZIP_2}) {
    const std::string path = write({.algorithm = algorithm}, TSHORT, values);
    const std::string good = test::read_text(path);
    const auto file = load_and_scan(path, "");
    const std::size_t at = file->structure.hdus.at(1).data_offset;
    std::byte* const size = reinterpret_cast<std::byte*>(const_cast<char*>(good.data())) + at;
    const auto whole = load_big<std::uint32_t>(size);
    for (const std::uint32_t wrong : {0U, 1U, 4U, whole / 2, whole - 1, 0x7FFFFFFFU, 0xFFFFFFFFU}) {
      std::string bad = good;
      store_big(reinterpret_cast<std::byte*>(bad.data()) + at, wrong);
      const absl::Status status = read<std::int32_t>(folder_.write("bad.fits", bad)).status();
      EXPECT_EQ(reason_of(status), "BAD_STRUCTURE") << algorithm << " size " << wrong;
      EXPECT_THAT(std::string(status.message()), HasSubstr("tile 0 is damaged"));
    }
    std::string bad = good;
    store_big(reinterpret_cast<std::byte*>(bad.data()) + at + 4, std::uint32_t{0xFFFFFFF0U});
    EXPECT_EQ(reason_of(read<std::int32_t>(folder_.write("bad.fits", bad)).status()),
              "BAD_STRUCTURE");
  }
}

TEST(RiceCode, EndsInsideOnlyWithItsLastBit) {
  // First value 0, then two blocks of 32 and 16: split 0 with 32 differences of one 1 bit each, and
  // a block without differences: 8 x 4 + 5 + 32 + 5 = 74 bits.
  const std::vector<std::uint8_t> text = {0, 0, 0, 0, 0x0F, 0xFF, 0xFF, 0xFF, 0xF8, 0x00};
  const auto code = std::as_bytes(std::span(text));
  EXPECT_TRUE(rice_code_ends_inside(code, 4, 32, 48));
  EXPECT_FALSE(rice_code_ends_inside(code.first(9), 4, 32, 48));
  EXPECT_FALSE(rice_code_ends_inside(code, 4, 32, 200));
  const std::vector<std::byte> zeros(64);
  EXPECT_TRUE(rice_code_ends_inside(zeros, 4, 32, 32 * 90));
  std::vector<std::byte> endless(64);
  endless[4] = std::byte{0x08};  // split 0, then zeros with no 1 to end them
  EXPECT_FALSE(rice_code_ends_inside(endless, 4, 32, 32));
  EXPECT_FALSE(rice_code_ends_inside({}, 2, 32, 1));
}

}  // namespace
}  // namespace unfold::fits
