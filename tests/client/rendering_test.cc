#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "client/cli/job_views.h"
#include "client/cli/progress.h"
#include "client/cli/proto_json.h"
#include "client/cli/table.h"
#include "client/cli/text_width.h"
#include "client/cli/words.h"

namespace unfold::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

v1::Job running_job() {
  v1::Job job;
  job.set_id("j-0123456789abcdef");
  job.set_state(v1::JOB_STATE_RUNNING);
  job.set_engine("extraction");
  job.mutable_spec()->mutable_extraction()->set_camera("r0");
  job.mutable_submitted_at()->set_seconds(100);
  job.mutable_progress()->set_fraction(0.54);
  job.mutable_progress()->set_done(2540);
  job.mutable_progress()->set_total(4700);
  job.mutable_progress()->set_unit("patches");
  job.mutable_progress()->set_chi2_per_dof(1.0234);
  return job;
}

google::protobuf::Timestamp at(std::int64_t seconds) {
  google::protobuf::Timestamp time;
  time.set_seconds(seconds);
  return time;
}

TEST(TextWidth, CountsColumnsNotBytes) {
  EXPECT_EQ(display_width("abc"), 3);
  EXPECT_EQ(display_width("\u00c5ngstr\u00f6m"), 8);
  EXPECT_EQ(display_width("e\u0301"), 1);
  EXPECT_EQ(display_width("\u5929\u6587"), 4);
  EXPECT_EQ(display_width("\xff\xfe"), 2);
}

TEST(TextWidth, NeverCutsInsideACharacter) {
  EXPECT_EQ(fit_to_width("\u5929\u6587\u53f0", 4), "\u5929~");
  EXPECT_EQ(fit_to_width("abc", 3), "abc");
  EXPECT_EQ(fit_to_width("abcd", 3), "ab~");
  EXPECT_EQ(fit_to_width("abc", 0), "");
}

TEST(TextWidth, ControlCharactersAreNotPassedToTheTerminal) {
  EXPECT_EQ(printable("a\x1b[2Jb\n"), "a?[2Jb?");
  EXPECT_EQ(printable("\u00e9"), "\u00e9");
}

TEST(Tables, AlignColumnsAndCutTheOnesThatShrink) {
  Table table;
  table.columns = {{"id"}, {"n", Column::Align::kRight}, {"note", Column::Align::kLeft, true}};
  table.rows = {{"a", "1", "short"}, {"bbb", "22", "a rather long note indeed"}};
  EXPECT_EQ(render_table(table, 0),
            "ID    N  NOTE\n"
            "a     1  short\n"
            "bbb  22  a rather long note indeed\n");
  EXPECT_EQ(render_table(table, 20),
            "ID    N  NOTE\n"
            "a     1  short\n"
            "bbb  22  a rather l~\n");
}

TEST(Tables, CsvQuotesWhatNeedsIt) {
  Table table;
  table.columns = {{"id"}, {"note"}};
  table.rows = {{"a", "x, \"y\"\nz"}, {"b", Cell("3 min", "180")}};
  EXPECT_EQ(render_csv(table), "id,note\na,\"x, \"\"y\"\"\nz\"\nb,180\n");
}

TEST(ProtoJson, StatesHaveNoPrefixAndNamesAreCamelCase) {
  v1::Job job = running_job();
  job.add_attempts()->set_error_class(v1::ERROR_CLASS_WORKER_LOST);
  job.mutable_spec()->mutable_extraction()->set_mode(v1::EXTRACTION_MODE_STRIPS);
  const nlohmann::ordered_json json = to_json(job);
  EXPECT_EQ(json["state"], "RUNNING");
  EXPECT_EQ(json["attempts"][0]["errorClass"], "WORKER_LOST");
  EXPECT_EQ(json["spec"]["extraction"]["mode"], "STRIPS");
  EXPECT_EQ(json["submittedAt"], "1970-01-01T00:01:40Z");
  EXPECT_EQ(json["progress"]["total"], "4700");
  EXPECT_EQ(json["message"], "");
}

TEST(ProgressBar, FitsEveryWidth) {
  for (int columns = 1; columns <= 200; ++columns) {
    EXPECT_LE(display_width(progress_bar(running_job(), "r0", columns, true, at(105))), columns);
  }
}

