#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace unfold::compare {

/// How two FITS files differ in form.
struct Layouts {
  std::vector<std::string> layout;  ///< HDUs absent in one, types and shapes, table columns
  std::vector<std::string> cards;   ///< "FLUX NSPEC: 25 / 50"
};

/// Compares HDUs by name, and every card of them but structure, comments and what tells how a file
/// came to be: dates, checksums, file names, versions (DEPNAMnn, DEPVERnn, SPECTER) and unfold's
/// UF* cards. Errors: what scanning gave.
absl::StatusOr<Layouts> compare_layouts(const std::string& a, const std::string& b);

}  // namespace unfold::compare
