#pragma once

#include "absl/status/statusor.h"
#include "common/formats/imaging/map_file.h"
#include "common/render/canvas.h"
#include "common/render/view.h"

namespace unfold::render {

/// The map (summed over energies) with its regions, the exposure, the errors where it has them, and
/// how log-likelihood, validation and background amplitudes went over the updates.
Canvas draw_map(const imaging_data::MapProduct& product, const ViewOptions& options);

/// The exposure and the truth of a problem in our layout. NotFound where the file has neither.
absl::StatusOr<Canvas> draw_problem(const std::string& path, const ViewOptions& options);

}  // namespace unfold::render
