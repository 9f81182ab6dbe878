#include "server/home_page.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "common/base/version.h"
#include "server/jobs/life_cycle.h"

namespace unfold::server {

std::string home_page(const JobStore& store) {
  std::map<v1::JobState, std::int64_t> by_state;
  for (const auto& [engine_and_state, jobs] : store.counts()) {
    by_state[engine_and_state.second] += jobs;
  }
  std::string rows;
  for (const auto& [state, jobs] : by_state) {
    absl::StrAppend(&rows, "<tr><td>", state_name(state), "</td><td>", jobs, "</td></tr>\n");
  }
  return absl::StrCat(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<title>unfold</title></head>\n<body>\n<h1>unfold</h1>\n<p>Scheduler ",
      kVersion, " (", kCommit, ").</p>\n<table>\n<tr><th>State</th><th>Jobs</th></tr>\n", rows,
      "</table>\n<p><a href=\"/metrics\">Metrics</a>. Jobs and workers: <code>unfold jobs</code>, "
      "<code>unfold workers</code>.</p>\n</body></html>\n");
}

}  // namespace unfold::server
