#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "common/formats/imaging/source.h"
#include "tests/common/formats/imaging/loose_problem.h"
#include "tests/support/scratch_folder.h"

namespace unfold::imaging_data {

class SourceTest : public testing::Test {
 protected:
  std::string file(const std::string& name) const { return (folder_ / name).string(); }
  NamedFile named(const std::string& name) const { return {file(name), "data:" + name}; }

  NamedFile write(const test::LooseProblem& problem, const std::string& name = "day.h5") const {
    const absl::Status status = problem.write(file(name));
    EXPECT_TRUE(status.ok()) << status;
    return named(name);
  }
  absl::StatusOr<std::unique_ptr<Source>> open(const test::LooseProblem& problem) const {
    // A file of its own: HDF5 does not write one that is open.
    const NamedFile data = write(problem, "day" + std::to_string(++files_) + ".h5");
    return open_source({.data = {data.path, "data:day.h5"}}, {});
  }

  const test::ScratchFolder folder_;
  mutable int files_ = 0;
};

}  // namespace unfold::imaging_data
