#include "common/formats/imaging/hdf5_source.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/imaging/hdf5_attitude.h"
#include "common/formats/imaging/hdf5_background.h"
#include "common/formats/imaging/hdf5_counts.h"
#include "common/formats/imaging/hdf5_response.h"
#include "common/formats/imaging/hdf5_sky.h"

namespace unfold::imaging_data {
namespace {

constexpr char kGroup[] = "in";
constexpr char kLive[] = "background_live";
constexpr char kDc1[] = "background_dc1";
constexpr double kMost = std::numeric_limits<double>::max();
constexpr std::int64_t kMostBins = std::numeric_limits<std::int32_t>::max();

absl::StatusOr<Fields> open_fields(const NamedFile& named) {
  UNFOLD_ASSIGN_OR_RETURN(hdf5::File file, hdf5::File::open(named.path, named.shown));
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::ObjectKind kind, file.kind_of(kGroup));
  return Fields(std::move(file), kind == hdf5::ObjectKind::kGroup ? kGroup : "");
}

struct Parts {
  Fields data;
  Fields background;
  ResponsePlace response;
  CountsPlace counts;
  AttitudePlace attitude{};
  Header header{};
};

absl::Status check_counts(const Parts& parts) {
  if (parts.counts.bins < 0 || parts.counts.bins == parts.header.bins) return absl::OkStatus();
  return parts.response.rows.problem(
      "WRONG_SHAPE",
      absl::StrCat("it has ", parts.header.bins, " data bins, counts have ", parts.counts.bins),
      "name the response that belongs to these counts");
}

// The model's pixels and energies against the response's axes.
absl::Status fill_response(Parts& parts) {
  Header& header = parts.header;
  const std::vector<std::int64_t>& shape = parts.response.rows.info().shape;
  header.response = parts.response.kind;
  header.response_rows = parts.response.row_count();
  header.integer_counts = parts.response.scale.has_value();
  header.bins = shape.back();
  if (header.bins > kMostBins) return parts.response.rows.problem("TOO_LARGE", "too many bins");
  UNFOLD_RETURN_IF_ERROR(check_counts(parts));
  UNFOLD_ASSIGN_OR_RETURN(header.response_digest, response_digest(parts.response));
  if (parts.response.others_ignored) {
    header.warnings.push_back(
        "R was not used: the file has an instrument response too "
        "[for R, name a response file that has it alone]");
  }
  if (header.response == ResponseKind::kFactored) return absl::OkStatus();
  header.energies = shape.size() == 4 ? shape[1] : 1;
  if (shape[0] == header.times && shape[shape.size() - 2] == header.sky.pixels()) {
    return absl::OkStatus();
  }
  return parts.response.rows.problem(
      "WRONG_SHAPE",
      absl::StrCat("its shape is ", parts.response.rows.info().shape_text(), "; the data have ",
                   header.times, " time bins and ", header.sky.pixels(), " pixels"));
}

absl::Status fill_energies(const Fields& data, Header& header) {
  const Field edges{"energy_edges", {header.energies + 1}, "[E+1]", Unit::kEnergy};
  UNFOLD_ASSIGN_OR_RETURN(const auto there, data.optional_dataset(edges));
  if (!there) return absl::OkStatus();
  UNFOLD_ASSIGN_OR_RETURN(header.energy_edges, data.numbers(edges, 0, kMost));
  if (std::adjacent_find(header.energy_edges.begin(), header.energy_edges.end(),
                         std::greater_equal<>()) != header.energy_edges.end()) {
    return there->problem("BAD_VALUE", "the edges do not increase", "sort them");
  }
  return absl::OkStatus();
}

absl::Status fill_backgrounds(Parts& parts) {
  Header& header = parts.header;
  UNFOLD_ASSIGN_OR_RETURN(header.backgrounds, background_names(parts.background));
  for (const std::string& name : header.backgrounds) {
    UNFOLD_ASSIGN_OR_RETURN(const std::int64_t numbers,
                            count_background(parts.background, name, header.times, header.bins));
    header.background_bytes.push_back(8 * numbers);
  }
  const auto chosen = [&](const char* name) -> std::string {
    const auto& names = header.backgrounds;
    if (std::find(names.begin(), names.end(), name) != names.end()) return name;
    return names.empty() ? "" : names.front();
  };
  header.default_background = chosen(kLive);
  header.dc1_background = chosen(kDc1);
  return absl::OkStatus();
}

void fill_facts(Header& header) {
  const sky::Grid& sky = header.sky;
  header.facts["sky"] =
      sky.kind == sky::GridKind::kRegular
          ? absl::StrCat(sky.nb, " x ", sky.nl, " pixels of ", 180.0 / sky.nb, " deg")
          : absl::StrCat("HEALPix nside ", sky.nside, sky.nested ? " NESTED" : " RING");
  header.facts["time bins"] = absl::StrCat(header.times);
  header.facts["data bins"] = absl::StrCat(header.bins);
  if (header.pointings > 0) header.facts["pointings"] = absl::StrCat(header.pointings);
  header.facts["response"] = header.response == ResponseKind::kDense ? "dense"
                             : header.integer_counts                 ? "instrument, integer counts"
                                                                     : "instrument";
}

absl::Status fill_header(Parts& parts) {
  Header& header = parts.header;
  header.format = "unfold";
  header.times = parts.counts.times;
  header.stored_counts = parts.counts.stored;
  if (header.times < 1) {
    return hdf5::bad_object(parts.data.file().shown(), parts.data.path("counts"), "WRONG_SHAPE",
                            "it has no time bins");
  }
  UNFOLD_ASSIGN_OR_RETURN(header.sky, read_sky(parts.data));
  UNFOLD_RETURN_IF_ERROR(fill_response(parts));
  UNFOLD_RETURN_IF_ERROR(fill_energies(parts.data, header));
  if (header.response == ResponseKind::kFactored) {
    UNFOLD_ASSIGN_OR_RETURN(parts.attitude,
                            find_attitude(parts.data, header.times, header.sky.pixels()));
    header.pointings = parts.attitude.pointings;
    header.neighbours = parts.attitude.neighbours;
  }
  UNFOLD_RETURN_IF_ERROR(fill_backgrounds(parts));
  fill_facts(header);
  return absl::OkStatus();
}

/// Reads parts as they are asked for. Immutable.
class Hdf5Source final : public Source {
 public:
  explicit Hdf5Source(Parts parts) : parts_(std::move(parts)) {}

