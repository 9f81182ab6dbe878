#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "common/formats/imaging/map_file.h"
#include "common/formats/imaging/source.h"
#include "unfold/v1/types.pb.h"
#include "workers/kernels/imaging/reconstruct.h"

namespace unfold::engine {

/// A model of P pixels and E energies in the response's order, as [E, P].
std::vector<double> by_energy(std::span<const double> model, const imaging_data::Header& header);

/// Where a map came from.
struct Provenance {
  std::string job_id;
  std::string response_key;
  std::map<std::string, std::string> sha256;  ///< of the input files, by rooted path
};

/// The map file's content. `exposure` is in the response's order.
imaging_data::MapProduct map_of(const imaging::Result& result, std::span<const double> exposure,
                                const imaging_data::Header& header, const v1::ImagingSpec& spec,
                                const Provenance& provenance);

/// log_likelihood, iterations, flux (cm-2 s-1 over the sky), flux_well_exposed and peak_l_deg,
/// peak_b_deg, peak_intensity (of the pixels that sky::well_exposed names),
/// background_amplitude_<a> (of many: the least, mean and most), stopped_by_<rule>,
/// impossible_events, counts; of the first regions flux_<name> and, with bootstrap,
/// flux_error_<name> and flux_bias_<name>.
std::map<std::string, double> summary_of(const imaging::Result& result,
                                         const imaging_data::Header& header,
                                         std::span<const double> exposure,
                                         std::span<const double> counts);

}  // namespace unfold::engine
