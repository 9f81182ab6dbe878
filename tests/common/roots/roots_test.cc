#include "common/roots/roots.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "common/base/error.h"
#include "common/roots/beneath.h"

namespace unfold {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;

// root/ (a.fits, in -> sub/b.fits, out -> outside/secret.fits, absolute -> the same, up -> ..,
// pipe), root/sub/b.fits, outside/secret.fits
class RootsTest : public ::testing::Test {
 protected:
  RootsTest() {
    char name[] = "/tmp/unfold-roots-XXXXXX";
    base_ = fs::canonical(mkdtemp(name));
    fs::create_directories(base_ / "root" / "sub");
    fs::create_directories(base_ / "outside");
    write("root/a.fits", "a");
    write("root/sub/b.fits", "b");
    write("outside/secret.fits", "secret");
    fs::create_symlink("sub/b.fits", base_ / "root" / "in");
    fs::create_symlink("../outside/secret.fits", base_ / "root" / "out");
    fs::create_symlink(base_ / "outside" / "secret.fits", base_ / "root" / "absolute");
    fs::create_symlink("..", base_ / "root" / "up");
    mkfifo((base_ / "root" / "pipe").c_str(), 0600);
    roots_ = make({"data=" + (base_ / "root").string()});
  }
  ~RootsTest() override { fs::remove_all(base_); }

  void write(const std::string& relative, const std::string& text) const {
    std::ofstream(base_ / relative) << text;
  }
  static Roots make(const std::vector<std::string>& specifications) {
    absl::StatusOr<Roots> roots = Roots::make(specifications);
    EXPECT_TRUE(roots.ok()) << roots.status();
    return *std::move(roots);
  }
  std::string reason_of_opening(const std::string& rooted) const {
    return reason_of(roots_.open_file(rooted).status());
  }
  static std::string text_of(const FileHandle& file) {
    std::string text(100, '\0');
    text.resize(static_cast<std::size_t>(read(file.fd(), text.data(), text.size())));
    return text;
  }

