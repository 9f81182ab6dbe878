#include <cmath>
#include <stdexcept>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/simulate/compton_response.h"
#include "common/simulate/imaging_check.h"
#include "common/sky/instrument.h"

namespace unfold::simulate {
namespace {

absl::Status refuse(const std::string& field, const std::string& what, const std::string& why) {
  return error({.reason = "OUT_OF_RANGE", .field = field, .what = what, .why = why});
}

bool divides(double whole, double part) {
  return std::abs(whole / part - std::round(whole / part)) < 1e-9;
}

// A few widths give a number of scatter directions that no row of collars adds up to.
bool has_fisbel(double pixel_deg) {
  try {
    sky::fisbel(fisbel_bins(pixel_deg));
    return true;
  } catch (const std::invalid_argument&) {
    return false;
  }
}

// Conditions are written so that nan fails them.
absl::Status check_geometry(const ImagingOptions& o) {
  if (!(o.pixel_deg >= 3 && o.pixel_deg <= 30) || !divides(180, o.pixel_deg))
    return refuse("pixel_deg", "no such pixels", "3 to 30 degrees that divide 180");
  if (!has_fisbel(o.pixel_deg))
    return refuse("pixel_deg", "no binning of scatter directions has that width",
                  "FISBEL's collars do not add up; take 3, 5, 6, 9, 12 or 18 degrees");
  if (o.time_bins < 1 || o.time_bins > 100000)
    return refuse("time_bins", "the number of time bins is not in 1 .. 100000", "");
  if (o.pointings < 1 || o.pointings > 1000)
    return refuse("pointings", "the pointings of a time bin are not in 1 .. 1000", "");
  if (!(o.time_step > 0 && o.time_step < 1e7))
    return refuse("time_step", "the time step is not in 0 .. 1e7 s", "");
  if (!(o.zenith_cut_deg > 0 && o.zenith_cut_deg <= 180))
    return refuse("zenith_cut_deg", "the zenith cut is not in 0 .. 180 degrees", "");
  if (!(o.rocking_deg >= 0 && o.rocking_deg <= 90))
    return refuse("rocking_deg", "the rocking angle is not in 0 .. 90 degrees", "");
  for (const int dead : o.dead_bins)
    if (dead < 0 || dead >= o.time_bins)
      return refuse("dead_bins", "no such time bin", absl::StrCat(dead));
  return absl::OkStatus();
}

absl::Status check_sky(const ImagingOptions& o) {
  if (!(o.bulge >= 0 && o.bulge < 1e6) || !(o.disk >= 0 && o.disk < 1e6))
    return refuse("bulge", "a flux is negative or not finite", "");
  if (!(o.bulge_fwhm > 0 && o.bulge_fwhm <= 180))
    return refuse("bulge_fwhm", "the bulge's width is not in 0 .. 180 degrees", "");
  for (const SkySource& source : o.sources) {
    if (!(std::abs(source.l_deg) <= 360) || !(std::abs(source.b_deg) <= 90))
      return refuse("sources", "a source is nowhere on the sky", "l is -360 .. 360, b -90 .. 90");
    if (!(source.flux >= 0 && source.flux < 1e6))
      return refuse("sources", "a source's flux is negative or not finite", "");
  }
  return absl::OkStatus();
}

absl::Status check_instrument(const ImagingOptions& o) {
  if (!(o.effective_area > 0 && o.effective_area < 1e6))
    return refuse("effective_area", "the effective area is not in 0 .. 1e6 cm2", "");
  if (!(o.arm_fwhm > 0 && o.arm_fwhm <= 90))
    return refuse("arm_fwhm", "the angular resolution is not in 0 .. 90 degrees", "");
  if (!(o.energy > 10 && o.energy < 1e5))
    return refuse("energy", "the line is not in 10 .. 1e5 keV", "");
  if (!(o.background_counts >= 0 && o.background_counts < 1e9))
    return refuse("background_counts", "the background is not in 0 .. 1e9 counts", "");
  if (!(o.response_counts >= 1 && o.response_counts < 1e12))
    return refuse("response_counts", "a direction's counts are not in 1 .. 1e12", "");
  if (o.group_scale.empty() || o.group_scale.size() > static_cast<std::size_t>(o.time_bins))
    return refuse("group_scale", "there must be 1 .. time bins background groups", "");
  for (const double scale : o.group_scale)
    if (!(scale >= 0 && scale < 1e6))
      return refuse("group_scale", "a group's background is negative or not finite", "");
  return absl::OkStatus();
}

ImagingOptions six_degrees(int time_bins) {
  ImagingOptions options;
  options.pixel_deg = 6;
  options.time_bins = time_bins;
  return options;
}

}  // namespace

absl::StatusOr<ImagingOptions> imaging_preset(const std::string& name) {
  if (name == "tiny") return ImagingOptions();
  if (name == "medium") {
    ImagingOptions options = six_degrees(96);
    options.bulge = 0.05;
    options.disk = 0.02;
    options.sources = {{-175.4, -5.8, 0.01}, {76, 1, 0.01}};
    options.background_counts = 15000;
    return options;
  }
  if (name == "dc1") {
    ImagingOptions options = six_degrees(2240);
    options.bulge = 8e-3;
    options.disk = 1e-3;
    options.sources = {{-175.4, -5.8, 1e-3}, {76, 1, 1e-3}};
    options.background_counts = 130000;
    return options;
  }
  return error({.reason = "UNKNOWN_NAME",
                .field = "preset",
                .what = absl::StrCat("no preset \"", name, "\""),
                .remedy = "take tiny, medium or dc1"});
}

absl::Status check_imaging_options(const ImagingOptions& options) {
  if (absl::Status status = check_geometry(options); !status.ok()) return status;
  if (absl::Status status = check_sky(options); !status.ok()) return status;
  return check_instrument(options);
}

}  // namespace unfold::simulate
