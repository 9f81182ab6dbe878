#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "common/formats/imaging/source.h"

namespace unfold::imaging_data {

/// Files of histpy and cosipy (docs/formats.md). `files.data` is a Histogram of counts [Em, Phi,
/// PsiChi], or with Time before them; `files.background`, where given, one of expected counts on
/// the same axes. The model is [lb, Ei], energies fastest. `files.response` is one of
/// - a response in cm2 s of [NuLambda, Ei, Em, Phi, PsiChi], galactic: dense, for data of one time
///   bin; its rows hold the pixels' solid angle;
/// - a response in cm2 of the instrument (a DRM group, one Ei): factored, for data binned in time
///   in the spacecraft's frame, with `files.attitude`.
absl::StatusOr<std::unique_ptr<Source>> open_histpy_source(const SourceFiles& files,
                                                           const Binning& binning);

}  // namespace unfold::imaging_data
