#pragma once

#include "unfold/v1/types.pb.h"

namespace CLI {
class App;
}

namespace unfold::cli {

/// The flags of an imaging job, straight into a spec; what was not given stays absent, so the
/// server's defaults hold. File names are made absolute by the current folder.
struct ImagingFlags {
  v1::ImagingSpec spec;
};

/// `flags` must live as long as `command`.
void add_imaging_files(CLI::App& command, ImagingFlags& flags);
void add_imaging_options(CLI::App& command, ImagingFlags& flags);
/// How raw events are binned; a part of add_imaging_options().
void add_imaging_binning(CLI::App& command, ImagingFlags& flags);

}  // namespace unfold::cli
