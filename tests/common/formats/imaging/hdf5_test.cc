#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "common/base/error.h"
#include "common/formats/hdf5/file.h"
#include "common/formats/hdf5/writer.h"
#include "tests/common/formats/peer.h"
#include "tests/support/scratch_folder.h"

namespace unfold::hdf5 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Optional;
using testing::VariantWith;

class Hdf5Test : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  Writer writer(const std::string& name) const { return *Writer::create(path(name)); }
  File open(const std::string& name) const { return *File::open(path(name), "data:" + name); }
  const test::ScratchFolder folder_;
};

std::vector<double> counting(std::size_t count) {
  std::vector<double> out(count);
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<double>(i);
  return out;
}

TEST_F(Hdf5Test, NumbersComeBackHoweverTheyArePacked) {
  Writer made = writer("a.h5");
  const std::vector<double> values = counting(60);
  const std::vector<std::uint16_t> small = {1, 2, 65535};
  ASSERT_TRUE(made.dataset("plain", {5, 12}, std::span(values)).ok());
  ASSERT_TRUE(made.dataset("in/packed", {5, 12}, std::span(values), {{2, 5}, 6}).ok());
  ASSERT_TRUE(made.dataset("in/deep/small", {3}, std::span(small)).ok());
  ASSERT_TRUE(made.dataset("scalar", {}, std::span(values).first(1)).ok());
  ASSERT_TRUE(made.finish().ok());
  const File file = open("a.h5");
  for (const char* name : {"plain", "in/packed", "/in/packed"}) {
    const Dataset dataset = *file.dataset(name);
    EXPECT_THAT(dataset.info().shape, ElementsAre(5, 12));
    EXPECT_EQ(*dataset.read_all<double>(60), values);
    std::vector<float> part(6);
    ASSERT_TRUE(dataset.read(Slab{{1, 3}, {2, 3}}, std::span(part)).ok());
    EXPECT_THAT(part, ElementsAre(15, 16, 17, 27, 28, 29));
  }
  EXPECT_EQ(file.dataset("in/packed")->info().filters.size(), 2u);
  const DatasetInfo info = file.dataset("in/deep/small")->info();
  EXPECT_EQ(info.kind, Kind::kInteger);
  EXPECT_EQ(info.element_bytes, 2);
  EXPECT_FALSE(info.is_signed);
  EXPECT_THAT(*file.dataset("in/deep/small")->read_all<std::int64_t>(3), ElementsAre(1, 2, 65535));
  EXPECT_THAT(*file.dataset("scalar")->read_all<double>(1), ElementsAre(0));
}

TEST_F(Hdf5Test, AttributesComeBackAsTheyWere) {
  Writer made = writer("a.h5");
  ASSERT_TRUE(made.group("in").ok());
  const std::vector<NamedAttribute> attributes = {
      {"text", std::string("cm2 \xc2\xb5")},
      {"whole", std::int64_t{-5}},
      {"real", 2.5},
      {"words", std::vector<std::string>{"a", "", "bc"}},
      {"wholes", std::vector<std::int64_t>{1, 2}},
      {"reals", std::vector<double>{}},
  };
  for (const NamedAttribute& one : attributes) {
    ASSERT_TRUE(made.attribute("in", one.name, one.value).ok());
  }
  ASSERT_TRUE(made.finish().ok());
  const File file = open("a.h5");
  for (const NamedAttribute& one : attributes) {
    const auto got = file.attribute("in", one.name);
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_THAT(*got, Optional(one.value)) << one.name;
  }
  EXPECT_EQ(file.attributes("in")->size(), attributes.size());
  EXPECT_EQ(*file.attribute("in", "none"), std::nullopt);
  EXPECT_EQ(reason_of(file.attribute("out", "text").status()), "MISSING_OBJECT");
}

