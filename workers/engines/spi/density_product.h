#pragma once

#include <map>
#include <string>

#include "common/formats/spi/density_file.h"
#include "unfold/v1/types.pb.h"
#include "workers/engines/spi/resident_patterns.h"
#include "workers/kernels/spi/reconstruct.h"

namespace unfold::engine {

/// Where a density came from.
struct SpiProvenance {
  std::string job_id;
  std::string response_key;
  std::map<std::string, std::string> sha256;  ///< of the input files, by rooted path
};

/// The density file's content, without a reference's.
spi_data::DensityFile density_of(const spi::Result& result, const ResidentPatterns& patterns,
                                 const v1::SpiSpec& spec, const SpiProvenance& provenance);

/// generations, log_likelihood and gain (mean a frame, at the end), resolution and
/// intensity_resolution (Angstrom; absent where there is none), phasing_agreement, median_entropy,
/// non_hits, verdict_<verdict>; with several conformations frames_<c>, conformation_gain, its error
/// and conformation_agreement; with a reference reference_correlation, reference_resolution.
std::map<std::string, double> summary_of(const spi::Result& result,
                                         const spi_data::DensityFile& file);

}  // namespace unfold::engine