  const Header& header() const override { return parts_.header; }

  absl::StatusOr<Counts> counts() const override {
    return read_counts(parts_.data, parts_.counts, header().bins);
  }

  absl::StatusOr<Attitude> attitude() const override {
    if (header().response == ResponseKind::kDense) {
      return error({.code = absl::StatusCode::kFailedPrecondition,
                    .reason = "MISSING_OBJECT",
                    .what = "there is no attitude",
                    .why = "the response is dense"});
    }
    return read_attitude(parts_.data, parts_.attitude, header().times, header().sky.pixels(),
                         header().response_rows);
  }

  absl::StatusOr<Background> background(const std::vector<std::string>& names) const override {
    Background out;
    for (const std::string& name : names) {
      if (std::find(header().backgrounds.begin(), header().backgrounds.end(), name) ==
          header().backgrounds.end()) {
        return hdf5::bad_object(parts_.background.file().shown(), parts_.background.path(name),
                                "MISSING_OBJECT", "there is no such background",
                                "name one of the file's own");
      }
      UNFOLD_ASSIGN_OR_RETURN(
          BackgroundTemplate one,
          read_background(parts_.background, name, header().times, header().bins));
      out.components.push_back(std::move(one));
    }
    UNFOLD_RETURN_IF_ERROR(fill_groups(out));
    return out;
  }

  absl::StatusOr<std::unique_ptr<ResponseRows>> response() const override {
    return response_rows(parts_.response);
  }

  absl::StatusOr<std::vector<double>> truth() const override {
    const Field field{
        "truth", {header().sky.pixels() * header().energies}, "[P * E]", Unit::kIntensity};
    return parts_.data.numbers(field, 0, kMost);
  }

 private:
  absl::Status fill_groups(Background& out) const {
    const Field field{"group", {header().times}, "[T]", Unit::kCounts};
    UNFOLD_ASSIGN_OR_RETURN(const auto there, parts_.data.optional_dataset(field));
    out.group.assign(static_cast<std::size_t>(header().times), 0);
    if (!there) return absl::OkStatus();
    UNFOLD_ASSIGN_OR_RETURN(const auto groups, parts_.data.integers(field, 0, header().times - 1));
    out.group.assign(groups.begin(), groups.end());
    out.groups = 1 + *std::max_element(groups.begin(), groups.end());
    return absl::OkStatus();
  }

  Parts parts_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Source>> open_hdf5_source(const SourceFiles& files) {
  UNFOLD_ASSIGN_OR_RETURN(const Fields data, open_fields(files.data));
  Fields background = data;
  Fields response = data;
  if (!files.background.path.empty()) {
    UNFOLD_ASSIGN_OR_RETURN(background, open_fields(files.background));
  }
  if (!files.response.path.empty()) {
    UNFOLD_ASSIGN_OR_RETURN(response, open_fields(files.response));
  }
  UNFOLD_ASSIGN_OR_RETURN(const CountsPlace counts, find_counts(data));
  UNFOLD_ASSIGN_OR_RETURN(ResponsePlace place, find_response(response));
  Parts parts{data, std::move(background), std::move(place), counts};
  UNFOLD_RETURN_IF_ERROR(fill_header(parts));
  return std::make_unique<Hdf5Source>(std::move(parts));
}

}  // namespace unfold::imaging_data
