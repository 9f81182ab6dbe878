#pragma once

#include "server/rpc/backend.h"
#include "server/rpc/call.h"
#include "unfold/v1/exposure_service.pb.h"

namespace unfold::server {

/// Plans the exposure, then each of its cameras, and submits the good ones in one event. A camera
/// that cannot run is named in the answer. Finishes `call`.
void submit_exposure(const Backend& backend, const Call& call,
                     const v1::SubmitExposureRequest& request, v1::Exposure* response);

}  // namespace unfold::server
