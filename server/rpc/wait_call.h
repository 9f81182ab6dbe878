#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include "server/rpc/backend.h"
#include "unfold/v1/job_service.pb.h"

namespace unfold::server {

/// JobService.Wait: answers when the job is final or the timeout is over, without a thread
/// meanwhile.
grpc::ServerUnaryReactor* wait(const Backend& backend, grpc::CallbackServerContext* context,
                               const v1::WaitRequest& request, v1::Job* response);

}  // namespace unfold::server
