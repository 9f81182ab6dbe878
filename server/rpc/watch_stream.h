#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include "server/rpc/backend.h"
#include "unfold/v1/job_service.pb.h"

namespace unfold::server {

/// JobService.Watch: first what the store has after `from_revision`, then every change as it is
/// committed, in order of revision. A slow reader gets each job's last state and every final one; a
/// hopeless one is told to list again (OUT_OF_RANGE). Bookmarks every 10 s of silence.
grpc::ServerWriteReactor<v1::WatchEvent>* watch(const Backend& backend,
                                                grpc::CallbackServerContext* context,
                                                const v1::WatchRequest& request);

}  // namespace unfold::server