TEST(ProgressBar, ShowsCountsAndScience) {
  const std::string bar = progress_bar(running_job(), "r0", 100, true, at(165));
  EXPECT_THAT(bar, HasSubstr("r0  RUNNING"));
  EXPECT_THAT(bar, HasSubstr("54 %"));
  EXPECT_THAT(bar, HasSubstr("2540/4700 patches"));
  EXPECT_THAT(bar, HasSubstr("chi2/dof 1.023"));
  EXPECT_THAT(bar, HasSubstr("1:05"));
  EXPECT_THAT(bar, HasSubstr("\u2588"));
}

TEST(ProgressBar, IsAsciiWhereTheTerminalIs) {
  for (const char c : progress_bar(running_job(), "r0", 100, false, at(105))) {
    EXPECT_GE(c, ' ');
    EXPECT_LT(c, 127);
  }
}

TEST(ProgressBar, AFractionThatIsNoNumberIsZero) {
  v1::Job job = running_job();
  job.mutable_progress()->set_fraction(std::numeric_limits<double>::quiet_NaN());
  EXPECT_THAT(progress_bar(job, "r0", 100, false, at(105)), HasSubstr("  0 %"));
}

TEST(ProgressView, WritesALineAChangeWhereThereIsNoTerminal) {
  std::ostringstream out;
  ProgressView view(out, Terminal{});
  v1::Job job = running_job();
  view.update(job, at(101));
  job.mutable_progress()->set_fraction(0.55);  // the same tenth
  view.update(job, at(102));
  job.mutable_progress()->set_fraction(0.61);
  view.update(job, at(103));
  job.set_state(v1::JOB_STATE_SUCCEEDED);
  view.update(job, at(104));
  EXPECT_EQ(out.str(),
            "r0: RUNNING 54 %  2540/4700 patches  chi2/dof 1.023\n"
            "r0: RUNNING 61 %  2540/4700 patches  chi2/dof 1.023\n"
            "r0: SUCCEEDED  chi2/dof 1.023\n");
}

TEST(ProgressView, RedrawsInPlaceOnATerminalAndNeverMoreThanItsRows) {
  std::ostringstream out;
  const Terminal terminal{.is_terminal = true, .utf8 = true, .columns = 60, .rows = 5};
  ProgressView view(out, terminal);
  for (int i = 0; i < 10; ++i) {
    v1::Job job = running_job();
    job.set_id("job-" + std::to_string(i));
    view.update(job, at(101));
  }
  EXPECT_THAT(out.str(), HasSubstr("\x1b[3A\x1b[J"));
  EXPECT_THAT(out.str(), Not(HasSubstr("\x1b[4A")));
}

TEST(JobViews, ACancelledJobThatStillRunsIsCancelling) {
  v1::Job job = running_job();
  job.set_cancelling(true);
  EXPECT_EQ(state_word(job), "CANCELLING");
  job.set_state(v1::JOB_STATE_CANCELLED);
  EXPECT_EQ(state_word(job), "CANCELLED");
}

TEST(JobViews, TheSheetLeavesOutWhatIsEmpty) {
  const std::string sheet = job_sheet(running_job(), at(160));
  EXPECT_THAT(sheet, HasSubstr("state:      RUNNING\n"));
  EXPECT_THAT(sheet, HasSubstr("took:       1 min\n"));
  EXPECT_THAT(sheet, Not(HasSubstr("message:")));
}

TEST(JobViews, TheEndingSaysHowAndHowLong) {
  v1::Job job = running_job();
  job.set_state(v1::JOB_STATE_FAILED);
  *job.mutable_finished_at() = at(105);
  job.set_message("no such row");
  EXPECT_EQ(ending(job), "j-0123456789abcdef: FAILED after 5.0 s; no such row");
}

TEST(Words, DurationsAndSizesReadWell) {
  EXPECT_EQ(people_duration(0.42), "0.4 s");
  EXPECT_EQ(people_duration(185), "3 min 5 s");
  EXPECT_EQ(people_duration(7200), "2 h");
  EXPECT_EQ(people_duration(356400), "4 d 3 h");
  EXPECT_EQ(people_bytes(512), "512 B");
  EXPECT_EQ(people_bytes(1536), "1.5 KiB");
  EXPECT_EQ(utc(at(0)), "");
}

}  // namespace
}  // namespace unfold::cli
