#include "common/base/error.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "unfold/v1/types.pb.h"

namespace unfold {
namespace {

constexpr char kPayload[] = "unfold.v1.ErrorDetail";

v1::ErrorDetail detail_of(const absl::Status& status) {
  v1::ErrorDetail detail;
  if (const auto payload = status.GetPayload(kPayload); payload.has_value()) {
    detail.ParseFromString(std::string(*payload));
  }
  return detail;
}

}  // namespace

absl::Status error(const Problem& problem) {
  std::string message = problem.what;
  if (!problem.why.empty()) absl::StrAppend(&message, " (", problem.why, ")");
  if (!problem.remedy.empty()) absl::StrAppend(&message, " [", problem.remedy, "]");
  absl::Status status(problem.code, message);
  v1::ErrorDetail detail;
  detail.set_reason(problem.reason);
  detail.set_field(problem.field);
  status.SetPayload(kPayload, absl::Cord(detail.SerializeAsString()));
  return status;
}

std::string reason_of(const absl::Status& status) { return detail_of(status).reason(); }
std::string field_of(const absl::Status& status) { return detail_of(status).field(); }

absl::Status with_field(const absl::Status& status, std::string_view field) {
  if (status.ok()) return status;
  v1::ErrorDetail detail = detail_of(status);
  detail.set_field(std::string(field));
  absl::Status out = status;
  out.SetPayload(kPayload, absl::Cord(detail.SerializeAsString()));
  return out;
}

std::string error_detail_bytes(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayload);
  return payload.has_value() ? std::string(*payload) : std::string();
}

absl::Status status_from_wire(absl::StatusCode code, std::string_view message,
                              std::string_view detail_bytes) {
  absl::Status status(code, absl::string_view(message.data(), message.size()));
  if (!detail_bytes.empty()) {
    status.SetPayload(kPayload,
                      absl::Cord(absl::string_view(detail_bytes.data(), detail_bytes.size())));
  }
  return status;
}

}  // namespace unfold
