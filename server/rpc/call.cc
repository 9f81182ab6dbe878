#include "server/rpc/call.h"

#include "common/base/error.h"
#include "server/rpc/status.h"

namespace unfold::server {

void record_call(const Backend& backend, Rpc rpc, Time began, const absl::Status& status) {
  const auto index = static_cast<std::size_t>(rpc);
  const Duration took = backend.clock.now().monotonic - began.monotonic;
  backend.metrics.rpc_handled[index].at({code_name(status.code())}).Increment();
  backend.metrics.rpc_seconds[index].at({}).Observe(std::chrono::duration<double>(took).count());
  const bool ours = status.code() == absl::StatusCode::kInternal ||
                    status.code() == absl::StatusCode::kUnavailable;
  // A session that the scheduler closed is no fault of the service.
  if (!ours || reason_of(status) == "SESSION_ENDED") return;
  backend.log.error("call failed",
                    {{"method", rpc_names()[index].method}, {"error", status.ToString()}});
}

grpc::ServerUnaryReactor* Call::finish(const absl::Status& status) const {
  record_call(backend_, rpc_, began_, status);
  grpc::ServerUnaryReactor* const reactor = reactor_;
  reactor->Finish(to_grpc(status, *context_));
  return reactor;
}

std::string submitter_of(const grpc::ServerContextBase& context) {
  const auto& metadata = context.client_metadata();
  const auto user = metadata.find("unfold-user");
  if (user != metadata.end()) return {user->second.data(), user->second.size()};
  return context.peer();
}

std::string Call::submitter() const { return submitter_of(*context_); }

}  // namespace unfold::server
