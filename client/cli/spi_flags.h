#pragma once

#include "unfold/v1/types.pb.h"

namespace CLI {
class App;
}

namespace unfold::cli {

/// The flags of a single-particle job, straight into a spec; what was not given stays absent, so
/// the server's defaults hold. File names are made absolute by the current folder.
struct SpiFlags {
  v1::SpiSpec spec;
};

/// `flags` must live as long as `command`.
void add_spi_files(CLI::App& command, SpiFlags& flags);
void add_spi_options(CLI::App& command, SpiFlags& flags);

}  // namespace unfold::cli