  fs::path base_;
  Roots roots_;
};

TEST_F(RootsTest, OpensAFileBelowTheRoot) {
  const auto file = roots_.open_file("data:sub/b.fits");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(text_of(*file), "b");
}

TEST_F(RootsTest, ProcPathOpensTheSameFile) {
  const auto file = roots_.open_file("data:a.fits");
  ASSERT_TRUE(file.ok());
  std::string text;
  std::ifstream(file->proc_path()) >> text;
  EXPECT_EQ(text, "a");
}

TEST_F(RootsTest, FollowsASymbolicLinkThatStaysInside) {
  const auto file = roots_.open_file("data:in");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(text_of(*file), "b");
}

TEST_F(RootsTest, RefusesEveryWayOut) {
  for (const char* path :
       {"data:../outside/secret.fits", "data:sub/../../outside/secret.fits", "data:out",
        "data:absolute", "data:up/outside/secret.fits", "data:/etc/passwd", "data:.."}) {
    EXPECT_EQ(reason_of_opening(path), "OUTSIDE_ROOTS") << path;
  }
}

TEST_F(RootsTest, RefusesAMagicLink) {
  const Roots proc = make({"proc=/proc/self"});
  EXPECT_EQ(reason_of(proc.open_file("proc:root/etc/passwd").status()), "OUTSIDE_ROOTS");
}

TEST_F(RootsTest, SaysWhatIsMissing) {
  const absl::Status status = roots_.open_file("data:none.fits").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(reason_of(status), "INPUT_NOT_FOUND");
  EXPECT_EQ(
      status.message(),
      "cannot open \"data:none.fits\" (no such file) [check the path as the service sees it]");
}

TEST_F(RootsTest, OpensRegularFilesOnly) {
  EXPECT_EQ(reason_of_opening("data:sub"), "NOT_A_FILE");
  EXPECT_EQ(reason_of_opening("data:pipe"), "NOT_A_FILE");  // and does not wait for a writer
  EXPECT_EQ(reason_of_opening("data:a.fits/x"), "INPUT_NOT_FOUND");
}

TEST_F(RootsTest, TakesNamesLiterally) {
  for (const char* name : {"data:a.fits[1]", "data:a.fits(copy.fits)", "data:mem://a.fits",
                           "data:a.fits+1", "data:*.fits", "data:a.fits[b2,2]"}) {
    EXPECT_EQ(reason_of_opening(name), "INPUT_NOT_FOUND") << name;
  }
  write("root/a.fits[1]", "literal");
  const auto file = roots_.open_file("data:a.fits[1]");
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(text_of(*file), "literal");
  EXPECT_FALSE(fs::exists(base_ / "root" / "copy.fits"));
}

TEST_F(RootsTest, RefusesWhatIsNoPath) {
  EXPECT_EQ(reason_of_opening(""), "BAD_PATH");
  EXPECT_EQ(reason_of_opening("a.fits"), "BAD_PATH");
  EXPECT_EQ(reason_of_opening("data:"), "BAD_PATH");
  EXPECT_EQ(reason_of_opening(std::string("data:a\0b", 8)), "BAD_PATH");
  EXPECT_EQ(reason_of_opening("other:a.fits"), "NO_SUCH_ROOT");
  EXPECT_EQ(reason_of_opening("data:" + std::string(5000, 'x')), "BAD_PATH");
}

TEST_F(RootsTest, TheLongestRootHoldsAPath) {
  const Roots roots = make({"all=" + base_.string(), "data=" + (base_ / "root").string(),
                            "sub=" + (base_ / "root" / "sub").string()});
  EXPECT_EQ(*roots.to_rooted((base_ / "root" / "sub" / "b.fits").string()), "sub:b.fits");
  EXPECT_EQ(*roots.to_rooted((base_ / "root" / "a.fits").string()), "data:a.fits");
  EXPECT_EQ(*roots.to_rooted((base_ / "outside" / "x").string()), "all:outside/x");
  EXPECT_EQ(*roots.to_rooted((base_ / "root" / "sub").string()), "sub:.");
  EXPECT_EQ(*roots.to_rooted("data:./sub//../a.fits"), "data:a.fits");
  EXPECT_EQ(reason_of(roots.to_rooted("/etc/passwd").status()), "OUTSIDE_ROOTS");
  EXPECT_EQ(reason_of(roots.to_rooted(base_.string() + "-no/x").status()), "OUTSIDE_ROOTS");
  EXPECT_EQ(reason_of(roots.to_rooted("a.fits").status()), "BAD_PATH");
}

TEST_F(RootsTest, APathThatReachesTheRootThroughALinkIsHeldByIt) {
  fs::create_directory_symlink(base_ / "root", base_ / "alias");
  EXPECT_EQ(*roots_.to_rooted((base_ / "alias" / "a.fits").string()), "data:a.fits");
  const Roots linked = make({"data=" + (base_ / "alias").string()});
  EXPECT_EQ(*linked.to_rooted((base_ / "alias" / "a.fits").string()), "data:a.fits");
  EXPECT_EQ(*linked.to_rooted((base_ / "root" / "a.fits").string()), "data:a.fits");
}

TEST_F(RootsTest, AnOutputsFolderIsOpenedAndMadeOnlyOnRequest) {
  const auto here = roots_.open_output("data:sub/frame.fits", false);
  ASSERT_TRUE(here.ok()) << here.status();
  EXPECT_EQ(here->name, "frame.fits");
  EXPECT_EQ(fs::read_symlink(here->folder.proc_path()), base_ / "root" / "sub");

  const absl::Status missing = roots_.open_output("data:new/deep/frame.fits", false).status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(reason_of(missing), "OUTPUT_FOLDER_MISSING");
  EXPECT_FALSE(fs::exists(base_ / "root" / "new"));

  ASSERT_TRUE(roots_.open_output("data:new/deep/frame.fits", true).ok());
  EXPECT_TRUE(fs::is_directory(base_ / "root" / "new" / "deep"));
}

TEST_F(RootsTest, FoldersAreNotMadeThroughALinkThatLeaves) {
  EXPECT_EQ(reason_of(roots_.open_output("data:up/made/frame.fits", true).status()),
            "OUTSIDE_ROOTS");
  EXPECT_FALSE(fs::exists(base_ / "made"));
  EXPECT_EQ(reason_of(roots_.open_output("data:a.fits/frame.fits", true).status()), "BAD_PATH");
}

TEST_F(RootsTest, AReadOnlyRootTakesNoOutput) {
  const Roots roots = make({"data=" + (base_ / "root").string() + ":ro"});
  const absl::Status status = roots.open_output("data:frame.fits", true).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(reason_of(status), "READ_ONLY_ROOT");
  EXPECT_TRUE(roots.open_file("data:a.fits").ok());
}

TEST_F(RootsTest, ListsAFolderSorted) {
  EXPECT_THAT(*roots_.list_folder("data:sub"), ElementsAre("b.fits"));
  EXPECT_THAT(*roots_.list_folder("data:"),
              ElementsAre("a.fits", "absolute", "in", "out", "pipe", "sub", "up"));
  EXPECT_EQ(reason_of(roots_.list_folder("data:up").status()), "OUTSIDE_ROOTS");
}

TEST_F(RootsTest, SpecificationsAreChecked) {
  const std::string folder = (base_ / "root").string();
  for (const std::string& bad :
       {folder, "=" + folder, "a b=" + folder, "data=" + folder + "/none", std::string("data=")}) {
    const absl::Status status = Roots::make({bad}).status();
    EXPECT_EQ(reason_of(status), "BAD_ROOT") << bad;
    EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr(bad));
  }
  EXPECT_EQ(reason_of(Roots::make({"a=" + folder, "a=" + folder}).status()), "BAD_ROOT");
  EXPECT_EQ(make({"a=" + folder + ":ro"}).table().at("a"), folder);
}

TEST_F(RootsTest, WithoutOpenat2EveryLinkIsRefusedAndPlainPathsWork) {
  const int root = open((base_ / "root").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const auto attempt = [&](const std::string& relative) {
    const int fd = open_beneath_by_steps(root, relative, O_RDONLY | O_CLOEXEC);
    const int failure = fd < 0 ? errno : 0;
    if (fd >= 0) close(fd);
    return failure;
  };
  EXPECT_EQ(attempt("sub/b.fits"), 0);
  EXPECT_EQ(attempt("sub//./b.fits"), 0);
  EXPECT_EQ(attempt("none/b.fits"), ENOENT);
  for (const char* path :
       {"in", "out", "absolute", "up/root/a.fits", "../outside", "/etc/passwd", "sub/../a.fits"}) {
    EXPECT_EQ(attempt(path), EXDEV) << path;
  }
  close(root);
}

}  // namespace
}  // namespace unfold
