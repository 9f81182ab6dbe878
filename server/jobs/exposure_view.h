#pragma once

#include "unfold/v1/exposure_service.pb.h"
#include "unfold/v1/types.pb.h"

namespace unfold::server {

/// A camera of `exposure` shows its job's present state; other jobs change nothing.
void show_job(v1::Exposure& exposure, const v1::Job& job);

/// To be called after the last show_job(): done when no camera's job is still to end.
void show_done(v1::Exposure& exposure);

/// A repeated exposure: cameras that `newer` does not name are kept from `older`.
v1::Exposure merged(const v1::Exposure& older, const v1::Exposure& newer);

}  // namespace unfold::server
