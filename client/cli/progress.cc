#include "client/cli/progress.h"

#include <algorithm>
#include <cmath>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/exit_codes.h"
#include "client/cli/job_views.h"
#include "client/cli/text_width.h"
#include "client/cli/words.h"

namespace unfold::cli {
namespace {

constexpr int kWidestBar = 30;
constexpr int kNarrowestBar = 6;
constexpr int kStateColumns = 11;

double fraction_of(const v1::Job& job) {
  if (job.state() == v1::JOB_STATE_SUCCEEDED) return 1;
  const double fraction = job.progress().fraction();
  return std::isfinite(fraction) ? std::clamp(fraction, 0.0, 1.0) : 0.0;
}

std::string name_of(const v1::Job& job) {
  const std::string& camera = job.spec().extraction().camera();
  return camera.empty() ? job.id().substr(0, 12) : camera;
}

// Counts and science, each with the two spaces that part it from what is before it.
std::string details(const v1::Job& job) {
  const v1::Progress& progress = job.progress();
  std::string out;
  if (progress.total() > 0 && !is_final(job.state())) {
    absl::StrAppend(&out, "  ", progress.done(), "/", progress.total(), " ", progress.unit());
  }
  if (progress.has_chi2_per_dof()) {
    absl::StrAppend(&out, "  chi2/dof ", people_number(progress.chi2_per_dof()));
  }
  if (progress.has_log_likelihood()) {
    absl::StrAppend(&out, "  logL ", people_number(progress.log_likelihood(), 8));
  }
  const auto& numbers = progress.numbers();
  if (const auto held_back = numbers.find("validation_log_likelihood");
      held_back != numbers.end()) {
    absl::StrAppend(&out, "  validation ", people_number(held_back->second, 8));
  }
  return out;
}

std::string bar(double fraction, int columns, bool utf8) {
  const int full = static_cast<int>(fraction * columns);
  std::string out = "[";
  for (int i = 0; i < columns; ++i) out += i < full ? (utf8 ? "█" : "#") : (utf8 ? " " : ".");
  return out + "]";
}

std::string clock_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::max(0.0, seconds));
  return absl::StrFormat("%d:%02d", whole / 60, whole % 60);
}

}  // namespace

std::string progress_bar(const v1::Job& job, const std::string& name, int columns, bool utf8,
                         const google::protobuf::Timestamp& now) {
  const bool final = is_final(job.state());
  const double fraction = fraction_of(job);
  const double age =
      seconds_between(job.submitted_at(), final && job.has_finished_at() ? job.finished_at() : now);
  const std::string head =
      absl::StrFormat("%s  %-*s", printable(name), kStateColumns, state_word(job));
  const std::string tail = absl::StrFormat("  %3d %%%s  %s", static_cast<int>(fraction * 100),
                                           printable(details(job)), clock_text(age));
  const int room = columns - display_width(head) - display_width(tail) - 3;
  std::string line = head;
  if (room >= kNarrowestBar)
    absl::StrAppend(&line, " ", bar(fraction, std::min(room, kWidestBar), utf8));
  return fit_to_width(line + tail, columns);
}

std::string progress_line(const v1::Job& job, const std::string& name) {
  std::string line = absl::StrCat(name, ": ", state_word(job));
  if (!is_final(job.state()) && job.progress().fraction() > 0) {
    absl::StrAppend(&line, " ", static_cast<int>(fraction_of(job) * 100), " %");
  }
  absl::StrAppend(&line, details(job));
  return printable(line);
}

ProgressView::ProgressView(std::ostream& stream, Terminal terminal)
    : stream_(stream), terminal_(terminal) {}

void ProgressView::update(const v1::Job& job, const google::protobuf::Timestamp& now) {
  Shown& shown = shown_[job.id()];
  if (shown.tenth < 0) order_.push_back(job.id());
  const int tenth = static_cast<int>(fraction_of(job) * 10);
  const bool moved = shown.state != job.state() || shown.tenth != tenth;
  shown = {job, job.state(), tenth};
  if (terminal_.is_terminal) {
    redraw(now);
  } else if (moved) {
    stream_ << progress_line(job, name_of(job)) << "\n" << std::flush;
  }
}

void ProgressView::note(const std::string& message) {
  if (terminal_.is_terminal) erase();
  stream_ << message << "\n" << std::flush;
}

// Cursor up over what was drawn, then clear to the end of the screen.
void ProgressView::erase() {
  if (lines_ > 0) stream_ << "\x1b[" << lines_ << "A\x1b[J";
  lines_ = 0;
}

void ProgressView::redraw(const google::protobuf::Timestamp& now) {
  erase();
  // Lines that scrolled off cannot be redrawn: unfinished jobs come first, the rest is counted.
  std::vector<std::string> order = order_;
  const int room = std::max(1, terminal_.rows - 2);
  if (static_cast<int>(order.size()) > room) {
    std::stable_partition(order.begin(), order.end(),
                          [this](const std::string& id) { return !is_final(shown_.at(id).state); });
  }
  for (const std::string& id : order) {
    if (lines_ == room) break;
    const Shown& shown = shown_.at(id);
    // One column short: a full line would wrap on some terminals.
    stream_ << progress_bar(shown.job, name_of(shown.job), terminal_.columns - 1, terminal_.utf8,
                            now)
            << "\n";
    ++lines_;
  }
  stream_ << std::flush;
}

}  // namespace unfold::cli
