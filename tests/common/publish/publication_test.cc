#include "common/publish/publication.h"

#include <gmock/gmock.h>

#include "common/base/error.h"
#include "tests/common/publish/memory_files.h"

namespace unfold {
namespace {

using test::MemoryFiles;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr std::int64_t kFence = 7;

struct Fixture {
  std::shared_ptr<MemoryFiles> folder = std::make_shared<MemoryFiles>();
  bool lease = true;
  absl::Status intent_answer;
  absl::Status verify_answer;
  std::vector<Publication::Published> on_record;

  std::vector<Publication::Output> outputs(const std::vector<std::string>& names) const {
    std::vector<Publication::Output> out;
    for (const std::string& name : names) out.push_back({folder, name, "out:" + name});
    return out;
  }

  Publication publication(const std::vector<std::string>& names, bool overwrite = false,
                          std::int64_t fence = kFence) {
    for (const std::string& name : names) {
      folder->files[part_name(name, fence)] = "product " + name;
    }
    return Publication(outputs(names), fence, overwrite,
                       {.verify = [this](const auto&, const auto&) { return verify_answer; },
                        .intent =
                            [this](const auto& published) {
                              if (intent_answer.ok()) on_record = published;
                              return intent_answer;
                            },
                        .lease_alive = [this] { return lease; }});
  }
};

TEST(Publication, GoesThroughEveryStepInOrder) {
  Fixture f;
  Publication publication = f.publication({"frame.fits"});
  ASSERT_TRUE(publication.run().ok());
  EXPECT_THAT(f.folder->calls,
              ElementsAre("sync_file .frame.fits.7.part", "content .frame.fits.7.part",
                          "rename frame.fits", "sync_folder"));
  EXPECT_THAT(f.folder->files, ElementsAre(Pair("frame.fits", "product frame.fits")));
  ASSERT_EQ(f.on_record.size(), 1u);
  EXPECT_EQ(f.on_record[0].rooted_path, "out:frame.fits");
  EXPECT_EQ(f.on_record[0].content, MemoryFiles::content_of("product frame.fits"));
}

TEST(Publication, RenamesTheFirstOutputLast) {
  Fixture f;
  Publication publication = f.publication({"frame.fits", "model.fits"});
  while (publication.next() != Publication::Step::kRename) ASSERT_TRUE(publication.step().ok());
  ASSERT_TRUE(publication.step().ok());
  EXPECT_TRUE(f.folder->files.contains("model.fits"));
  EXPECT_FALSE(f.folder->files.contains("frame.fits"));
  ASSERT_TRUE(publication.run().ok());
  EXPECT_TRUE(f.folder->files.contains("frame.fits"));
}

TEST(Publication, AFaultyProductIsNeverOfferedForPublication) {
  Fixture f;
  f.verify_answer = absl::DataLossError("DATASUM");
  Publication publication = f.publication({"frame.fits"});
  EXPECT_TRUE(absl::IsDataLoss(publication.run()));
  publication.discard();
  EXPECT_TRUE(f.on_record.empty());
  EXPECT_TRUE(f.folder->files.empty());
}

TEST(Publication, AFencedAssignmentPublishesNothing) {
  Fixture f;
  f.intent_answer = absl::AbortedError("fenced");
  Publication publication = f.publication({"frame.fits"});
  EXPECT_TRUE(absl::IsAborted(publication.run()));
  publication.discard();
  EXPECT_TRUE(f.folder->files.empty());
}

TEST(Publication, NothingIsRenamedAfterTheLeaseEnded) {
  Fixture f;
  Publication publication = f.publication({"frame.fits"});
  while (publication.next() != Publication::Step::kRename) ASSERT_TRUE(publication.step().ok());
  f.lease = false;
  const absl::Status status = publication.step();
  EXPECT_TRUE(absl::IsAborted(status));
  EXPECT_EQ(reason_of(status), "LEASE_ENDED");
  EXPECT_FALSE(f.folder->files.contains("frame.fits"));
}

TEST(Publication, AZombiesRenameAfterTheSweepIsRefused) {
  Fixture f;
  Publication zombie = f.publication({"frame.fits"});
  while (zombie.next() != Publication::Step::kRename) ASSERT_TRUE(zombie.step().ok());

  ASSERT_TRUE(sweep_parts(*f.folder, "frame.fits", {kFence}).ok());
  Publication next = f.publication({"frame.fits"}, false, kFence + 1);
  f.folder->files[part_name("frame.fits", kFence + 1)] = "by the new one";
  ASSERT_TRUE(next.run().ok());

  const absl::Status late = zombie.step();  // its own clock still says that the lease lives
  EXPECT_TRUE(absl::IsAborted(late));
  EXPECT_EQ(reason_of(late), "FENCED");
  EXPECT_EQ(f.folder->files["frame.fits"], "by the new one");
}

TEST(Publication, AnExistingOutputIsKeptUnlessOverwriting) {
  Fixture f;
  f.folder->files["frame.fits"] = "old";
  Publication careful = f.publication({"frame.fits"});
  EXPECT_TRUE(absl::IsAlreadyExists(careful.run()));
  careful.discard();
  EXPECT_THAT(f.folder->files, ElementsAre(Pair("frame.fits", "old")));

  Publication replacing = f.publication({"frame.fits"}, true);
  ASSERT_TRUE(replacing.run().ok());
  EXPECT_THAT(f.folder->files, ElementsAre(Pair("frame.fits", "product frame.fits")));
}

TEST(Publication, DiscardTakesBackSecondaryOutputsBeforeTheCommitPoint) {
  Fixture f;
  f.folder->files["frame.fits"] = "somebody else's";
  Publication publication = f.publication({"frame.fits", "model.fits"});
  EXPECT_TRUE(absl::IsAlreadyExists(publication.run()));
  publication.discard();
  EXPECT_THAT(f.folder->files, ElementsAre(Pair("frame.fits", "somebody else's")));
}

TEST(Publication, DiscardAfterTheLeaseTouchesNoFinalName) {
  Fixture f;
  Publication publication = f.publication({"frame.fits", "model.fits"});
  while (publication.next() != Publication::Step::kRename) ASSERT_TRUE(publication.step().ok());
  ASSERT_TRUE(publication.step().ok());
  f.lease = false;
  EXPECT_FALSE(publication.step().ok());
  publication.discard();
  EXPECT_THAT(f.folder->files, ElementsAre(Pair("model.fits", "product model.fits")));
}

TEST(Publication, ACommittedProductSurvivesDiscard) {
  Fixture f;
  f.folder->failures["sync_folder"] = absl::UnavailableError("EIO");
  Publication publication = f.publication({"frame.fits", "model.fits"});
  EXPECT_FALSE(publication.run().ok());
  publication.discard();
  EXPECT_THAT(f.folder->files, UnorderedElementsAre(Pair("frame.fits", "product frame.fits"),
                                                    Pair("model.fits", "product model.fits")));
}

TEST(Publication, EveryFailingOperationLeavesNoFinalFile) {
  for (const std::string operation : {"sync_file", "content", "rename"}) {
    SCOPED_TRACE(operation);
    Fixture f;
    f.folder->failures[operation] = absl::ResourceExhaustedError("no space left");
    Publication publication = f.publication({"frame.fits", "model.fits"});
    EXPECT_TRUE(absl::IsResourceExhausted(publication.run()));
    publication.discard();
    EXPECT_TRUE(f.folder->files.empty());
  }
}

TEST(Sweep, TakesOnlyTheNamedFencesOfTheNamedOutput) {
  MemoryFiles folder;
  for (const std::string name : {".frame.fits.3.part", ".frame.fits.4.part", ".frame.fits.13.part",
                                 ".other.fits.3.part", "frame.fits"}) {
    folder.files[name] = "x";
  }
  ASSERT_TRUE(sweep_parts(folder, "frame.fits", {3, 5}).ok());
  EXPECT_THAT(folder.files,
              ElementsAre(Pair(".frame.fits.13.part", "x"), Pair(".frame.fits.4.part", "x"),
                          Pair(".other.fits.3.part", "x"), Pair("frame.fits", "x")));
}

class Recovery : public ::testing::Test {
 protected:
  Fixture f;
  Publication dead = f.publication({"frame.fits", "model.fits"});

