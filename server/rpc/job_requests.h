#pragma once

#include <string>

#include "absl/status/status.h"
#include "common/base/clock.h"
#include "common/plan/plan.h"
#include "server/scheduler/core.h"
#include "unfold/v1/job_service.pb.h"

namespace google::protobuf {
class Message;
}

namespace unfold::server {

/// What holds for jobs of every engine, checked before any file is looked at: an engine is set (the
/// probe only where allowed), priority, labels, deadline, attempts. InvalidArgument names the
/// field.
absl::Status check_job(const v1::JobSpec& spec, bool probe_engine, Time now);

/// Printable ASCII, at most 128 characters; empty is allowed.
absl::Status check_request_id(const std::string& request_id);

/// The body's identity: SHA-256 of the request without `request_id` and `validate_only`.
std::string request_digest(const google::protobuf::Message& request);

/// "extraction", "probe", or "" where no engine is set.
std::string engine_of(const v1::JobSpec& spec);

/// The event's part for one accepted request.
NewJob new_job(const v1::SubmitRequest& request, plan::Planned planned, std::string submitter);

/// What validate_only answers: the job as it would be queued, without an id.
v1::Job preview(const NewJob& job);

}  // namespace unfold::server
