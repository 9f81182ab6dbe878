#pragma once

#include "server/rpc/backend.h"
#include "server/rpc/call.h"
#include "unfold/v1/job_service.pb.h"

namespace unfold::server {

/// Plans every request of the batch, submits the good ones in one event, and answers each by
/// itself, in request order. Finishes `call`.
void submit_batch(const Backend& backend, const Call& call, const v1::BatchSubmitRequest& request,
                  v1::BatchSubmitResponse* response);

}  // namespace unfold::server
