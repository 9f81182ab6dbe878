#include "common/formats/imaging/histpy_source.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/cosi/orientations.h"
#include "common/formats/fits/errors.h"
#include "common/formats/imaging/dc1_time.h"
#include "common/formats/imaging/histogram_file.h"
#include "common/formats/imaging/histpy_data.h"
#include "common/formats/imaging/histpy_response.h"

namespace unfold::imaging_data {
namespace {

constexpr char kBackground[] = "background";
constexpr int kMaxInstrumentNside = 64;  // a lookup's u16
constexpr double kWholeSky = 180;        // the response itself says what is seen

absl::Status same_bins(const HistpyResponse& response, const HistpyData& data) {
  for (std::size_t i = 0; i < 3; ++i) {
    UNFOLD_RETURN_IF_ERROR(same_axis(data.histogram.file, response.data(i), data.data(i)));
  }
  return absl::OkStatus();
}

TimeBins bins_of(const HistogramAxis& time) {
  TimeBins out;
  out.start = time.edges.front();
  out.kept = time.bins();
  for (const double edge : time.edges) out.edge.push_back(edge - out.start);
  out.place.resize(static_cast<std::size_t>(out.kept));
  std::iota(out.place.begin(), out.place.end(), 0);
  return out;
}

class HistpySource final : public Source {
 public:
  static absl::StatusOr<std::unique_ptr<Source>> open(const SourceFiles& files,
                                                      const Binning& binning);

  const Header& header() const override { return header_; }
  absl::StatusOr<Counts> counts() const override;
  absl::StatusOr<Attitude> attitude() const override;
  absl::StatusOr<Background> background(const std::vector<std::string>& names) const override;
  absl::StatusOr<std::unique_ptr<ResponseRows>> response() const override {
    if (header_.response == ResponseKind::kDense) return response_.read(header_.sky.solid_angle);
    return response_.read(std::vector<double>(header_.sky.l_deg.size(), 1.0));
  }
  absl::StatusOr<std::vector<double>> truth() const override {
    return absl::NotFoundError("histograms hold no truth");
  }

 private:
  HistpySource(HistpyData data, HistpyResponse response, const Binning& binning)
      : data_(std::move(data)), response_(std::move(response)), binning_(binning) {}
  absl::Status open_background(const NamedFile& named);
  absl::Status prepare_observed(const SourceFiles& files);
  absl::Status prepare_instrument(const SourceFiles& files);
  void fill_header();
  std::vector<double> shares() const;