TEST_F(Hdf5Test, ObjectsAreFoundAndListed) {
  Writer made = writer("a.h5");
  const std::vector<double> values = counting(2);
  ASSERT_TRUE(made.dataset("in/b", {2}, std::span(values)).ok());
  ASSERT_TRUE(made.group("in/a").ok());
  ASSERT_TRUE(made.strings("in/names", {"x", "long name"}).ok());
  ASSERT_TRUE(made.finish().ok());
  const File file = open("a.h5");
  EXPECT_EQ(*file.kind_of("/"), ObjectKind::kGroup);
  EXPECT_EQ(*file.kind_of("in"), ObjectKind::kGroup);
  EXPECT_EQ(*file.kind_of("in/b"), ObjectKind::kDataset);
  EXPECT_EQ(*file.kind_of("in/b/c"), ObjectKind::kNone);
  EXPECT_EQ(*file.kind_of("none/b"), ObjectKind::kNone);
  const auto children = *file.children("in");
  ASSERT_EQ(children.size(), 3u);
  EXPECT_EQ(children[0].name, "a");
  EXPECT_EQ(children[0].kind, ObjectKind::kGroup);
  EXPECT_EQ(children[1].name, "b");
  EXPECT_THAT(*file.dataset("in/names")->strings(2), ElementsAre("x", "long name"));
  EXPECT_EQ(reason_of(file.dataset("in/names")->strings(1).status()), "TOO_LARGE");
  EXPECT_EQ(reason_of(file.dataset("in").status()), "WRONG_TYPE");
  EXPECT_EQ(reason_of(file.children("in/b").status()), "WRONG_TYPE");
  EXPECT_TRUE(absl::IsNotFound(file.dataset("in/none").status()));
}

TEST_F(Hdf5Test, ErrorsNameFileAndObject) {
  Writer made = writer("a.h5");
  const std::vector<double> values = counting(2);
  ASSERT_TRUE(made.dataset("in/b", {2}, std::span(values)).ok());
  ASSERT_TRUE(made.finish().ok());
  const File file = open("a.h5");
  const absl::Status status = file.dataset("in/b")->read_all<double>(1).status();
  EXPECT_EQ(reason_of(status), "TOO_LARGE");
  EXPECT_THAT(std::string(status.message()), HasSubstr("\"data:a.h5\" (in/b: its shape is [2])"));
}

TEST_F(Hdf5Test, BoxesOutsideADatasetAreRefused) {
  Writer made = writer("a.h5");
  const std::vector<double> values = counting(12);
  ASSERT_TRUE(made.dataset("x", {3, 4}, std::span(values)).ok());
  ASSERT_TRUE(made.finish().ok());
  const Dataset dataset = *open("a.h5").dataset("x");
  std::vector<double> out(4);
  for (const Slab& slab : {Slab{{3, 0}, {1, 4}}, Slab{{0, 0}, {1, 5}}, Slab{{-1, 0}, {1, 4}},
                           Slab{{0, 0}, {2, 4}}, Slab{{0}, {4}}}) {
    EXPECT_EQ(reason_of(dataset.read(slab, std::span(out))), "WRONG_SHAPE");
  }
}

TEST_F(Hdf5Test, WhatIsNoHdf5IsRefused) {
  test::write_text(path("text.h5"), std::string(1000, 'x'));
  test::write_text(path("empty.h5"), "");
  test::write_text(path("short.h5"), "\x89HDF\r\n\x1a\n");
  EXPECT_EQ(reason_of(File::open(path("text.h5"), "t").status()), "NOT_HDF5");
  EXPECT_EQ(reason_of(File::open(path("empty.h5"), "t").status()), "NOT_HDF5");
  EXPECT_EQ(reason_of(File::open(path("short.h5"), "t").status()), "TRUNCATED");
  EXPECT_EQ(reason_of(File::open(path("none.h5"), "t").status()), "INPUT_NOT_FOUND");
  EXPECT_EQ(reason_of(File::open(folder_.path().string(), "t").status()), "NOT_A_FILE");
  EXPECT_FALSE(*is_hdf5(path("text.h5"), "t"));
}

TEST_F(Hdf5Test, BoxesOfChunksAreBoxesOfTheWhole) {
  Writer made = writer("a.h5");
  const std::vector<double> values = counting(7 * 11 * 5);
  ASSERT_TRUE(made.dataset("x", {7, 11, 5}, std::span(values), {{3, 4, 2}, 4}).ok());
  ASSERT_TRUE(made.finish().ok());
  const Dataset dataset = *open("a.h5").dataset("x");
  for (std::int64_t i = 0; i < 7; ++i) {
    for (std::int64_t j = 0; j < 11; ++j) {
      const Slab slab{{i, j, 1}, {7 - i, 11 - j, 3}};
      std::vector<double> box(static_cast<std::size_t>((7 - i) * (11 - j) * 3));
      ASSERT_TRUE(dataset.read(slab, std::span(box)).ok());
      std::size_t at = 0;
      for (std::int64_t a = i; a < 7; ++a) {
        for (std::int64_t b = j; b < 11; ++b) {
          for (std::int64_t c = 1; c < 4; ++c) {
            ASSERT_EQ(box[at++], static_cast<double>((a * 11 + b) * 5 + c));
          }
        }
      }
    }
  }
}

