#pragma once

#include "absl/status/statusor.h"
#include "common/roots/roots.h"
#include "unfold/v1/types.pb.h"

namespace unfold::plan {

/// Checks a job against its inputs' headers and works out what it needs. Reads, never writes;
/// the specification's paths must be rooted ("name:relative"). Errors name the field, for example
/// InvalidArgument "extraction.wavelength.step". `spec` is returned with defaults and paths filled
/// in, so that what is stored is what will run.
struct Planned {
  v1::JobSpec spec;
  v1::Plan plan;
};
absl::StatusOr<Planned> plan(const v1::JobSpec& spec, const Roots& roots);

}  // namespace unfold::plan
