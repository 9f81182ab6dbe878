#pragma once

#include <map>
#include <optional>
#include <string>

#include "common/formats/fits/frame.h"
#include "common/formats/fits/preproc.h"
#include "unfold/v1/types.pb.h"
#include "workers/engines/extraction/psf_response.h"
#include "workers/kernels/extraction/extraction.h"

namespace unfold::engine {

/// A preproc file as extraction needs it: masked pixels have no weight, the mask itself is gone.
struct ExtractionImage {
  fits::Preproc preproc;
  std::optional<fits::Table> fibermap;  ///< of the fibres asked for
  std::string fibermap_sha256;          ///< of --fibermap's file, or empty
  double barycentric_factor = 1;
};

/// What the kernels are told; absent options take desi_extract_spectra's defaults.
extraction::Options options_of(const v1::ExtractionSpec& spec, double barycentric_factor,
                               const PsfResponse& psf);

/// The frame file's content: densities per Angstrom, masks, scores, cards. Consumes the spectra.
/// `job_id` and `response_key` go into its provenance cards.
fits::Frame frame_of(extraction::Spectra spectra, const extraction::Options& options,
                     const v1::ExtractionSpec& spec, const ExtractionImage& image,
                     const LoadedPsf& psf, const std::string& job_id,
                     const std::string& response_key);

/// bins, chi2_per_dof (mean CHI2PIX of the bins with weight), masked_fraction (bins with a mask
/// bit), no_weight_fraction.
std::map<std::string, double> summary_of(const fits::Frame& frame);

}  // namespace unfold::engine
