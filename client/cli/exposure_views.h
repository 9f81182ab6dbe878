#pragma once

#include "client/cli/table.h"
#include "unfold/v1/exposure_service.pb.h"

namespace unfold::cli {

/// One row a camera: its job, state and preset, or why it has no job.
Table camera_table(const v1::Exposure& exposure);

}  // namespace unfold::cli
