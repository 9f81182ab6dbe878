// A child process publishes real files and is killed between two steps; what is left must be either
// the old state or the complete product, and recovery or a second attempt must end the job.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

#include "common/base/sha256.h"
#include "common/publish/publication.h"
#include "tests/support/scratch_folder.h"

namespace unfold {
namespace {

using test::read_text;
using test::write_text;

constexpr std::int64_t kDeadFence = 5;
constexpr std::int64_t kNextFence = 6;
const std::string kFrame = "frame.fits";
const std::string kModel = "model.fits";
const std::string kFrameText(100'000, 'f');
const std::string kModelText(50'000, 'm');

/// Kills its own process before the n-th system call of a publication; n counts from 0.
class KillingCalls final : public FileCalls {
 public:
  KillingCalls(int kill_before, bool no_replace) : left_(kill_before), no_replace_(no_replace) {}
  int rename_no_replace(int folder, const char* from, const char* to) override {
    if (!no_replace_) {
      errno = EINVAL;
      return -1;
    }
    count();
    return FileCalls::rename_no_replace(folder, from, to);
  }
  int rename(int folder, const char* from, const char* to) override {
    count();
    return FileCalls::rename(folder, from, to);
  }
  int link(int folder, const char* from, const char* to) override {
    count();
    return FileCalls::link(folder, from, to);
  }
  int unlink(int folder, const char* name) override {
    count();
    return FileCalls::unlink(folder, name);
  }
  int open(int folder, const char* name, int flags, unsigned mode) override {
    count();
    return FileCalls::open(folder, name, flags, mode);
  }
  int fsync(int fd) override {
    count();
    return FileCalls::fsync(fd);
  }

 private:
  void count() {
    if (left_-- == 0) ::kill(::getpid(), SIGKILL);
  }
  int left_;
  bool no_replace_;
};

class Folder {
 public:
  Folder() : fd_(::open(scratch_.path().c_str(), O_RDONLY | O_DIRECTORY)) {}
  ~Folder() { ::close(fd_); }
  std::filesystem::path operator/(const std::string& name) const { return scratch_ / name; }

  std::vector<Publication::Output> outputs(const std::shared_ptr<FileCalls>& calls) const {
    const auto files = make_posix_publish_files(fd_, {}, calls);
    return {{files, kFrame, "out:" + kFrame}, {files, kModel, "out:" + kModel}};
  }
  bool exists(const std::string& name) const { return std::filesystem::exists(scratch_ / name); }
  bool has_parts_of(std::int64_t fence) const {
    return exists(part_name(kFrame, fence)) || exists(part_name(kModel, fence));
  }
  void write_parts(std::int64_t fence) const {
    write_text(scratch_ / part_name(kFrame, fence), kFrameText);
    write_text(scratch_ / part_name(kModel, fence), kModelText);
  }

 private:
  test::ScratchFolder scratch_;
  int fd_;
};

/// The intent as the scheduler's store would hold it: in a file, durable before the grant.
absl::Status put_on_record(const std::filesystem::path& record,
                           const std::vector<Publication::Published>& published) {
  write_text(record, published[0].content.sha256 + published[1].content.sha256);
  return absl::OkStatus();
}

RecordedPublication recorded(const std::filesystem::path& record) {
  const std::string digests = read_text(record);
  const auto content = [&](const std::string& text, std::size_t at) {
    return PublishFiles::Content{static_cast<std::int64_t>(text.size()), digests.substr(at, 64)};
  };
  return {kDeadFence,
          {{"out:" + kFrame, content(kFrameText, 0)}, {"out:" + kModel, content(kModelText, 64)}}};
}

absl::Status publish(const Folder& folder, const std::filesystem::path& record, std::int64_t fence,
                     bool overwrite, const std::shared_ptr<FileCalls>& calls) {
  folder.write_parts(fence);
  Publication publication(
      folder.outputs(calls), fence, overwrite,
      {.verify = [](const auto&, const auto&) { return absl::OkStatus(); },
       .intent = [&](const auto& published) { return put_on_record(record, published); },
       .lease_alive = [] { return true; }});
  return publication.run();
}

/// True when the child was killed; false when it published before its turn to die came.
bool publish_in_doomed_child(const Folder& folder, const std::filesystem::path& record,
                             bool overwrite, int kill_before, bool no_replace) {
  const pid_t child = ::fork();
  if (child == 0) {
    const auto calls = std::make_shared<KillingCalls>(kill_before, no_replace);
    ::_exit(publish(folder, record, kDeadFence, overwrite, calls).ok() ? 0 : 1);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
  return WIFSIGNALED(status);
}

void expect_old_or_complete(const Folder& folder, bool overwrite) {
  for (const auto& [name, text] : {std::pair(kFrame, kFrameText), std::pair(kModel, kModelText)}) {
    if (!folder.exists(name)) {
      EXPECT_FALSE(overwrite) << "an old product vanished";
      continue;
    }
    const std::string found = read_text(folder / name);
    EXPECT_TRUE(found == text || (overwrite && found == "old")) << name;
  }
}

void next_attempt_ends_the_job(const Folder& folder, const std::filesystem::path& record,
                               bool overwrite) {
  const auto calls = std::make_shared<FileCalls>();
  const auto outputs = folder.outputs(calls);
  bool recovered = false;
  if (std::filesystem::exists(record)) {
    const auto finished = recover_publication(outputs, recorded(record), overwrite);
    ASSERT_TRUE(finished.ok());
    recovered = *finished;
  }
  for (const auto& output : outputs) {
    ASSERT_TRUE(sweep_parts(*output.files, output.final_name, {kDeadFence}).ok());
  }
  if (!recovered) {
    ASSERT_TRUE(publish(folder, record, kNextFence, overwrite, calls).ok());
  }
  EXPECT_EQ(read_text(folder / kFrame), kFrameText);
  EXPECT_EQ(read_text(folder / kModel), kModelText);
  EXPECT_FALSE(folder.has_parts_of(kDeadFence));
  EXPECT_FALSE(folder.has_parts_of(kNextFence));
}

struct Case {
  bool overwrite;
  bool no_replace;
};
class PublicationKilled : public ::testing::TestWithParam<Case> {};

TEST_P(PublicationKilled, AtAnySystemCallLeavesOldOrCompleteAndTheNextAttemptEnds) {
  int deaths = 0;
  for (bool died = true; died; ++deaths) {
    SCOPED_TRACE(deaths);
    const Folder folder;
    const test::ScratchFolder store;
    if (GetParam().overwrite) {
      write_text(folder / kFrame, "old");
      write_text(folder / kModel, "old");
    }
    died = publish_in_doomed_child(folder, store / "intent", GetParam().overwrite, deaths,
                                   GetParam().no_replace);
    expect_old_or_complete(folder, GetParam().overwrite);
    next_attempt_ends_the_job(folder, store / "intent", GetParam().overwrite);
    ASSERT_LT(deaths, 100);
  }
  EXPECT_GE(deaths, 10) << "the publication has fewer steps than it should";
}

INSTANTIATE_TEST_SUITE_P(Ways, PublicationKilled,
                         ::testing::Values(Case{false, true}, Case{false, false}, Case{true, true}),
                         [](const auto& way) {
                           if (way.param.overwrite) return "Overwriting";
                           return way.param.no_replace ? "RenameNoReplace" : "LinkAndUnlink";
                         });

}  // namespace
}  // namespace unfold
