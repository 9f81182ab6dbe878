#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace grpc {
class ServerContextBase;
}

namespace unfold::server {

/// The trailer that carries a serialised unfold.v1.ErrorDetail.
inline constexpr char kErrorTrailer[] = "unfold-error-bin";

/// The one place where a status becomes gRPC's: same canonical code and message, reason and field
/// in the trailer. Call at most once per call, before it is finished.
grpc::Status to_grpc(const absl::Status& status, grpc::ServerContextBase& context);

/// "NOT_FOUND": the label of metrics and logs.
const char* code_name(absl::StatusCode code);

}  // namespace unfold::server
