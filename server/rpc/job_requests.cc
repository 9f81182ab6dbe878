#include "server/rpc/job_requests.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/sha256.h"
#include "common/base/status_macros.h"

namespace unfold::server {
namespace {

constexpr int kMaxLabels = 16;
constexpr int kMaxLabelValue = 256;
constexpr int kMaxAttempts = 100;
constexpr int kMaxPriority = 1000;
constexpr std::size_t kMaxRequestId = 128;
constexpr std::int64_t kLongestSeconds =
    3'155'760'000;  // 100 years: all that follows fits int64 ns

absl::Status bad_field(std::string field, std::string what, std::string why, std::string remedy) {
  return error({.code = absl::StatusCode::kInvalidArgument,
                .reason = "OUT_OF_RANGE",
                .field = std::move(field),
                .what = std::move(what),
                .why = std::move(why),
                .remedy = std::move(remedy)});
}

absl::Status check_engine(const v1::JobSpec& spec, bool probe_engine) {
  if (spec.engine_case() == v1::JobSpec::ENGINE_NOT_SET) {
    return error({.code = absl::StatusCode::kInvalidArgument,
                  .reason = "MISSING_FIELD",
                  .field = "engine",
                  .what = "the job has no engine",
                  .why = "none of the specifications is set",
                  .remedy = "set one, for example `extraction`"});
  }
  if (!spec.has_probe() || probe_engine) return absl::OkStatus();
  return error({.code = absl::StatusCode::kFailedPrecondition,
                .reason = "PROBE_DISABLED",
                .field = "probe",
                .what = "probe jobs are not accepted",
                .why = "the scheduler runs without --enable-probe-engine",
                .remedy = "start it with that flag on a test system"});
}

bool is_label_key(const std::string& key) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
  };
  return !key.empty() && key.size() <= 63 && std::all_of(key.begin(), key.end(), allowed);
}

absl::Status check_labels(const v1::JobSpec& spec) {
  if (spec.labels_size() > kMaxLabels) {
    return bad_field("labels", "too many labels", absl::StrCat(spec.labels_size(), " given"),
                     absl::StrCat("use at most ", kMaxLabels));
  }
  for (const auto& [key, value] : spec.labels()) {
    if (!is_label_key(key)) {
      return bad_field("labels", absl::StrCat("bad label name \"", key, "\""),
                       "a name has 1 to 63 of a-z 0-9 _ . -", "rename it");
    }
    if (value.size() > kMaxLabelValue) {
      return bad_field("labels", absl::StrCat("the label \"", key, "\" is too long"),
                       absl::StrCat(value.size(), " bytes"),
                       absl::StrCat("use at most ", kMaxLabelValue));
    }
  }
  return absl::OkStatus();
}

absl::Status check_times(const v1::JobSpec& spec, Time now) {
  if (spec.has_deadline()) {
    const auto& at = spec.deadline();
    const std::int64_t now_seconds = now.unix_ns / 1'000'000'000;
    if (at.seconds() > now_seconds + kLongestSeconds) {
      return bad_field("deadline", "the deadline is too far", "it lies over 100 years ahead",
                       "leave it out for none");
    }
    if (at.seconds() < now_seconds || at.seconds() * 1'000'000'000 + at.nanos() <= now.unix_ns) {
      return bad_field("deadline", "the deadline has passed", "it lies before the scheduler's now",
                       "give a later one");
    }
  }
  const auto& timeout = spec.run_timeout();
  if (spec.has_run_timeout() && (timeout.seconds() < 0 || timeout.nanos() < 0 ||
                                 (timeout.seconds() == 0 && timeout.nanos() == 0))) {
    return bad_field("run_timeout", "the run time limit is not positive", "",
                     "leave it out for no limit");
  }
  if (timeout.seconds() > kLongestSeconds) {
    return bad_field("run_timeout", "the run time limit is too long", "it is over 100 years",
                     "leave it out for no limit");
  }
  return absl::OkStatus();
}

void clear_field(google::protobuf::Message* message, const char* name) {
  const auto* field = message->GetDescriptor()->FindFieldByName(name);
  if (field != nullptr) message->GetReflection()->ClearField(message, field);
}

}  // namespace

absl::Status check_job(const v1::JobSpec& spec, bool probe_engine, Time now) {
  UNFOLD_RETURN_IF_ERROR(check_engine(spec, probe_engine));
  if (std::abs(spec.priority()) > kMaxPriority) {
    return bad_field("priority", absl::StrCat("priority ", spec.priority(), " is out of range"), "",
                     absl::StrCat("use -", kMaxPriority, " to ", kMaxPriority));
  }
  if (spec.max_attempts() < 0 || spec.max_attempts() > kMaxAttempts) {
    return bad_field("max_attempts",
                     absl::StrCat("max_attempts ", spec.max_attempts(), " is out of range"), "",
                     absl::StrCat("use 1 to ", kMaxAttempts, ", or 0 for the default"));
  }
  UNFOLD_RETURN_IF_ERROR(check_labels(spec));
  return check_times(spec, now);
}

absl::Status check_request_id(const std::string& request_id) {
  const auto printable = [](char c) { return c > ' ' && c < '\x7f'; };
  if (request_id.size() <= kMaxRequestId &&
      std::all_of(request_id.begin(), request_id.end(), printable)) {
    return absl::OkStatus();
  }
  return bad_field("request_id", "bad request_id",
                   absl::StrCat("it has at most ", kMaxRequestId, " printable ASCII characters"),
                   "use a UUID");
}

std::string request_digest(const google::protobuf::Message& request) {
  const std::unique_ptr<google::protobuf::Message> body(request.New());
  body->CopyFrom(request);
  clear_field(body.get(), "request_id");
  clear_field(body.get(), "validate_only");
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);  // maps have no order of their own
    body->SerializeToCodedStream(&coded);
  }
  Sha256 digest;
  const std::string& kind = request.GetDescriptor()->full_name();  // bodies of two may look alike
  digest.update(std::as_bytes(std::span(kind)));
  digest.update(std::as_bytes(std::span(bytes)));
  return digest.hex();
}

std::string engine_of(const v1::JobSpec& spec) {
  switch (spec.engine_case()) {
    case v1::JobSpec::kExtraction:
      return "extraction";
    case v1::JobSpec::kImaging:
      return "imaging";
    case v1::JobSpec::kSpi:
      return "spi";
    case v1::JobSpec::kProbe:
      return "probe";
    case v1::JobSpec::ENGINE_NOT_SET:
      break;
  }
  return "";
}

NewJob new_job(const v1::SubmitRequest& request, plan::Planned planned, std::string submitter) {
  NewJob job;
  job.engine = engine_of(planned.spec);
  job.spec = std::move(planned.spec);
  job.plan = std::move(planned.plan);
  job.submitter = std::move(submitter);
  job.request_id = request.request_id();
  if (!job.request_id.empty()) job.request_digest = request_digest(request);
  job.source = request.source().empty() ? "api" : request.source();
  return job;
}

v1::Job preview(const NewJob& job) {
  v1::Job shown;
  *shown.mutable_spec() = job.spec;
  *shown.mutable_plan() = job.plan;
  shown.set_engine(job.engine);
  shown.set_submitter(job.submitter);
  shown.set_request_id(job.request_id);
  return shown;
}

}  // namespace unfold::server
