#include "server/jobs/job_filter.h"

#include <cctype>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "server/jobs/life_cycle.h"

namespace unfold::server {
namespace {

constexpr std::int64_t kNewest = INT64_MAX;

absl::Status bad_filter(const std::string& what, const std::string& remedy) {
  return error({.code = absl::StatusCode::kInvalidArgument,
                .reason = "BAD_FILTER",
                .field = "filter",
                .what = what,
                .why = "",
                .remedy = remedy});
}

void skip_spaces(absl::string_view& rest) { rest = absl::StripLeadingAsciiWhitespace(rest); }

bool is_field_character(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '-';
}

std::string take_field(absl::string_view& rest) {
  std::size_t length = 0;
  while (length < rest.size() && is_field_character(rest[length])) ++length;
  std::string field(rest.substr(0, length));
  rest.remove_prefix(length);
  return field;
}

absl::StatusOr<std::string> take_value(absl::string_view& rest) {
  if (absl::ConsumePrefix(&rest, "\"")) {
    const std::size_t end = rest.find('"');
    if (end == absl::string_view::npos) {
      return bad_filter("a value has no closing quote", "write field=\"value\"");
    }
    std::string value(rest.substr(0, end));
    rest.remove_prefix(end + 1);
    return value;
  }
  std::size_t length = 0;
  while (length < rest.size() && !absl::ascii_isspace(static_cast<unsigned char>(rest[length]))) {
    ++length;
  }
  std::string value(rest.substr(0, length));
  rest.remove_prefix(length);
  return value;
}

absl::Status set_state(JobFilter& filter, const std::string& value) {
  v1::JobState state{};
  const std::string name = absl::StrCat("JOB_STATE_", absl::AsciiStrToUpper(value));
  if (!v1::JobState_Parse(name, &state) || state == v1::JOB_STATE_UNSPECIFIED) {
    return bad_filter(absl::StrCat("no such state: ", value),
                      "QUEUED, LOADING, RUNNING, PUBLISHING, SUCCEEDED, FAILED, CANCELLED, "
                      "EXPIRED or QUARANTINED");
  }
  filter.state = state;
  return absl::OkStatus();
}

absl::Status set_term(JobFilter& filter, const std::string& field, const std::string& value) {
  if (field == "state") return set_state(filter, value);
  if (field == "active") {
    if (value != "true" && value != "false") {
      return bad_filter(absl::StrCat("active=", value, " is neither true nor false"), "");
    }
    filter.active = value == "true";
    return absl::OkStatus();
  }
  if (field == "engine") {
    filter.engine = value;
  } else if (field == "exposure") {
    filter.exposure = value;
  } else if (field == "camera") {
    filter.camera = value;
  } else if (field == "submitter") {
    filter.submitter = value;
  } else if (absl::string_view key = field; absl::ConsumePrefix(&key, "labels.") && !key.empty()) {
    filter.labels.emplace_back(std::string(key), value);
  } else {
    return bad_filter(absl::StrCat("no such field to filter by: ", field),
                      "state, active, engine, exposure, camera, submitter or labels.KEY");
  }
  return absl::OkStatus();
}

absl::Status bad_token() {
  return error({.code = absl::StatusCode::kInvalidArgument,
                .reason = "BAD_PAGE_TOKEN",
                .field = "page_token",
                .what = "not a page token of this listing",
                .why = "",
                .remedy = "list again from the first page"});
}

}  // namespace

absl::StatusOr<JobFilter> parse_job_filter(const std::string& text) {
  JobFilter filter;
  absl::string_view rest = text;
  skip_spaces(rest);
  while (!rest.empty()) {
    const std::string field = take_field(rest);
    skip_spaces(rest);
    if (field.empty() || !absl::ConsumePrefix(&rest, "=")) {
      return bad_filter(absl::StrCat("expected field=value at \"", field, rest, "\""),
                        "for example: state=RUNNING AND engine=extraction");
    }
    skip_spaces(rest);
    UNFOLD_ASSIGN_OR_RETURN(const std::string value, take_value(rest));
    UNFOLD_RETURN_IF_ERROR(set_term(filter, field, value));
    skip_spaces(rest);
    if (rest.empty()) break;
    if (!absl::ConsumePrefix(&rest, "AND ")) {
      return bad_filter(absl::StrCat("expected AND at \"", rest, "\""), "terms are joined by AND");
    }
    skip_spaces(rest);
    if (rest.empty()) return bad_filter("nothing follows AND", "");
  }
  return filter;
}

bool JobFilter::matches(const v1::Job& job) const {
  if (state && job.state() != *state) return false;
  if (active && is_final(job.state()) == *active) return false;
  if (engine && job.engine() != *engine) return false;
  if (exposure && job.exposure() != *exposure) return false;
  if (camera && camera_of(job) != *camera) return false;
  if (submitter && job.submitter() != *submitter) return false;
  for (const auto& [key, value] : labels) {
    const auto found = job.spec().labels().find(key);
    if (found == job.spec().labels().end() || found->second != value) return false;
  }
  return true;
}

std::string camera_of(const v1::Job& job) {
  if (!job.spec().extraction().camera().empty()) return job.spec().extraction().camera();
  const auto fact = job.plan().facts().find("camera");
  return fact == job.plan().facts().end() ? std::string() : fact->second;
}

std::string make_page_token(std::int64_t position, const std::string& listing) {
  return absl::WebSafeBase64Escape(absl::StrCat(position, "|", listing));
}

absl::StatusOr<std::int64_t> parse_page_token(const std::string& token,
                                              const std::string& listing) {
  if (token.empty()) return kNewest;
  std::string text;
  if (!absl::WebSafeBase64Unescape(token, &text)) return bad_token();
  const std::vector<std::string> parts = absl::StrSplit(text, absl::MaxSplits('|', 1));
  std::int64_t position = 0;
  if (parts.size() != 2 || parts[1] != listing || !absl::SimpleAtoi(parts[0], &position)) {
    return bad_token();
  }
  return position;
}

absl::StatusOr<int> checked_page_size(int page_size) {
  if (page_size == 0) return 100;
  if (page_size < 0 || page_size > 1000) {
    return error({.code = absl::StatusCode::kInvalidArgument,
                  .reason = "BAD_PAGE_SIZE",
                  .field = "page_size",
                  .what = absl::StrCat("page size ", page_size),
                  .why = "outside 1 .. 1000",
                  .remedy = ""});
  }
  return page_size;
}

absl::Status no_such(const std::string& what, const std::string& id) {
  return error({.code = absl::StatusCode::kNotFound,
                .reason = "NOT_FOUND",
                .field = "id",
                .what = absl::StrCat("no such ", what, ": ", id),
                .why = "",
                .remedy = ""});
}

std::int64_t total_of(const JobFilter& filter, const JobCounts& counts) {
  if (filter.exposure || filter.camera || filter.submitter || !filter.labels.empty()) return -1;
  std::int64_t total = 0;
  for (const auto& [engine_and_state, count] : counts) {
    const auto& [engine, state] = engine_and_state;
    if (filter.engine && engine != *filter.engine) continue;
    if (filter.state && state != *filter.state) continue;
    if (filter.active && is_final(state) == *filter.active) continue;
    total += count;
  }
  return total;
}

}  // namespace unfold::server
