#include "common/plan/spi_options.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/plan/ranges.h"
#include "common/plan/refuse.h"

namespace unfold::plan {
namespace {

constexpr int kLeastGrid = 9;
constexpr int kLargestGrid = 401;
constexpr std::int64_t kFewestImages = 20;  // ten in each half
constexpr int kMostGenerations = 1000;
constexpr int kMostConformations = 16;
constexpr int kMostStarts = 256;
constexpr int kMostReferences = 10'000'000;

std::string field(const char* name) { return absl::StrCat("spi.", name); }

/// The smallest number from `least` with no prime factor above 5.
std::int64_t smooth_from(std::int64_t least) {
  for (std::int64_t n = std::max<std::int64_t>(least, 1);; ++n) {
    std::int64_t rest = n;
    for (const std::int64_t prime : {2, 3, 5}) {
      while (rest % prime == 0) rest /= prime;
    }
    if (rest == 1) return n;
  }
}

void choose(v1::SpiSpec& spec) {
  if (spec.metric() == v1::SPI_METRIC_UNSPECIFIED) spec.set_metric(v1::SPI_METRIC_POISSON);
  if (!spec.has_seed()) spec.set_seed(1);
  if (!spec.has_max_generations()) spec.set_max_generations(60);
  if (!spec.has_conformations()) spec.set_conformations(1);
  if (!spec.has_phasing_starts()) spec.set_phasing_starts(16);
  if (!spec.has_scaling()) spec.set_scaling(true);
  if (!spec.has_beta_factor()) spec.set_beta_factor(1.3);
  if (!spec.has_beta_period()) spec.set_beta_period(2);
  if (!spec.has_checkpoint_every()) spec.mutable_checkpoint_every()->set_seconds(30);
}

absl::Status check_numbers(const v1::SpiSpec& spec) {
  UNFOLD_RETURN_IF_ERROR(
      check_known(field("metric"), spec.metric(), v1::SpiMetric_IsValid(spec.metric())));
  UNFOLD_RETURN_IF_ERROR(
      check_number(field("max_generations"), spec.max_generations(), 1, kMostGenerations));
  UNFOLD_RETURN_IF_ERROR(
      check_number(field("conformations"), spec.conformations(), 1, kMostConformations));
  UNFOLD_RETURN_IF_ERROR(
      check_number(field("phasing_starts"), spec.phasing_starts(), 1, kMostStarts));
  UNFOLD_RETURN_IF_ERROR(check_number(field("beta_factor"), spec.beta_factor(), 1, 100));
  UNFOLD_RETURN_IF_ERROR(check_number(field("beta_period"), spec.beta_period(), 1, 1000));
  if (spec.has_beta()) UNFOLD_RETURN_IF_ERROR(check_positive(field("beta"), spec.beta(), 1));
  if (spec.has_coarse_references()) {
    UNFOLD_RETURN_IF_ERROR(
        check_number(field("coarse_references"), spec.coarse_references(), 100, kMostReferences));
  }
  const auto ns = google::protobuf::util::TimeUtil::DurationToNanoseconds(spec.checkpoint_every());
  if (ns <= 0) {
    return out_of_range(field("checkpoint_every"),
                        absl::StrCat(static_cast<double>(ns) * 1e-9, " s"), "a time above 0");
  }
  return check_number(field("checkpoint_generations"), spec.checkpoint_generations(), 0,
                      kMostGenerations);
}

absl::Status check_background(const v1::SpiSpec& spec) {
  const bool any = spec.background() || !spec.background_file().empty();
  if (spec.background() && !spec.background_file().empty()) {
    return refuse(
        field("background"), "UNSUPPORTED", "the background is both given and to be fitted",
        absl::StrCat("there is the file ", spec.background_file()), "leave one of them out");
  }
  if (!any || spec.metric() == v1::SPI_METRIC_POISSON) return absl::OkStatus();
  return refuse(field("background"), "UNSUPPORTED",
                absl::StrCat("the metric ", word_of(spec.metric()), " knows no background"),
                "only a likelihood of photons does", "use --metric poisson");
}

absl::Status check_images(const SpiData& data, const v1::SpiSpec& spec) {
  const std::int64_t fewest = kFewestImages * spec.conformations();
  if (data.frames >= fewest) return absl::OkStatus();
  return refuse(field("data"), "TOO_FEW_IMAGES",
                absl::StrCat("there are ", data.frames, " patterns"),
                absl::StrCat("no reconstruction is tried from fewer than ", fewest),
                "add data, or select more frames");
}

/// The box: half of M voxels.
double box_of(const v1::SpiSpec& spec, double qmax) { return spec.grid() / (4 * qmax); }

void choose_grid(const SpiData& data, v1::SpiSpec& spec, std::vector<std::string>& warnings) {
  if (spec.has_grid()) return;
  double extent = spec.has_diameter() ? spec.diameter() : data.extent;
  if (extent == 0) {
    extent = 1 / (2 * data.spacing);
    warnings.push_back(absl::StrFormat(
        "the patterns do not tell how large the particle is: the box is the %.0f Angstrom that "
        "the pixels can sample [give --diameter]",
        extent));
  }
  spec.set_grid(static_cast<std::int32_t>(
      std::clamp<std::int64_t>(grid_for(extent, data.qmax), kLeastGrid, INT32_MAX)));
}

absl::Status check_grid(const SpiData& data, v1::SpiSpec& spec,
                        std::vector<std::string>& warnings) {
  if (spec.has_diameter()) {
    UNFOLD_RETURN_IF_ERROR(check_positive(field("diameter"), spec.diameter(), 1e6));
  }
  choose_grid(data, spec, warnings);
  if (spec.grid() % 2 == 0) return out_of_range(field("grid"), absl::StrCat(spec.grid()), "odd");
  if (spec.grid() > kLargestGrid) {
    return refuse(field("grid"), "TOO_LARGE",
                  absl::StrCat("the grid has ", spec.grid(), " voxels along an edge"),
                  absl::StrCat("at most ", kLargestGrid,
                               "; voxels are 1 / (2 qmax) = ", 1 / (2 * data.qmax), " Angstrom"),
                  "clip or bin the patterns, or give --diameter");
  }
  UNFOLD_RETURN_IF_ERROR(check_number(field("grid"), spec.grid(), kLeastGrid, kLargestGrid));
  const double box = box_of(spec, data.qmax);
  if (!spec.has_diameter()) spec.set_diameter(box);
  if (spec.diameter() > 2 * box) {
    return refuse(field("grid"), "OUT_OF_RANGE",
                  absl::StrFormat("a particle of %g Angstrom does not fit into %d voxels of %g",
                                  spec.diameter(), spec.grid(), 1 / (2 * data.qmax)),
                  "its autocorrelation would wrap around",
                  absl::StrCat("use --grid ", grid_for(spec.diameter(), data.qmax)));
  }
  if (spec.diameter() > 1.01 * box) {
    warnings.push_back(absl::StrFormat(
        "a particle of %g Angstrom fills more than the half of the box, %g, that the "
        "autocorrelation leaves it [--grid %d holds it]",
        spec.diameter(), box, grid_for(spec.diameter(), data.qmax)));
  }
  return absl::OkStatus();
}

}  // namespace

std::int64_t grid_for(double diameter, double qmax) {
  const auto least = static_cast<std::int64_t>(std::ceil(4 * diameter * qmax - 1e-9)) | 1;
  const std::int64_t most = (smooth_from(2 * least - 1) + 1) / 2;
  return most % 2 == 1 ? most : most - 1;
}

double angle_needed(double diameter, double qmax) { return 1 / (diameter * qmax); }

std::int64_t references_needed(double diameter, double qmax) {
  const double angle = angle_needed(diameter, qmax);
  const double count = 8 * std::numbers::pi * std::numbers::pi / (angle * angle * angle);
  return static_cast<std::int64_t>(std::ceil(std::min(count, 1e15)));
}

double images_per_voxel(std::int64_t frames, double diameter, double q) {
  return static_cast<double>(frames) / (4 * q * diameter);
}

std::int64_t images_needed(double diameter, double qmax) {
  const double edge = qmax * diameter;
  const double voxels = 16 * std::numbers::pi * edge * edge;
  return static_cast<std::int64_t>(std::ceil(4 * edge * std::log(std::max(voxels, 3.0))));
}

std::string word_of(v1::SpiMetric metric) {
  switch (metric) {
    case v1::SPI_METRIC_SQRT:
      return "sqrt";
    case v1::SPI_METRIC_EUCLID:
      return "euclid";
    default:
      return "poisson";
  }
}

spi_data::Choice choice_of(const v1::SpiSpec& spec) {
  return {.reduction = {.clip = spec.reduction().clip(), .bin = spec.reduction().bin()},
          .selection = {spec.selection().begin(), spec.selection().end()},
          .blacklist = {spec.blacklist().begin(), spec.blacklist().end()}};
}

absl::Status complete_spi(const SpiData& data, v1::SpiSpec& spec,
                          std::vector<std::string>& warnings) {
  choose(spec);
  UNFOLD_RETURN_IF_ERROR(check_numbers(spec));
  UNFOLD_RETURN_IF_ERROR(check_background(spec));
  UNFOLD_RETURN_IF_ERROR(check_images(data, spec));
  return check_grid(data, spec, warnings);
}

}  // namespace unfold::plan
