#include "common/compare/pulls.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "absl/strings/str_format.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/simulate/row_major.h"

namespace unfold::compare {
namespace {

constexpr double kSameBin = 1e-3;  // of a step

/// The truth on the frame's own bins, and beyond which ends it goes on.
struct Aligned {
  std::vector<double> photons;  // [nspec, nwave]
  double step = 0;              // Angstrom
  bool more_below = false;
  bool more_above = false;
};

absl::Status mismatch(const std::string& why) {
  return error({.reason = "GRID_MISMATCH",
                .field = "truth",
                .what = "the truth is not this frame's",
                .why = why,
                .remedy = "give the truth file of the same simulation"});
}

absl::StatusOr<Aligned> aligned(const fits::Frame& frame, const simulate::Truth& truth) {
  if (frame.nwave < 2 || truth.nwave < 2) return mismatch("fewer than 2 wavelengths");
  Aligned out;
  out.step = (frame.wavelength.back() - frame.wavelength.front()) / (frame.nwave - 1);
  const double truth_step =
      (truth.wavelength.back() - truth.wavelength.front()) / (truth.nwave - 1);
  const double offset = (frame.wavelength.front() - truth.wavelength.front()) / truth_step;
  if (std::abs(out.step / truth_step - 1) * frame.nwave > kSameBin ||
      std::abs(offset - std::round(offset)) > kSameBin) {
    return mismatch(absl::StrFormat("bins start at %.4f in steps of %.4f, and at %.4f in %.4f",
                                    frame.wavelength.front(), out.step, truth.wavelength.front(),
                                    truth_step));
  }
  const int first_bin = static_cast<int>(std::lround(offset));
  const int first_row = first_fibre(frame) - truth.first_fibre;
  if (first_bin >= truth.nwave || first_bin + frame.nwave <= 0 || first_row >= truth.nspec ||
      first_row + frame.nspec <= 0) {
    return mismatch("they have no bin in common");
  }
  out.more_below = first_bin > 0;
  out.more_above = first_bin + frame.nwave < truth.nwave;
  out.photons.assign(frame.flux.size(), 0.0);
  for (int s = std::max(0, -first_row); s < std::min(frame.nspec, truth.nspec - first_row); ++s) {
    for (int i = std::max(0, -first_bin); i < std::min(frame.nwave, truth.nwave - first_bin); ++i) {
      out.photons[simulate::row_major(s, frame.nwave, i)] =
          truth.photons[simulate::row_major(s + first_row, truth.nwave, i + first_bin)];
    }
  }
  return out;
}

/// (R truth) of bin i of spectrum s, photons per bin.
double resolved(const fits::Frame& frame, const std::vector<double>& photons, int s, int i) {
  const int first = std::max(0, i - frame.ndiag);
  const int last = std::min(frame.nwave - 1, i + frame.ndiag);
  double sum = 0;
  for (int j = first; j <= last; ++j) {
    const int k = i - j + frame.ndiag;
    sum += static_cast<double>(frame.resolution[simulate::row_major(s, 2 * frame.ndiag + 1, k) *
                                                    static_cast<std::size_t>(frame.nwave) +
                                                static_cast<std::size_t>(j)]) *
           photons[simulate::row_major(s, frame.nwave, j)];
  }
  return sum;
}

}  // namespace

int first_fibre(const fits::Frame& frame) {
  if (frame.fibermap.has_value() && frame.fibermap->rows > 0) {
    if (const fits::Column* fibre = frame.fibermap->find("FIBER"); fibre != nullptr) {
      return static_cast<int>(frame.fibermap->integer(*fibre, 0) % kFibresOfSpectrograph);
    }
  }
  const absl::StatusOr<std::int64_t> card = frame.header.integer("FIBERMIN");
  return card.ok() ? static_cast<int>(*card % kFibresOfSpectrograph) : 0;
}

absl::StatusOr<std::vector<double>> pulls_of(const fits::Frame& frame,
                                             const simulate::Truth& truth) {
  UNFOLD_ASSIGN_OR_RETURN(const Aligned known, aligned(frame, truth));
  std::vector<double> pulls(frame.flux.size(), std::numeric_limits<double>::quiet_NaN());
  const int begin = known.more_below ? frame.ndiag : 0;
  const int end = frame.nwave - (known.more_above ? frame.ndiag : 0);
  for (int s = 0; s < frame.nspec; ++s) {
    for (int i = begin; i < end; ++i) {
      const auto bin = simulate::row_major(s, frame.nwave, i);
      if (frame.mask[bin] != 0 || !(frame.ivar[bin] > 0)) continue;
      const double expected = resolved(frame, known.photons, s, i) / known.step;
      pulls[bin] = (static_cast<double>(frame.flux[bin]) - expected) *
                   std::sqrt(static_cast<double>(frame.ivar[bin]));
    }
  }
  return pulls;
}

}  // namespace unfold::compare
