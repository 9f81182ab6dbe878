#pragma once

#include "common/formats/spi/density_file.h"
#include "common/formats/spi/mrc.h"
#include "common/formats/spi/source.h"
#include "common/render/canvas.h"
#include "common/render/view.h"

namespace unfold::render {

/// The verdict and its reasons; of each conformation three slices, and its correlations: of the
/// half maps, less what supports make, of the intensities, of phasing (prtf), with the reference.
Canvas draw_density(const spi_data::DensityFile& file, const ViewOptions& options);
/// Three slices. Cubes only: InvalidArgument/WRONG_SHAPE.
absl::StatusOr<Canvas> draw_volume(const spi_data::Volume& volume, const ViewOptions& options);
/// Patterns before they are a job: their mean, the mask and |q|.
Canvas draw_patterns(const spi_data::Summary& summary, const ViewOptions& options);

}  // namespace unfold::render
