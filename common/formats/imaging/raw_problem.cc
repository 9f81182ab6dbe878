#include "common/formats/imaging/raw_problem.h"

#include <utility>

#include "common/base/status_macros.h"

namespace unfold::imaging_data {

absl::StatusOr<ProblemParts> problem_of(const RawSource& source, const Binning& binning) {
  const Header& header = source.header();
  ProblemParts out;
  out.sky = header.sky;
  out.pix_deg = binning.pixel_deg;
  out.zenith_cut_deg = binning.zenith_cut_deg;
  out.directions = header.response_rows;
  out.bins = header.bins;
  out.times = header.times;
  out.cds_index = source.cds_index();
  out.energy_edges = header.energy_edges;
  UNFOLD_ASSIGN_OR_RETURN(out.counts, source.counts());
  UNFOLD_ASSIGN_OR_RETURN(out.attitude, source.attitude());
  UNFOLD_ASSIGN_OR_RETURN(Background background,
                          source.background({header.dc1_background, header.default_background}));
  out.background_dc1 = std::move(background.components[0]);
  out.background_live = std::move(background.components[1]);
  out.group = std::move(background.group);
  UNFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<ResponseRows> rows, source.response());
  out.instrument_response.resize(static_cast<std::size_t>(out.directions * out.bins));
  UNFOLD_RETURN_IF_ERROR(rows->next(out.instrument_response, {}));
  return out;
}

}  // namespace unfold::imaging_data
