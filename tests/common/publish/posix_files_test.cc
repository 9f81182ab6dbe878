#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

#include "common/base/error.h"
#include "common/base/sha256.h"
#include "common/publish/publication.h"
#include "tests/support/scratch_folder.h"

namespace unfold {
namespace {

using test::read_text;
using test::write_text;
using ::testing::UnorderedElementsAre;

/// Fails the named call with an error number, `times` times.
class FaultyCalls final : public FileCalls {
 public:
  std::string failing;
  int number = 0;
  int times = 1 << 20;

  int rename_no_replace(int folder, const char* from, const char* to) override {
    return fails("rename_no_replace") ? -1 : FileCalls::rename_no_replace(folder, from, to);
  }
  int rename(int folder, const char* from, const char* to) override {
    return fails("rename") ? -1 : FileCalls::rename(folder, from, to);
  }
  int link(int folder, const char* from, const char* to) override {
    return fails("link") ? -1 : FileCalls::link(folder, from, to);
  }
  int unlink(int folder, const char* name) override {
    return fails("unlink") ? -1 : FileCalls::unlink(folder, name);
  }
  int open(int folder, const char* name, int flags, unsigned mode) override {
    return fails("open") ? -1 : FileCalls::open(folder, name, flags, mode);
  }
  int fsync(int fd) override { return fails("fsync") ? -1 : FileCalls::fsync(fd); }

 private:
  bool fails(const std::string& call) {
    if (call != failing || times == 0) return false;
    --times;
    errno = number;
    return true;
  }
};

class PosixFiles : public ::testing::Test {
 protected:
  ~PosixFiles() override { ::close(fd_); }

  void fail(const std::string& call, int number, int times = 1 << 20) {
    calls_->failing = call;
    calls_->number = number;
    calls_->times = times;
  }

