#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/formats/imaging/source.h"
#include "common/roots/roots.h"
#include "unfold/v1/types.pb.h"
#include "workers/engines/input_files.h"

namespace unfold::engine {

/// A job's files, open, and how to read them.
struct OpenJob {
  v1::JobSpec spec;
  v1::Plan plan;
  OpenFiles files;
  std::unique_ptr<imaging_data::Source> source;

  const v1::ImagingSpec& imaging() const { return spec.imaging(); }
  const imaging_data::Header& header() const { return source->header(); }
};

/// Opens what the specification names and checks that it is what the plan was made for. Files are
/// opened even for a response that is resident: one that was replaced since must not go unnoticed.
absl::StatusOr<OpenJob> open_job(const Roots& roots, const v1::JobSpec& spec, const v1::Plan& plan);

/// Names an attitude or a background by the files it is read from, so that it is found again.
/// `parts` says what of them.
std::string resident_key(const OpenJob& job, const std::string& kind, const std::string& parts);

}  // namespace unfold::engine