TEST_F(Hdf5Test, ADamagedChunkIsToldSo) {
  Writer made = writer("a.h5");
  const std::vector<double> values = counting(4000);
  ASSERT_TRUE(made.dataset("x", {4000}, std::span(values), {{1000}, 4}).ok());
  ASSERT_TRUE(made.finish().ok());
  std::string bytes = test::read_text(path("a.h5"));
  const std::vector<std::byte> chunk = open("a.h5").dataset("x")->chunk({2000})->bytes;
  const std::string stored(reinterpret_cast<const char*>(chunk.data()), chunk.size());
  const std::size_t at = bytes.find(stored);
  ASSERT_NE(at, std::string::npos);
  bytes[at + stored.size() / 2] ^= 0x55;
  test::write_text(path("b.h5"), bytes);
  const Dataset dataset = *open("b.h5").dataset("x");
  EXPECT_EQ(reason_of(dataset.read_all<double>(4000).status()), "BAD_STRUCTURE");
  std::vector<double> whole(1000);
  EXPECT_TRUE(dataset.read(Slab{{0}, {1000}}, std::span(whole)).ok());
  EXPECT_EQ(whole[999], 999);
}

TEST_F(Hdf5Test, ThreadsMayShareAFile) {
  Writer made = writer("a.h5");
  const std::vector<double> values = counting(1000);
  ASSERT_TRUE(made.dataset("x", {1000}, std::span(values), {{100}, 1}).ok());
  ASSERT_TRUE(made.finish().ok());
  const File file = open("a.h5");
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 50; ++k) {
        const auto dataset = file.dataset("x");
        if (dataset.ok() && dataset->read_all<double>(1000).value() == values) ++right;
        if (!file.dataset("none").ok()) ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 400);
}

