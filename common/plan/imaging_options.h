#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/formats/imaging/source.h"
#include "unfold/v1/types.pb.h"

namespace unfold::plan {

/// How raw events are binned; absent options take DC1's values. Errors name the field.
absl::StatusOr<imaging_data::Binning> binning_of(const v1::ImagingSpec& spec);

/// Fills the absent options of `spec` with its algorithm's defaults and checks every number and
/// name, against the others and against the data. What the algorithm does not use is taken out,
/// with a line in `warnings`. Each error names its field: OUT_OF_RANGE, MISSING_FIELD, UNSUPPORTED.
absl::Status complete_imaging(const imaging_data::Header& data, v1::ImagingSpec& spec,
                              std::vector<std::string>& warnings);

/// "osem", "dc1-feedback", "fp32", "thinning", "tsv": as people type and read them.
std::string word_of(v1::ImagingAlgorithm algorithm);
std::string word_of(v1::ResponseStorage storage);
std::string word_of(v1::ImagingStop stop);
std::string word_of(v1::ImagePrior prior);

}  // namespace unfold::plan
