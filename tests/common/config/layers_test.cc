#include "common/config/layers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "common/base/error.h"
#include "common/config/nearest.h"

namespace unfold::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Layers : public testing::Test {
 protected:
  Layers() {
    app_.add_option("--lease", lease_);
    app_.add_option("--workers", workers_);
    app_.add_option("--root", roots_);
    app_.add_flag("--insecure", insecure_);
  }
  ~Layers() override {
    std::filesystem::remove(path_);
    unsetenv("UNFOLD_LAYERS__LEASE");
  }

  void write(const std::string& text) { std::ofstream(path_) << text; }
  absl::Status run(std::vector<std::string> arguments) {
    std::reverse(arguments.begin(), arguments.end());
    app_.parse(arguments);
    return fill_from_layers(app_, "UNFOLD_LAYERS__", path_);
  }

  const std::string path_ = testing::TempDir() + "layers-" + std::to_string(getpid()) + ".toml";
  CLI::App app_;
  std::string lease_ = "15s";
  int workers_ = 1;
  std::vector<std::string> roots_;
  bool insecure_ = false;
};

TEST_F(Layers, AFlagBeatsTheEnvironmentWhichBeatsTheFile) {
  write("lease = '1s'\nworkers = 3\n");
  setenv("UNFOLD_LAYERS__LEASE", "2s", 1);
  ASSERT_TRUE(run({}).ok());
  EXPECT_EQ(lease_, "2s");
  EXPECT_EQ(workers_, 3);
  ASSERT_TRUE(run({"--lease", "3s"}).ok());
  EXPECT_EQ(lease_, "3s");
}

TEST_F(Layers, ListsAndFlagsComeFromTheFile) {
  write("root = ['raw=/raw', 'out=/out']\ninsecure = true\n");
  ASSERT_TRUE(run({}).ok());
  EXPECT_THAT(roots_, ElementsAre("raw=/raw", "out=/out"));
  EXPECT_TRUE(insecure_);
}

TEST_F(Layers, AnUnknownKeyIsAnErrorThatNamesTheNearestOneAndTheLine) {
  write("workers = 2\nlaese = '1s'\n");
  const absl::Status status = run({});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(field_of(status), "laese");
  EXPECT_THAT(std::string(status.message()), HasSubstr("did you mean \"lease\"?"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("line 2"));
}

TEST_F(Layers, AValueTheOptionRefusesNamesWhereItCameFrom) {
  write("workers = 'many'\n");
  const absl::Status status = run({});
  EXPECT_EQ(field_of(status), "workers");
  EXPECT_THAT(std::string(status.message()), HasSubstr(path_));
}

TEST_F(Layers, BrokenOrAbsentFilesAreErrors) {
  write("lease = \n");
  EXPECT_THAT(std::string(run({}).message()), HasSubstr("line 1"));
  std::filesystem::remove(path_);
  EXPECT_FALSE(run({}).ok());
}

TEST_F(Layers, TablesAreRefused) {
  write("[lease]\nseconds = 3\n");
  EXPECT_EQ(field_of(run({})), "lease");
}

TEST(Nearest, FindsTyposAndLeavesStrangersAlone) {
  const std::vector<std::string> names = {"heartbeat", "lease", "adoption"};
  EXPECT_EQ(nearest("heartbaet", names), "heartbeat");
  EXPECT_EQ(nearest("leas", names), "lease");
  EXPECT_EQ(nearest("colour", names), "");
}

}  // namespace
}  // namespace unfold::config