/// Files may grow no larger, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
  }
  ~FileSizeLimit() {
    std::signal(SIGXFSZ, handler_);
    setrlimit(RLIMIT_FSIZE, &before_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

TEST_F(Hdf5Test, AFullDiskIsToldSo) {
  const FileSizeLimit limit(64 << 10);
  Writer made = writer("full.h5");
  const std::vector<double> values = counting(100000);
  ASSERT_TRUE(made.dataset("x", {100000}, std::span(values)).ok());
  const absl::Status status = made.finish();
  EXPECT_EQ(reason_of(status), "DISK_FULL") << status;
}

TEST_F(Hdf5Test, WhatCannotBeWrittenIsToldSo) {
  EXPECT_EQ(reason_of(Writer::create(path("no/such/folder.h5")).status()), "WRITE_FAILED");
  Writer made = writer("a.h5");
  const std::vector<double> values = counting(10);
  EXPECT_EQ(reason_of(made.dataset("x", {9}, std::span(values))), "WRONG_SHAPE");
  EXPECT_EQ(reason_of(made.attribute("none", "a", 1.0)), "WRITE_FAILED");
}

class HostileTest : public Hdf5Test {
 protected:
  void SetUp() override {
    const int code = test::run_peer("formats/imaging/imaging_peer.py",
                                    "hostile '" + folder_.path().string() + "'");
    if (code == test::kPeerAbsent) GTEST_SKIP() << "h5py absent";
    ASSERT_EQ(code, 0);
  }
};

TEST_F(HostileTest, NothingOutsideTheFileIsReached) {
  EXPECT_EQ(reason_of(open("external_link.h5").dataset("x").status()), "UNSAFE_LINK");
  EXPECT_EQ(reason_of(open("virtual.h5").dataset("x").status()), "UNSAFE_LINK");
  EXPECT_EQ(reason_of(open("external_storage.h5").dataset("x").status()), "UNSAFE_LINK");
  const File soft = open("soft_links.h5");
  EXPECT_EQ(soft.dataset("x")->read_all<double>(4)->size(), 4u);
  EXPECT_EQ(soft.dataset("in/again/again/x")->read_all<double>(4)->size(), 4u);
  EXPECT_EQ(reason_of(soft.dataset("dangling").status()), "MISSING_OBJECT");
  EXPECT_EQ(reason_of(soft.dataset("circle").status()), "UNSAFE_LINK");
  EXPECT_EQ(reason_of(soft.dataset("outside").status()), "UNSAFE_LINK");
  EXPECT_EQ(reason_of(soft.children("/").status()), "UNSAFE_LINK");
  const absl::Status status = open("external_link.h5").dataset("x").status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("\"data:external_link.h5\" (x: "));
}

TEST_F(HostileTest, OtherFiltersAreNamedAndTheirChunksCanBeHad) {
  const Dataset packed = *open("lzf.h5").dataset("x");
  const absl::Status status = packed.read_all<double>(1000).status();
  EXPECT_EQ(reason_of(status), "UNSUPPORTED_FILTER");
  EXPECT_THAT(std::string(status.message()), HasSubstr("filter 32000 lzf"));
  const auto chunk = packed.chunk({300});
  ASSERT_TRUE(chunk.ok()) << chunk.status();
  EXPECT_GT(chunk->bytes.size(), 0u);
  EXPECT_LT(chunk->bytes.size(), 800u);
  EXPECT_EQ(chunk->filter_mask, 0u);
  EXPECT_EQ(reason_of(packed.chunk({50}).status()), "WRONG_SHAPE");
  EXPECT_EQ(reason_of(packed.chunk({1000}).status()), "WRONG_SHAPE");
}

TEST_F(HostileTest, WildSizesAreRefusedBeforeAnythingIsAllocated) {
  EXPECT_EQ(reason_of(open("huge.h5").dataset("x").status()), "TOO_LARGE");
  EXPECT_EQ(reason_of(open("huge.h5").dataset("chunks").status()), "TOO_LARGE");
}

TEST_F(HostileTest, TypesAreWhatTheyAre) {
  const File file = open("types.h5");
  for (const char* name : {"half", "big"}) {
    EXPECT_THAT(*file.dataset(name)->read_all<double>(4), ElementsAre(0, 1, 2, 3)) << name;
  }
  for (const char* name : {"long", "complex", "text"}) {
    EXPECT_EQ(reason_of(file.dataset(name)->read_all<double>(4).status()), "WRONG_TYPE") << name;
  }
  EXPECT_THAT(*file.dataset("text")->strings(2), ElementsAre("a", "bcd"));
  EXPECT_THAT(*file.dataset("fixed")->strings(2), ElementsAre("ab", "c"));
  EXPECT_EQ(reason_of(file.dataset("empty").status()), "WRONG_SHAPE");
  EXPECT_THAT(*file.dataset("scalar")->read_all<double>(1), ElementsAre(7.5));
  EXPECT_TRUE(file.dataset("none")->read_all<double>(0)->empty());
  EXPECT_THAT(*file.attribute("/", "flag"), Optional(VariantWith<std::int64_t>(1)));
  EXPECT_THAT(*file.attribute("/", "fixed"), Optional(VariantWith<std::string>("abc")));
  EXPECT_THAT(*file.attribute("/", "words"),
              Optional(VariantWith<std::vector<std::string>>(ElementsAre("x", "yz"))));
  EXPECT_EQ(reason_of(file.attribute("/", "complex").status()), "WRONG_TYPE");
  EXPECT_EQ(reason_of(file.attribute("/", "table").status()), "WRONG_TYPE");
  EXPECT_EQ(file.attributes("/")->size(), 4u);
}

TEST_F(HostileTest, FilesThatWereCutOrAreLaidOutOtherwiseAreToldSo) {
  EXPECT_EQ(reason_of(File::open(path("cut.h5"), "c").status()), "TRUNCATED");
  EXPECT_EQ(reason_of(File::open(path("user_block.h5"), "u").status()), "NOT_HDF5");
  EXPECT_EQ(reason_of(File::open(path("paged.h5"), "p").status()), "BAD_STRUCTURE");
  EXPECT_EQ(open("latest.h5").dataset("in/x")->read_all<double>(1000)->at(999), 999);
}

TEST_F(HostileTest, ChunksOfEveryKindComeOut) {
  const File file = open("chunks.h5");
  for (const char* name : {"sum", "odd", "all", "flat", "noise", "big"}) {
    const auto values = file.dataset(name)->read_all<double>(2000);
    ASSERT_TRUE(values.ok()) << values.status();
    ASSERT_EQ(values->size(), 1001u);
    if (std::string(name) == "noise") continue;
    for (std::size_t i = 0; i < values->size(); ++i) ASSERT_EQ((*values)[i], i % 251) << name;
  }
  EXPECT_EQ(*file.dataset("noise")->read_all<double>(2000),
            *file.dataset("noise_plain")->read_all<double>(2000));
  EXPECT_THAT(*file.dataset("unwritten")->read_all<float>(100), testing::Each(2.5F));
}

}  // namespace
}  // namespace unfold::hdf5
