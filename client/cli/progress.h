#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <iosfwd>
#include <map>
#include <string>
#include <vector>

#include "client/cli/terminal.h"
#include "unfold/v1/types.pb.h"

namespace unfold::cli {

/// "r0  RUNNING  [████████      ]  54 %  2540/4700 patches  chi2/dof 1.02  0:05": at most `columns`
/// wide on a terminal, in ASCII where it does not speak UTF-8.
std::string progress_bar(const v1::Job& job, const std::string& name, int columns, bool utf8,
                         const google::protobuf::Timestamp& now);

/// The same as a line for a log: no bar, no width.
std::string progress_line(const v1::Job& job, const std::string& name);

/// Shows jobs as they move: bars redrawn in place on a terminal, else a line when a job changes its
/// state or passes another tenth. One thread.
class ProgressView {
 public:
  ProgressView(std::ostream& stream, Terminal terminal);

  void update(const v1::Job& job, const google::protobuf::Timestamp& now);
  /// A message between the bars.
  void note(const std::string& message);

 private:
  struct Shown {
    v1::Job job;
    v1::JobState state = v1::JOB_STATE_UNSPECIFIED;
    int tenth = -1;
  };
  void redraw(const google::protobuf::Timestamp& now);
  void erase();

  std::ostream& stream_;
  const Terminal terminal_;
  std::vector<std::string> order_;
  std::map<std::string, Shown> shown_;
  int lines_ = 0;  // that the last drawing left on the terminal
};

}  // namespace unfold::cli
