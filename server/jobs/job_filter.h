#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "server/jobs/job_store.h"
#include "unfold/v1/types.pb.h"

namespace unfold::server {

/// The filter of ListJobsRequest, parsed: a conjunction of equalities.
struct JobFilter {
  std::optional<v1::JobState> state;
  std::optional<bool> active;
  std::optional<std::string> engine;
  std::optional<std::string> exposure;
  std::optional<std::string> camera;
  std::optional<std::string> submitter;
  std::vector<std::pair<std::string, std::string>> labels;

  bool matches(const v1::Job& job) const;
};

/// InvalidArgument (reason BAD_FILTER, field "filter") names the term at fault. Values may be in
/// double quotes; state is case-insensitive.
absl::StatusOr<JobFilter> parse_job_filter(const std::string& text);

/// The camera a job is about, or empty.
std::string camera_of(const v1::Job& job);

/// Opaque page tokens: a position (descending) in a listing of one kind and filter. InvalidArgument
/// (reason BAD_PAGE_TOKEN) for a token of another listing.
std::string make_page_token(std::int64_t position, const std::string& listing);
absl::StatusOr<std::int64_t> parse_page_token(const std::string& token, const std::string& listing);

/// 1 .. 1000, 100 for 0; InvalidArgument otherwise.
absl::StatusOr<int> checked_page_size(int page_size);

/// Matching jobs where counters alone can tell, else -1.
std::int64_t total_of(const JobFilter& filter, const JobCounts& counts);

/// NotFound, reason NOT_FOUND, field "id".
absl::Status no_such(const std::string& what, const std::string& id);

}  // namespace unfold::server
