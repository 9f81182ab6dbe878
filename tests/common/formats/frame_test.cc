#include "common/formats/fits/frame.h"

#include <fcntl.h>
#include <fitsio.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>

#include "common/base/error.h"
#include "common/formats/fits/frame_products.h"
#include "tests/common/formats/fits_files.h"
#include "tests/common/formats/peer.h"

namespace unfold::fits {
namespace {

using ::testing::HasSubstr;

// fits_peer.py knows these numbers.
Frame small_frame() {
  Frame out;
  out.nspec = 5;
  out.nwave = 101;
  out.ndiag = 3;
  for (int j = 0; j < out.nwave; ++j) out.wavelength.push_back(5760 + 0.8 * j);
  for (int s = 0; s < out.nspec; ++s) {
    for (int j = 0; j < out.nwave; ++j) {
      out.flux.push_back(static_cast<float>(s + j / 1024.0));
      out.ivar.push_back(static_cast<float>(1.0 / (1 + s)));
      out.mask.push_back(j == 7 ? (1U << 31) + 3 : static_cast<std::uint32_t>(s));
      out.chi2pix.push_back(1);
    }
  }
  for (int i = 0; i < 5 * 7 * 101; ++i) out.resolution.push_back(static_cast<float>(i));
  const Preproc image = test::small_preproc();
  FrameCards cards;
  cards.nspec = 5;
  cards.wave_min = 5760;
  cards.wave_max = 5840;
  cards.wave_step = 0.8;
  cards.in_psf = "calib:";
  for (int i = 0; i < 30; ++i) cards.in_psf += "long/";
  cards.in_psf += "psf.fits";
  cards.in_image = "data:preproc.fits";
  cards.heliocentric_factor = 1.0000934;
  cards.image_sha256 = std::string(64, 'a');
  cards.parameters = {{"nsubbundles", "5"}};
  out.header = frame_header(image.header, cards);
  out.fibermap = image.fibermap;
  out.scores = compute_scores(out, "r0");
  return out;
}

class FrameFile : public ::testing::Test {
 protected:
  std::string written(const Frame& frame, bool compress = false) {
    const std::string path = folder_.file(compress ? "frame.fits.gz" : "frame.fits");
    const absl::Status status = write_frame(path, frame, compress);
    EXPECT_TRUE(status.ok()) << status;
    return path;
  }
  test::TemporaryFolder folder_;
};

TEST_F(FrameFile, AnotherReaderFindsEveryHduTypeUnitAndChecksum) {
  for (const bool compress : {false, true}) {
    const int code =
        test::run_peer("formats/fits_peer.py", "frame " + written(small_frame(), compress));
    if (code == test::kPeerAbsent) GTEST_SKIP() << "python3-astropy absent";
    EXPECT_EQ(code, 0) << (compress ? "compressed" : "plain");
  }
}

TEST_F(FrameFile, CfitsioFindsEveryChecksumRightThroughADescriptor) {
  for (const bool compress : {false, true}) {
    const int descriptor = open(written(small_frame(), compress).c_str(), O_RDONLY | O_CLOEXEC);
    fitsfile* file = nullptr;
    int status = 0;
    fits_open_diskfile(&file, ("/proc/self/fd/" + std::to_string(descriptor)).c_str(), READONLY,
                       &status);
    ASSERT_EQ(status, 0);
    int hdus = 0;
    fits_get_num_hdus(file, &hdus, &status);
    EXPECT_EQ(hdus, 8);
    for (int hdu = 1; hdu <= hdus; ++hdu) {
      int data = 0;
      int whole = 0;
      fits_movabs_hdu(file, hdu, nullptr, &status);
      fits_verify_chksum(file, &data, &whole, &status);
      EXPECT_EQ(data, 1) << hdu;
      EXPECT_EQ(whole, 1) << hdu;
    }
    fits_close_file(file, &status);
    EXPECT_EQ(status, 0);
    close(descriptor);
  }
}

TEST_F(FrameFile, WhatIsWrittenIsReadBack) {
  for (const bool compress : {false, true}) {
    const Frame frame = small_frame();
    const std::string path = written(frame, compress);
    EXPECT_TRUE(verify_frame(path).ok()) << verify_frame(path);
    const auto back = read_frame(path);
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(back->nspec, 5);
    EXPECT_EQ(back->ndiag, 3);
    EXPECT_EQ(back->flux, frame.flux);
    EXPECT_EQ(back->ivar, frame.ivar);
    EXPECT_EQ(back->mask, frame.mask);
    EXPECT_EQ(back->wavelength, frame.wavelength);
    EXPECT_EQ(back->resolution, frame.resolution);
    EXPECT_EQ(back->chi2pix, frame.chi2pix);
    EXPECT_EQ(back->fibermap->rows, 5);
    EXPECT_EQ(back->scores->columns.size(), 3u);
  }
}

TEST_F(FrameFile, IsWrittenThroughAFoldersDescriptor) {
  const int folder = open(folder_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (const bool compress : {false, true}) {
    const std::string name = compress ? ".frame.fits.gz.7.part" : ".frame.fits.7.part";
    const std::string path = "/proc/self/fd/" + std::to_string(folder) + "/" + name;
    EXPECT_TRUE(write_frame(path, small_frame(), compress).ok());
    EXPECT_TRUE(verify_frame(path).ok());
    EXPECT_TRUE(std::filesystem::exists(folder_.file(name)));
  }
  close(folder);
}

TEST_F(FrameFile, TheSameFrameGivesTheSameBytes) {
  const std::string first = test::read_text(written(small_frame()));
  EXPECT_EQ(first, test::read_text(written(small_frame())));
}

TEST_F(FrameFile, VerifyFindsOneFlippedBitAnywhere) {
  const std::string good = test::read_text(written(small_frame()));
  for (std::size_t at = 13; at < good.size(); at += 1009) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 4);
    EXPECT_EQ(verify_frame(folder_.write("bad.fits", bad)).code(), absl::StatusCode::kDataLoss)
        << at;
  }
}

TEST_F(FrameFile, VerifyRefusesNanAndShapesThatDisagree) {
  Frame frame = small_frame();
  frame.resolution[17] = std::nanf("");
  absl::Status status = verify_frame(written(frame));
  EXPECT_EQ(reason_of(status), "BAD_PRODUCT");
  EXPECT_THAT(std::string(status.message()), HasSubstr("RESOLUTION"));
  frame = small_frame();
  frame.fibermap = *frame.fibermap->slice(0, 4);
  EXPECT_EQ(reason_of(verify_frame(written(frame))), "BAD_PRODUCT");
  frame = small_frame();
  frame.flux.pop_back();
  EXPECT_EQ(reason_of(write_frame(folder_.file("x.fits"), frame, false)), "WRONG_SHAPE");
}

TEST_F(FrameFile, AFullDiskIsNamed) {
  EXPECT_EQ(reason_of(write_frame("/dev/full", small_frame(), false)), "DISK_FULL");
  EXPECT_EQ(reason_of(write_frame(folder_.file("no/frame.fits"), small_frame(), false)),
            "WRITE_FAILED");
}

TEST_F(FrameFile, AModelImageIsVerifiedToo) {
  const std::string path = folder_.file("model.fits");
  std::vector<float> model(12, 2.0F);
  ASSERT_TRUE(write_model(path, model, 3, 4, {}, false).ok());
  EXPECT_TRUE(verify_model(path).ok());
  model[3] = HUGE_VALF;
  ASSERT_TRUE(write_model(path, model, 3, 4, {}, false).ok());
  EXPECT_EQ(reason_of(verify_model(path)), "BAD_PRODUCT");
}

}  // namespace
}  // namespace unfold::fits
