#include "server/rpc/status.h"

#include <grpcpp/server_context.h>

#include <array>
#include <string>

#include "common/base/error.h"

namespace unfold::server {

grpc::Status to_grpc(const absl::Status& status, grpc::ServerContextBase& context) {
  if (status.ok()) return grpc::Status::OK;
  const std::string detail = error_detail_bytes(status);
  if (!detail.empty()) context.AddTrailingMetadata(kErrorTrailer, detail);
  return {static_cast<grpc::StatusCode>(status.code()), std::string(status.message())};
}

const char* code_name(absl::StatusCode code) {
  static constexpr std::array<const char*, 17> kNames = {"OK",
                                                         "CANCELLED",
                                                         "UNKNOWN",
                                                         "INVALID_ARGUMENT",
                                                         "DEADLINE_EXCEEDED",
                                                         "NOT_FOUND",
                                                         "ALREADY_EXISTS",
                                                         "PERMISSION_DENIED",
                                                         "RESOURCE_EXHAUSTED",
                                                         "FAILED_PRECONDITION",
                                                         "ABORTED",
                                                         "OUT_OF_RANGE",
                                                         "UNIMPLEMENTED",
                                                         "INTERNAL",
                                                         "UNAVAILABLE",
                                                         "DATA_LOSS",
                                                         "UNAUTHENTICATED"};
  const auto index = static_cast<std::size_t>(code);
  return index < kNames.size() ? kNames[index] : "OTHER";
}

}  // namespace unfold::server