  void die_after(int steps) {
    for (int i = 0; i < steps; ++i) ASSERT_TRUE(dead.step().ok());
  }
  RecordedPublication recorded() const { return {kFence, f.on_record}; }
  absl::StatusOr<bool> recover() {
    return recover_publication(f.outputs({"frame.fits", "model.fits"}), recorded(), false);
  }
};

TEST_F(Recovery, FinishesWhatHadAnIntentOnRecord) {
  for (const int steps : {3, 4, 5, 6}) {
    f = Fixture();
    dead = f.publication({"frame.fits", "model.fits"});
    die_after(steps);
    const auto done = recover();
    ASSERT_TRUE(done.ok());
    EXPECT_TRUE(*done) << steps;
    EXPECT_THAT(f.folder->files, ElementsAre(Pair("frame.fits", "product frame.fits"),
                                             Pair("model.fits", "product model.fits")));
  }
}

TEST_F(Recovery, TakesBackSecondaryOutputsWhenTheMainOneIsLost) {
  die_after(4);  // the model has its name
  f.folder->files.erase(part_name("frame.fits", kFence));
  const auto done = recover();
  ASSERT_TRUE(done.ok());
  EXPECT_FALSE(*done);
  EXPECT_TRUE(f.folder->files.empty());
}

TEST_F(Recovery, NeverPublishesAPartThatDiffersFromItsRecord) {
  die_after(3);
  f.folder->files[part_name("frame.fits", kFence)] = "torn";
  const auto done = recover();
  ASSERT_TRUE(done.ok());
  EXPECT_FALSE(*done);
  EXPECT_FALSE(f.folder->files.contains("frame.fits"));
}

TEST_F(Recovery, LeavesAForeignFileAlone) {
  die_after(3);
  f.folder->files["frame.fits"] = "somebody else's";
  const auto done = recover();
  ASSERT_TRUE(done.ok());
  EXPECT_FALSE(*done);
  EXPECT_EQ(f.folder->files["frame.fits"], "somebody else's");
  EXPECT_FALSE(f.folder->files.contains("model.fits"));
}

TEST_F(Recovery, ReportsAFolderThatCannotBeRead) {
  die_after(3);
  f.folder->failures["content"] = absl::UnavailableError("EIO");
  EXPECT_TRUE(absl::IsUnavailable(recover().status()));
}

}  // namespace
}  // namespace unfold
