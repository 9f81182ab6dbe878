#include "server/fleet/hangs.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace unfold::server {

void Hangs::hung(const Gpu& gpu, const std::string& job_id) {
  ++totals_[gpu];
  std::vector<std::string>& jobs = jobs_[gpu];
  if (std::find(jobs.begin(), jobs.end(), job_id) == jobs.end()) jobs.push_back(job_id);
}

std::string Hangs::verdict(const Gpu& gpu) const {
  const auto found = jobs_.find(gpu);
  if (limit_ == 0 || found == jobs_.end()) return "";
  const std::vector<std::string>& jobs = found->second;
  if (static_cast<int>(jobs.size()) < limit_) return "";
  return absl::StrCat(jobs.size(), " jobs in a row hung there: ", absl::StrJoin(jobs, ", "));
}

}  // namespace unfold::server
