#pragma once

#include <string>

#include "unfold/v1/types.pb.h"

namespace CLI {
class App;
}

namespace unfold::cli {

/// The flags of desi_extract_spectra, straight into a spec; what was not given stays absent, so the
/// server's defaults hold. File names are made absolute by the current folder.
struct ExtractionFlags {
  v1::ExtractionSpec spec;
  /// Flags that were given and mean nothing here ("--mpi"), for one line of warning.
  std::string ignored;
};

/// `flags` must live as long as `command`.
void add_extraction_files(CLI::App& command, ExtractionFlags& flags);
void add_extraction_options(CLI::App& command, ExtractionFlags& flags);
/// --mpi, --no-gpu, --use-specter, -v: accepted so that command lines need not be edited.
void add_ignored_flags(CLI::App& command, ExtractionFlags& flags);

}  // namespace unfold::cli
