#include "common/plan/imaging_checks.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/plan/imaging_options.h"
#include "common/plan/ranges.h"
#include "common/plan/refuse.h"

namespace unfold::plan {
namespace {

constexpr int kMostRegions = 1'000;
constexpr int kMostSavedMaps = 1'000;
constexpr std::size_t kLongestName = 64;

bool holds_a_pixel(const v1::SkyRegion& region, const sky::Grid& grid) {
  constexpr double kRadian = std::numbers::pi / 180;
  const auto unit = [](double l, double b) {
    return std::array{std::cos(b * kRadian) * std::cos(l * kRadian),
                      std::cos(b * kRadian) * std::sin(l * kRadian), std::sin(b * kRadian)};
  };
  const auto centre = unit(region.l(), region.b());
  for (std::size_t p = 0; p < grid.l_deg.size(); ++p) {
    const auto pixel = unit(grid.l_deg[p], grid.b_deg[p]);
    const double cosine = centre[0] * pixel[0] + centre[1] * pixel[1] + centre[2] * pixel[2];
    if (std::acos(std::clamp(cosine, -1.0, 1.0)) <= region.radius() * kRadian) return true;
  }
  return false;
}

bool good_name(const std::string& name) {
  return !name.empty() && name.size() <= kLongestName &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

std::string imaging_field(const std::string& name) { return absl::StrCat("imaging.", name); }

absl::Status check_saved(v1::ImagingSpec& spec) {
  auto& saved = *spec.mutable_save_iterations();
  for (const std::int32_t at : saved) {
    if (at >= 1 && at <= spec.iterations()) continue;
    return out_of_range(imaging_field("save_iterations"), absl::StrCat(at),
                        absl::StrCat("from 1 to the iterations, ", spec.iterations()));
  }
  std::sort(saved.begin(), saved.end());
  saved.erase(std::unique(saved.begin(), saved.end()), saved.end());
  if (saved.size() <= kMostSavedMaps) return absl::OkStatus();
  return out_of_range(imaging_field("save_iterations"), absl::StrCat(saved.size(), " maps"),
                      absl::StrCat("at most ", kMostSavedMaps));
}

absl::Status choose_background(const imaging_data::Header& data, bool dc1, v1::ImagingSpec& spec,
                               std::vector<std::string>& warnings) {
  if (spec.background().empty()) {
    const bool own = dc1 && !data.dc1_background.empty();
    const std::string& name = own ? data.dc1_background : data.default_background;
    if (!name.empty()) {
      spec.add_background(name);
    } else {
      warnings.emplace_back("no background template: every count is taken for the sky's");
    }
  }
  std::set<std::string> seen;
  for (const std::string& name : spec.background()) {
    if (!seen.insert(name).second) {
      return refuse(imaging_field("background"), "OUT_OF_RANGE",
                    absl::StrCat("the background \"", name, "\" is given twice"), "",
                    "name it once");
    }
    if (std::find(data.backgrounds.begin(), data.backgrounds.end(), name) !=
        data.backgrounds.end()) {
      continue;
    }
    const std::string known = absl::StrJoin(data.backgrounds, ", ");
    return refuse(imaging_field("background"), "OUT_OF_RANGE",
                  absl::StrCat("there is no background \"", name, "\""),
                  known.empty() ? "the data has none" : absl::StrCat("the data has ", known),
                  "name one of those");
  }
  return absl::OkStatus();
}

absl::Status check_smoothing(const imaging_data::Header& data, double fwhm_deg) {
  constexpr double kMostPixels = 65'536;  // looking at all pairs takes seconds then
  constexpr double kMostPairs = 1e8;      // 12 bytes each
  UNFOLD_RETURN_IF_ERROR(check_number(imaging_field("smooth"), fwhm_deg, 0, 180));
  if (fwhm_deg == 0) return absl::OkStatus();
  const auto pixels = static_cast<double>(data.sky.pixels());
  const double sigma = fwhm_deg * std::numbers::pi / 180 / std::sqrt(8 * std::numbers::ln2);
  const double share = (1 - std::cos(std::min(4 * sigma, std::numbers::pi))) / 2;
  if (pixels <= kMostPixels && pixels * pixels * share <= kMostPairs) return absl::OkStatus();
  return refuse(imaging_field("smooth"), "OUT_OF_RANGE",
                absl::StrCat(pixels, " pixels cannot be smoothed by ", fwhm_deg, " degrees"),
                absl::StrCat("at most ", kMostPixels, " can, and ", kMostPairs,
                             " pairs of pixels within four sigmas"),
                "smooth less, or use larger pixels");
}

absl::Status check_regions(const imaging_data::Header& data, const v1::ImagingSpec& spec) {
  UNFOLD_RETURN_IF_ERROR(
      check_number(imaging_field("regions"), spec.regions_size(), 0, kMostRegions));
  std::set<std::string> names;
  for (const v1::SkyRegion& region : spec.regions()) {
    if (!good_name(region.name())) {
      return out_of_range(imaging_field("regions.name"), absl::StrCat("\"", region.name(), "\""),
                          absl::StrCat("1 to ", kLongestName, " printable characters, no spaces"));
    }
    if (!names.insert(region.name()).second) {
      return out_of_range(imaging_field("regions.name"),
                          absl::StrCat("\"", region.name(), "\" twice"), "unique");
    }
    UNFOLD_RETURN_IF_ERROR(check_number(imaging_field("regions.l"), region.l(), -360, 360));
    UNFOLD_RETURN_IF_ERROR(check_number(imaging_field("regions.b"), region.b(), -90, 90));
    UNFOLD_RETURN_IF_ERROR(check_positive(imaging_field("regions.radius"), region.radius(), 180));
    if (!holds_a_pixel(region, data.sky)) {
      return refuse(imaging_field("regions"), "OUT_OF_RANGE",
                    absl::StrCat("the region ", region.name(), " holds no pixel's centre"),
                    absl::StrCat("its radius is ", region.radius(), " degrees"),
                    "choose a larger radius");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<imaging_data::Binning> binning_of(const v1::ImagingSpec& spec) {
  imaging_data::Binning out;
  const v1::EventBinning& in = spec.binning();
  if (in.has_energy_min()) out.energy_min = in.energy_min();
  if (in.has_energy_max()) out.energy_max = in.energy_max();
  if (in.has_time_step()) out.time_step = in.time_step();
  if (in.has_pointing_step()) out.pointing_step_deg = in.pointing_step();
  if (in.has_zenith_cut()) out.zenith_cut_deg = in.zenith_cut();
  if (in.has_pixel()) out.pixel_deg = in.pixel();
  out.bilinear = in.bilinear();
  out.livetime = !in.ignore_livetime();
  out.earth = !in.ignore_earth();
  out.group_starts.assign(in.group_starts().begin(), in.group_starts().end());
  UNFOLD_RETURN_IF_ERROR(check_number(imaging_field("binning.energy_min"), out.energy_min, 0, 1e9));
  if (!(out.energy_max > out.energy_min && out.energy_max <= 1e9)) {
    return out_of_range(imaging_field("binning.energy_max"), absl::StrCat(out.energy_max),
                        "above energy_min");
  }
  UNFOLD_RETURN_IF_ERROR(check_positive(imaging_field("binning.time_step"), out.time_step, 1e9));
  UNFOLD_RETURN_IF_ERROR(
      check_positive(imaging_field("binning.pointing_step"), out.pointing_step_deg, 180));
  UNFOLD_RETURN_IF_ERROR(
      check_positive(imaging_field("binning.zenith_cut"), out.zenith_cut_deg, 180));
  UNFOLD_RETURN_IF_ERROR(check_number(imaging_field("binning.pixel"), out.pixel_deg, 0.5, 90));
  const double rows = 180 / out.pixel_deg;
  if (std::abs(rows - std::round(rows)) > 1e-9) {
    return out_of_range(imaging_field("binning.pixel"), absl::StrCat(out.pixel_deg),
                        "a divisor of 180 degrees");
  }
  std::int64_t last = -1;
  for (const std::int64_t start : out.group_starts) {
    if (start <= last) {
      return out_of_range(imaging_field("binning.group_starts"), absl::StrCat(start),
                          "increasing from 0 or more");
    }
    last = start;
  }
  return out;
}

}  // namespace unfold::plan