  test::ScratchFolder folder_;
  int fd_ = ::open(folder_.path().c_str(), O_RDONLY | O_DIRECTORY);
  std::shared_ptr<FaultyCalls> calls_ = std::make_shared<FaultyCalls>();
  std::shared_ptr<PublishFiles> files_ = make_posix_publish_files(fd_, {}, calls_);
};

TEST_F(PosixFiles, ContentIsSizeAndDigest) {
  write_text(folder_ / "a", "hello");
  const auto content = files_->content("a");
  ASSERT_TRUE(content.ok());
  EXPECT_EQ(content->size_bytes, 5);
  EXPECT_EQ(content->sha256, *sha256_of_file(folder_ / "a"));
  EXPECT_TRUE(absl::IsNotFound(files_->content("absent").status()));
}

TEST_F(PosixFiles, RenameRefusesAnExistingName) {
  write_text(folder_ / "a", "new");
  write_text(folder_ / "b", "old");
  const absl::Status status = files_->rename("a", "b", false);
  EXPECT_TRUE(absl::IsAlreadyExists(status));
  EXPECT_EQ(reason_of(status), "OUTPUT_EXISTS");
  EXPECT_EQ(read_text(folder_ / "b"), "old");
  ASSERT_TRUE(files_->rename("a", "b", true).ok());
  EXPECT_EQ(read_text(folder_ / "b"), "new");
}

TEST_F(PosixFiles, WithoutNoReplaceItLinksAndUnlinks) {
  for (const int number : {EINVAL, ENOSYS}) {
    fail("rename_no_replace", number);
    write_text(folder_ / "a", "new");
    ASSERT_TRUE(files_->rename("a", "b", false).ok());
    EXPECT_EQ(read_text(folder_ / "b"), "new");
    EXPECT_FALSE(std::filesystem::exists(folder_ / "a"));

    write_text(folder_ / "a", "newer");
    EXPECT_TRUE(absl::IsAlreadyExists(files_->rename("a", "b", false)));
    EXPECT_EQ(read_text(folder_ / "b"), "new");
    std::filesystem::remove(folder_ / "b");
  }
}

TEST_F(PosixFiles, ALinkWhoseFirstAnswerWasLostCounts) {
  fail("rename_no_replace", EINVAL);
  write_text(folder_ / "a", "new");
  ASSERT_EQ(::link((folder_ / "a").c_str(), (folder_ / "b").c_str()), 0);
  ASSERT_TRUE(files_->rename("a", "b", false).ok());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a"));
}

TEST_F(PosixFiles, AGoneSourceIsNotFoundByEitherWay) {
  EXPECT_TRUE(absl::IsNotFound(files_->rename("gone", "b", false)));
  EXPECT_TRUE(absl::IsNotFound(files_->rename("gone", "b", true)));
  fail("rename_no_replace", EINVAL);
  EXPECT_TRUE(absl::IsNotFound(files_->rename("gone", "b", false)));
}

TEST_F(PosixFiles, AStaleHandleIsTriedAgain) {
  write_text(folder_ / "a", "x");
  for (const std::string call : {"open", "fsync"}) {
    fail(call, ESTALE, 2);
    EXPECT_TRUE(files_->sync_file("a").ok()) << call;
  }
  fail("rename_no_replace", ESTALE, 2);
  EXPECT_TRUE(files_->rename("a", "b", false).ok());
  fail("rename", ESTALE, 2);
  EXPECT_TRUE(files_->rename("b", "c", true).ok());
  fail("unlink", ESTALE, 2);
  EXPECT_TRUE(files_->remove("c").ok());
  fail("fsync", ESTALE);
  EXPECT_EQ(reason_of(files_->sync_folder()), "OUTPUT_IO");
}

TEST_F(PosixFiles, AFullDiskSaysSo) {
  write_text(folder_ / "a", "x");
  for (const int number : {ENOSPC, EDQUOT}) {
    fail("fsync", number);
    const absl::Status status = files_->sync_file("a");
    EXPECT_TRUE(absl::IsResourceExhausted(status));
    EXPECT_EQ(reason_of(status), "DISK_FULL");
  }
}

TEST_F(PosixFiles, AnotherFileSystemIsNamed) {
  write_text(folder_ / "a", "x");
  fail("rename_no_replace", EXDEV);
  EXPECT_EQ(reason_of(files_->rename("a", "b", false)), "CROSS_DEVICE");
  fail("rename", EXDEV);
  EXPECT_EQ(reason_of(files_->rename("a", "b", true)), "CROSS_DEVICE");
  EXPECT_TRUE(std::filesystem::exists(folder_ / "a"));
}

TEST_F(PosixFiles, TheModeIsTheConfiguredOneWhateverTheUmask) {
  const mode_t before = ::umask(077);
  const auto files = make_posix_publish_files(fd_, {.mode = 0664, .group = ::getgid()});
  write_text(folder_ / "a", "x");
  EXPECT_TRUE(files->sync_file("a").ok());
  ::umask(before);
  struct stat made {};
  ASSERT_EQ(::stat((folder_ / "a").c_str(), &made), 0);
  EXPECT_EQ(made.st_mode & 07777, 0664u);
  EXPECT_EQ(made.st_gid, ::getgid());
}

TEST_F(PosixFiles, ASymbolicLinkIsNeverFollowed) {
  write_text(folder_ / "target", "x");
  ASSERT_EQ(::symlink("target", (folder_ / "a").c_str()), 0);
  EXPECT_FALSE(files_->sync_file("a").ok());
  EXPECT_FALSE(files_->content("a").ok());
}

TEST_F(PosixFiles, RemovingTwiceIsFine) {
  write_text(folder_ / "a", "x");
  EXPECT_TRUE(files_->remove("a").ok());
  EXPECT_TRUE(files_->remove("a").ok());
}

TEST_F(PosixFiles, ListsWhatIsThere) {
  write_text(folder_ / "a", "x");
  write_text(folder_ / ".b.1.part", "x");
  const auto names = files_->list();
  ASSERT_TRUE(names.ok());
  EXPECT_THAT(*names, UnorderedElementsAre("a", ".b.1.part"));
}

TEST_F(PosixFiles, APlaceIsCheckedBeforeWorkAndLeftAsItWas) {
  EXPECT_TRUE(check_publication_place(fd_, "frame.fits", 1, false).ok());
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
  write_text(folder_ / "frame.fits", "old");
  EXPECT_EQ(reason_of(check_publication_place(fd_, "frame.fits", 1, false)), "OUTPUT_EXISTS");
  EXPECT_TRUE(check_publication_place(fd_, "frame.fits", 1, true).ok());
}

TEST_F(PosixFiles, AProductMountedFromElsewhereIsRefusedBeforeWork) {
  write_text(folder_ / "frame.fits", "old");
  const test::ScratchFolder other;
  if (::mount("tmpfs", other.path().c_str(), "tmpfs", 0, nullptr) != 0) {
    GTEST_SKIP() << "needs the right to mount";
  }
  write_text(other / "elsewhere", "x");
  ASSERT_EQ(::mount((other / "elsewhere").c_str(), (folder_ / "frame.fits").c_str(), nullptr,
                    MS_BIND, nullptr),
            0);
  EXPECT_EQ(reason_of(check_publication_place(fd_, "frame.fits", 1, true)), "CROSS_DEVICE");
  EXPECT_EQ(::umount((folder_ / "frame.fits").c_str()), 0);
  EXPECT_EQ(::umount(other.path().c_str()), 0);
}

}  // namespace
}  // namespace unfold
