#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/formats/fits/psf.h"
#include "common/formats/fits/scan.h"

namespace unfold::fits {

inline constexpr std::int64_t kMaxHermiteDegree = 15;

/// Where a PSF file's parameters are. Not owned.
struct PsfLayout {
  const Hdu* table = nullptr;
  const Hdu* x = nullptr;  ///< XTRACE and YTRACE, version 3 only
  const Hdu* y = nullptr;
};
absl::StatusOr<PsfLayout> find_psf_layout(const Structure& structure);

/// Checks all that headers show. The wavelength range of a version 2 file stands in the table's
/// rows and is left 0.
absl::StatusOr<PsfSummary> summarise_psf(const Structure& structure, const PsfLayout& layout);

/// The columns of the parameter table, checked against the number of fibres.
struct PsfColumns {
  const Column* name = nullptr;
  const Column* coefficients = nullptr;
  int ncoef = 0;
};
absl::StatusOr<PsfColumns> find_psf_columns(const Structure& structure, const Hdu& hdu, int nspec);

absl::StatusOr<int> integer_within(const Header& header, std::string_view key, std::int64_t least,
                                   std::int64_t most);
/// WAVEMIN and WAVEMAX, which must be a range.
absl::Status read_wave_domain(const Header& header, double& wave_min, double& wave_max);
absl::Status check_wave_range(double wave_min, double wave_max);

}  // namespace unfold::fits
