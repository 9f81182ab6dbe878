#include "common/formats/imaging/hdf5_sky.h"

#include <bit>
#include <cmath>
#include <limits>
#include <numbers>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace unfold::imaging_data {
namespace {

constexpr double kCentreTolerance = 1e-4;  // degrees
constexpr double kMostPixels = 12.0 * 1024 * 1024;

absl::Status bad_attribute(const Fields& fields, const std::string& why) {
  return hdf5::bad_object(fields.file().shown(), fields.group(), "BAD_VALUE", why,
                          "give nl, nb and pix_deg, or nside and ordering");
}

bool is_whole(double value, double least, double most) {
  return value >= least && value <= most && std::floor(value) == value;
}

absl::StatusOr<sky::Grid> healpix(const Fields& fields, double nside) {
  if (!is_whole(nside, 1, 1024) || !std::has_single_bit(static_cast<unsigned>(nside))) {
    return bad_attribute(fields, absl::StrCat("its nside is ", nside));
  }
  UNFOLD_ASSIGN_OR_RETURN(const auto ordering, fields.text_attribute("ordering"));
  const std::string order = absl::AsciiStrToUpper(ordering.value_or("RING"));
  if (order != "RING" && order != "NESTED" && order != "NEST") {
    return bad_attribute(fields, absl::StrCat("its ordering is \"", order, "\""));
  }
  return sky::healpix_grid(static_cast<int>(nside), order != "RING");
}

absl::StatusOr<sky::Grid> regular(const Fields& fields) {
  UNFOLD_ASSIGN_OR_RETURN(const auto nl, fields.number_attribute("nl"));
  UNFOLD_ASSIGN_OR_RETURN(const auto nb, fields.number_attribute("nb"));
  UNFOLD_ASSIGN_OR_RETURN(const auto step, fields.number_attribute("pix_deg"));
  if (!nl || !nb || !step) return bad_attribute(fields, "its attributes tell no sky grid");
  const bool sane = is_whole(*nl, 1, kMostPixels) && is_whole(*nb, 1, kMostPixels) &&
                    *nl * *nb <= kMostPixels && *nl == 2 * *nb &&
                    std::abs(*step * *nb - 180) < kCentreTolerance;
  if (!sane) {
    return bad_attribute(fields, absl::StrCat("nl ", *nl, ", nb ", *nb, " and pix_deg ", *step,
                                              " do not cover the sky"));
  }
  return sky::regular_grid(180 / *nb);
}

double turned(double degrees) { return degrees - 360 * std::round(degrees / 360); }

absl::Status check_centres(const Fields& fields, const sky::Grid& grid) {
  const std::int64_t pixels = grid.pixels();
  UNFOLD_ASSIGN_OR_RETURN(const auto l,
                          fields.numbers({"l_deg", {pixels}, "[P]", Unit::kAngle}, -360, 360));
  UNFOLD_ASSIGN_OR_RETURN(const auto b,
                          fields.numbers({"b_deg", {pixels}, "[P]", Unit::kAngle}, -90, 90));
  for (std::size_t p = 0; p < l.size(); ++p) {
    const bool same_l = std::abs(turned(l[p] - grid.l_deg[p])) < kCentreTolerance;
    const bool same_b = std::abs(b[p] - grid.b_deg[p]) < kCentreTolerance;
    if (same_l && same_b) continue;
    const std::string name = same_l ? "b_deg" : "l_deg";
    UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset at, fields.file().dataset(fields.path(name)));
    return bad_value(at, static_cast<std::int64_t>(p), same_l ? b[p] : l[p],
                     absl::StrCat("the pixel's centre, ", same_l ? grid.b_deg[p] : grid.l_deg[p]));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<sky::Grid> read_sky(const Fields& fields) {
  UNFOLD_ASSIGN_OR_RETURN(const auto nside, fields.number_attribute("nside"));
  UNFOLD_ASSIGN_OR_RETURN(sky::Grid grid, nside ? healpix(fields, *nside) : regular(fields));
  UNFOLD_RETURN_IF_ERROR(check_centres(fields, grid));
  UNFOLD_ASSIGN_OR_RETURN(
      grid.solid_angle,
      fields.numbers({"dOmega", {grid.pixels()}, "[P]", Unit::kSolidAngle},
                     std::numeric_limits<double>::min(), 4 * std::numbers::pi * (1 + 1e-9)));
  return grid;
}

}  // namespace unfold::imaging_data