  HistpyData data_;
  HistpyResponse response_;
  Binning binning_;
  std::optional<HistpyData> background_;
  Pointings pointings_;
  Header header_;
};

absl::Status HistpySource::open_background(const NamedFile& named) {
  UNFOLD_ASSIGN_OR_RETURN(background_, open_histpy_data(named));
  UNFOLD_RETURN_IF_ERROR(same_bins(response_, *background_));
  if (background_->times() > 1) {
    const HistogramAxis& time = background_->histogram.axes[0];
    if (!data_.timed)
      return wrong_axis(background_->histogram.file, time.object, "the data have no Time axis");
    return same_axis(background_->histogram.file, data_.histogram.axes[0], time);
  }
  return absl::OkStatus();
}

// A response in cm2 s: rotated to the sky, of one whole observation.
absl::Status HistpySource::prepare_observed(const SourceFiles& files) {
  if (data_.times() > 1) {
    return wrong_axis(data_.histogram.file, data_.histogram.axes[0].object,
                      absl::StrCat("the data have ", data_.times(),
                                   " time bins, the response is of the whole observation"),
                      "sum the data over Time, or give an instrument response (cm2) and an .ori");
  }
  for (const HistogramAxis* axis : {&response_.sky(), &response_.data(2)}) {
    if (axis->frame.empty() || axis->frame == "galactic") continue;
    return wrong_axis(response_.file(), axis->object,
                      absl::StrCat("axis ", axis->label, " is in the frame \"",
                                   fits::printable(axis->frame), "\", not galactic"));
  }
  if (response_.unit_missing()) {
    header_.warnings.emplace_back("the response has no unit: cm2 s was taken");
  }
  if (!files.attitude.path.empty()) {
    header_.warnings.emplace_back("the attitude was not used: the response holds it already");
  }
  header_.response = ResponseKind::kDense;
  return absl::OkStatus();
}

// A response in cm2, in the instrument's frame: the attitude turns it.
absl::Status HistpySource::prepare_instrument(const SourceFiles& files) {
  const auto needs = [this](std::string why, std::string remedy) {
    return hdf5::bad_object(response_.file().shown(), response_.sky().object, "WRONG_AXIS",
                            absl::StrCat("the response is of the instrument (cm2): ", why),
                            std::move(remedy));
  };
  if (files.attitude.path.empty()) return needs("it needs an attitude", "give an .ori file");
  if (!data_.timed) return needs("the data need a Time axis", "bin the data in time");
  if (response_.energies().bins() != 1) {
    return needs("one Ei can be imaged at a time", "choose one Ei");
  }
  if (response_.sky().nside > kMaxInstrumentNside) {
    return needs(absl::StrCat("its nside is above ", kMaxInstrumentNside), "use a coarser one");
  }
  if (data_.data(2).frame == "galactic" || response_.sky().frame == "galactic") {
    return needs("PsiChi or NuLambda is galactic", "bin the data in the spacecraft's frame");
  }
  const absl::StatusOr<cosi::Orientations> rows =
      read_aspects(files.attitude.path, files.attitude.shown);
  if (!rows.ok()) return with_field(rows.status(), "attitude");
  pointings_ = orientation_pointings(
      *rows, bins_of(data_.histogram.axes[0]),
      {.step_deg = binning_.pointing_step_deg, .live = binning_.livetime, .earth = binning_.earth});
  header_.response = ResponseKind::kFactored;
  header_.pointings = static_cast<std::int64_t>(pointings_.axes.size());
  header_.neighbours = binning_.bilinear ? 4 : 1;
  if (pointings_.axes.empty()) {
    header_.warnings.emplace_back("no orientation lies within the data's time bins");
  }
  return absl::OkStatus();
}

void HistpySource::fill_header() {
  header_.format = "histpy";
  header_.sky = sky::healpix_grid(response_.sky().nside, response_.sky().nested);
  header_.energies = response_.energies().bins();
  header_.energy_fastest = true;
  header_.energy_edges = response_.energies().edges;
  header_.times = data_.times();
  header_.bins = response_.bins();
  header_.response_rows = response_.rows();
  header_.integer_counts = response_.integer_counts();
  header_.stored_counts = data_.histogram.stored();
  if (background_) {
    header_.backgrounds = {kBackground};
    header_.background_bytes = {8 * (background_->times() > 1 ? header_.times * header_.bins
                                                              : header_.times + header_.bins)};
    header_.default_background = kBackground;
    header_.dc1_background = kBackground;
  }
  header_.facts = {
      {"sky",
       absl::StrCat("HEALPix nside ", header_.sky.nside, header_.sky.nested ? " NESTED" : " RING")},
      {"energies", absl::StrFormat("%d, %g .. %g keV", header_.energies,
                                   header_.energy_edges.front(), header_.energy_edges.back())},
      {"data bins", absl::StrCat(header_.bins)},
      {"response", response_.observed() ? "of the observation (cm2 s)" : "instrument (cm2)"}};
}

absl::StatusOr<std::unique_ptr<Source>> HistpySource::open(const SourceFiles& files,
                                                           const Binning& binning) {
  absl::StatusOr<HistpyData> data = open_histpy_data(files.data);
  if (!data.ok()) return with_field(data.status(), "data");
  if (files.response.path.empty()) {
    return error({.reason = "MISSING_FILE",
                  .field = "response",
                  .what = "binned data of histpy need a response",
                  .remedy = "name it (--response)"});
  }
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::File file,
                          hdf5::File::open(files.response.path, files.response.shown));
  absl::StatusOr<HistpyResponse> response = HistpyResponse::open(file);
  if (!response.ok()) return with_field(response.status(), "response");
  std::unique_ptr<HistpySource> out(
      new HistpySource(*std::move(data), *std::move(response), binning));
  if (out->response_.bins() > std::numeric_limits<std::int32_t>::max()) {
    return wrong_axis(file, "Em, Phi, PsiChi", "there are too many data bins");
  }
  if (absl::Status s = same_bins(out->response_, out->data_); !s.ok()) {
    return with_field(s, "data");
  }
  UNFOLD_RETURN_IF_ERROR(out->response_.observed() ? out->prepare_observed(files)
                                                   : out->prepare_instrument(files));
  if (!files.background.path.empty()) {
    if (absl::Status s = out->open_background(files.background); !s.ok()) {
      return with_field(s, "background_file");
    }
  }
  out->fill_header();
  return out;
}

absl::StatusOr<Counts> HistpySource::counts() const {
  return read_histpy_counts(data_, header_.bins);
}

absl::StatusOr<Attitude> HistpySource::attitude() const {
  if (header_.response == ResponseKind::kDense) {
    return error({.code = absl::StatusCode::kFailedPrecondition,
                  .reason = "MISSING_OBJECT",
                  .what = "there is no attitude",
                  .why = "the response is of the whole observation"});
  }
  const HistogramAxis& seen = response_.sky();
  const sky::LocalGrid local{
      .kind = sky::GridKind::kHealpix, .nside = seen.nside, .nested = seen.nested};
  Attitude out;
  out.lookup = sky::make_lookup(
      pointings_.axes, header_.sky, local, kWholeSky,
      binning_.bilinear ? sky::Interpolation::kBilinear : sky::Interpolation::kNearest,
      pointings_.earth);
  out.live_time = pointings_.live_time;
  out.time_bin = pointings_.time_bin;
  out.axes = pointings_.axes;
  return out;
}

// Of a background for the whole observation, by live time; [T].
std::vector<double> HistpySource::shares() const {
  if (header_.times == 1) return {1};
  std::vector<double> out(static_cast<std::size_t>(header_.times), 0);
  for (std::size_t v = 0; v < pointings_.live_time.size(); ++v) {
    out[static_cast<std::size_t>(pointings_.time_bin[v])] += pointings_.live_time[v];
  }
  const double total = std::accumulate(out.begin(), out.end(), 0.0);
  for (double& share : out) share = total > 0 ? share / total : 0;
  return out;
}

absl::StatusOr<Background> HistpySource::background(const std::vector<std::string>& names) const {
  Background out;
  out.group.assign(static_cast<std::size_t>(header_.times), 0);
  for (const std::string& name : names) {
    if (!background_ || name != kBackground) {
      return error({.code = absl::StatusCode::kNotFound,
                    .reason = "NO_SUCH_BACKGROUND",
                    .field = "background",
                    .what = absl::StrCat("no background \"", fits::printable(name), "\""),
                    .why = background_ ? "the file's is called background" : "no file was given",
                    .remedy = "name a background file (--background-file)"});
    }
    UNFOLD_ASSIGN_OR_RETURN(std::vector<double> cells,
                            read_cells(background_->histogram, kMostHistogramCells));
    for (const double value : cells) {
      if (value >= 0 && std::isfinite(value)) continue;
      return hdf5::bad_object(background_->histogram.file.shown(), "hist/contents", "BAD_VALUE",
                              absl::StrCat("a value is ", value), "give expected counts >= 0");
    }
    BackgroundTemplate one;
    one.name = name;
    if (background_->times() > 1) {
      one.full = std::move(cells);
      one.bins = header_.bins;
    } else {
      one.spectrum = std::move(cells);
      one.scale = shares();
    }
    out.components.push_back(std::move(one));
  }
  return out;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Source>> open_histpy_source(const SourceFiles& files,
                                                           const Binning& binning) {
  return HistpySource::open(files, binning);
}

}  // namespace unfold::imaging_data
