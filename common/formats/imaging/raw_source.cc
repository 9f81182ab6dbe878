#include "common/formats/imaging/raw_source.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/cosi/events.h"
#include "common/formats/cosi/npz.h"
#include "common/formats/cosi/orientations.h"
#include "common/formats/fits/errors.h"
#include "common/formats/imaging/dc1_template.h"
#include "common/formats/imaging/dc1_time.h"
#include "common/formats/imaging/raw_events.h"
#include "common/formats/imaging/response_grid.h"

namespace unfold::imaging_data {
namespace {

constexpr char kDc1[] = "background_dc1";
constexpr char kLive[] = "background_live";

std::vector<std::int32_t> positive_bins(const std::vector<double>& background) {
  std::vector<std::int32_t> out;
  for (std::size_t i = 0; i < background.size(); ++i) {
    if (background[i] > 0) out.push_back(static_cast<std::int32_t>(i));
  }
  return out;
}

absl::StatusOr<std::vector<std::int32_t>> groups_of(const std::vector<std::int64_t>& starts,
                                                    std::int64_t times) {
  std::int64_t before = -1;
  for (const std::int64_t start : starts) {
    if (start <= before || start >= times) {
      return error({.reason = "BAD_BINNING",
                    .field = "binning.group_starts",
                    .what = absl::StrCat("no background group can begin at time bin ", start),
                    .why = absl::StrCat("starts rise, within the ", times, " bins with events"),
                    .remedy = "correct the list"});
    }
    before = start;
  }
  std::vector<std::int32_t> out(static_cast<std::size_t>(times), 0);
  for (const std::int64_t start : starts) {
    if (start == 0) continue;
    for (std::size_t t = static_cast<std::size_t>(start); t < out.size(); ++t) ++out[t];
  }
  return out;
}

class Dc1Source : public RawSource {
 public:
  static absl::StatusOr<std::unique_ptr<RawSource>> open(const SourceFiles& files,
                                                         const Binning& binning);

  const Header& header() const override { return header_; }
  const RawSummary& summary() const override { return summary_; }
  const std::vector<std::int32_t>& cds_index() const override { return kept_; }
  absl::StatusOr<Counts> counts() const override { return counts_; }
  absl::StatusOr<Attitude> attitude() const override;
  absl::StatusOr<Background> background(const std::vector<std::string>& names) const override;
  absl::StatusOr<std::unique_ptr<ResponseRows>> response() const override {
    return with_field(grid_.read(kept_));
  }
  absl::StatusOr<std::vector<double>> truth() const override {
    return absl::NotFoundError("raw events hold no truth");
  }

 private:
  Dc1Source(const Binning& binning, ResponseGrid grid)
      : binning_(binning), space_(binning.pixel_deg), grid_(std::move(grid)) {}
  static absl::StatusOr<std::unique_ptr<ResponseRows>> with_field(
      absl::StatusOr<std::unique_ptr<ResponseRows>> rows) {
    if (rows.ok()) return rows;
    return unfold::with_field(rows.status(), "response");
  }
  absl::Status read_background(const NamedFile& file);
  void count(const RawEvents& events);
  void count_time_bin(std::vector<std::int32_t>& bins);
  void fill_header(const SourceFiles& files);
  void warn();

  Binning binning_;
  DataSpace space_;
  ResponseGrid grid_;
  RawSummary summary_;
  Header header_;
  std::vector<std::int32_t> kept_;  // [D]
  std::vector<double> spectrum_;    // [D] of the template
  TimeBins bins_;
  Pointings pointings_;
  Counts counts_;
  double mean_counts_ = 0;  // of a time bin, whether the template knows their CDS bins or not
  std::vector<double> live_time_;  // [T]
  std::vector<std::int32_t> group_;
};

absl::Status Dc1Source::read_background(const NamedFile& file) {
  UNFOLD_ASSIGN_OR_RETURN(const cosi::NpzFile npz, cosi::NpzFile::open(file.path, file.shown));
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<double> all,
                          read_template(npz, binning_.energy_min, binning_.energy_max,
                                        space_.phi_bins, space_.directions));
  kept_ = positive_bins(all);
  if (kept_.empty()) return npz.wrong("bg_response", "it is zero in this energy window");
  for (const std::int32_t bin : kept_) spectrum_.push_back(all[static_cast<std::size_t>(bin)]);
  return absl::OkStatus();
}

void Dc1Source::count_time_bin(std::vector<std::int32_t>& bins) {
  std::sort(bins.begin(), bins.end());
  for (std::size_t i = 0; i < bins.size(); ++i) {
    if (i > 0 && bins[i] == bins[i - 1]) {
      counts_.value.back() += 1;
      continue;
    }
    counts_.bin.push_back(bins[i]);
    counts_.value.push_back(1);
  }
  counts_.begin.push_back(static_cast<std::ptrdiff_t>(counts_.bin.size()));
  bins.clear();
}

void Dc1Source::count(const RawEvents& events) {
  std::vector<std::int32_t> kept_place(static_cast<std::size_t>(space_.size()), -1);
  for (std::size_t i = 0; i < kept_.size(); ++i) {
    kept_place[static_cast<std::size_t>(kept_[i])] = static_cast<std::int32_t>(i);
  }
  counts_.begin.assign(1, 0);
  std::vector<std::int32_t> in_bin;
  std::int64_t present = bins_.bin_of(events.time.front());
  std::int64_t in_window = 0;
  for (std::size_t i = 0; i < events.time.size(); ++i) {
    const std::int64_t time_bin = bins_.bin_of(events.time[i]);
    if (time_bin < 0) {
      ++summary_.outside_time_bins;
      continue;
    }
    if (time_bin != present) {
      count_time_bin(in_bin);
      present = time_bin;
    }
    const std::int32_t cds = events.cds_bin[i];
    if (cds < 0) {
      ++(cds == kOutsideEnergy ? summary_.outside_energy : summary_.outside_binning);
      continue;
    }
    ++in_window;
    const std::int32_t place = kept_place[static_cast<std::size_t>(cds)];
    if (place < 0) {
      ++summary_.outside_template;
      continue;
    }
    ++summary_.binned;
    in_bin.push_back(place);
  }
  count_time_bin(in_bin);
  mean_counts_ = static_cast<double>(in_window) / static_cast<double>(bins_.kept);
}

void Dc1Source::warn() {
  const auto none = std::count(live_time_.begin(), live_time_.end(), 0.0);
  if (none > 0) {
    header_.warnings.push_back(
        absl::StrCat(none,
                     " time bins with events have no live time: check that orientations and "
                     "events are of the same days"));
  }
  if (!summary_.empty_time_bins.empty()) {
    header_.warnings.push_back(
        absl::StrCat(summary_.empty_time_bins.size(),
                     " time bins have no events and were dropped with their exposure, as in DC1"));
  }
  if (summary_.binned == 0) header_.warnings.emplace_back("no event was selected");
}

void Dc1Source::fill_header(const SourceFiles& files) {
  header_.format = "dc1";
  header_.sky = sky::regular_grid(binning_.pixel_deg);
  header_.energy_edges = {binning_.energy_min, binning_.energy_max};
  header_.times = bins_.kept;
  header_.bins = static_cast<std::int64_t>(kept_.size());
  header_.pointings = static_cast<std::int64_t>(pointings_.axes.size());
  header_.neighbours = binning_.bilinear ? 4 : 1;
  header_.response_rows = grid_.rows();
  header_.backgrounds = {kDc1, kLive};
  header_.background_bytes.assign(2, 8 * (header_.bins + header_.times));
  header_.default_background = kLive;
  header_.dc1_background = kDc1;
  header_.stored_counts = static_cast<std::int64_t>(counts_.bin.size());
  header_.facts = {
      {"events", absl::StrCat(summary_.events)},
      {"counts", absl::StrCat(summary_.binned)},
      {"energy", absl::StrFormat("%g .. %g keV", binning_.energy_min, binning_.energy_max)},
      {"time bins", absl::StrCat(summary_.time_bins)},
      {"live time", absl::StrFormat("%.1f s", summary_.live_time)},
      {"aspect", files.attitude.path.empty() ? "of the events" : files.attitude.shown}};
  warn();
}

absl::StatusOr<Attitude> Dc1Source::attitude() const {
  Attitude out;
  const sky::LocalGrid local{.step_deg = grid_.step_deg()};
  out.lookup = sky::make_lookup(
      pointings_.axes, header_.sky, local, binning_.zenith_cut_deg,
      binning_.bilinear ? sky::Interpolation::kBilinear : sky::Interpolation::kNearest,
      pointings_.earth);
  out.live_time = pointings_.live_time;
  out.time_bin = pointings_.time_bin;
  out.axes = pointings_.axes;
  return out;
}

absl::StatusOr<Background> Dc1Source::background(const std::vector<std::string>& names) const {
  Background out;
  out.group = group_;
  out.groups = group_.empty() ? 1 : group_.back() + 1;
  const double longest = *std::max_element(live_time_.begin(), live_time_.end());
  for (const std::string& name : names) {
    if (name != kDc1 && name != kLive) {
      return error({.code = absl::StatusCode::kNotFound,
                    .reason = "NO_SUCH_BACKGROUND",
                    .field = "background",
                    .what = absl::StrCat("no background \"", fits::printable(name), "\""),
                    .why = absl::StrCat("raw events have ", kDc1, " and ", kLive),
                    .remedy = "name one of these"});
    }
    BackgroundTemplate component;
    component.name = name;
    component.spectrum = spectrum_;
    for (const double live : live_time_) {
      const double share = name == kDc1 ? 1 : longest > 0 ? live / longest : 0;
      component.scale.push_back(mean_counts_ * share);
    }
    out.components.push_back(std::move(component));
  }
  return out;
}

absl::StatusOr<Pointings> find_pointings(const SourceFiles& files, const Binning& binning,
                                         const RawEvents& events, const TimeBins& bins) {
  if (files.attitude.path.empty()) {
    return event_pointings(events.time, events.aspect, bins, binning.pointing_step_deg);
  }
  const absl::StatusOr<cosi::Orientations> rows =
      read_aspects(files.attitude.path, files.attitude.shown);
  if (!rows.ok()) return with_field(rows.status(), "attitude");
  return orientation_pointings(
      *rows, bins,
      {.step_deg = binning.pointing_step_deg, .live = binning.livetime, .earth = binning.earth});
}

absl::Status need(const NamedFile& file, const char* field, const char* what, const char* remedy) {
  if (!file.path.empty()) return absl::OkStatus();
  return error({.reason = "MISSING_FILE",
                .field = field,
                .what = absl::StrCat("raw events need ", what),
                .remedy = remedy});
}

absl::StatusOr<std::unique_ptr<RawSource>> Dc1Source::open(const SourceFiles& files,
                                                           const Binning& binning) {
  UNFOLD_RETURN_IF_ERROR(check_binning(binning));
  UNFOLD_RETURN_IF_ERROR(
      need(files.response, "response", "a response (ResponseGrid .npz)", "name it (--response)"));
  UNFOLD_RETURN_IF_ERROR(need(files.background, "background_file", "a background (.npz)",
                              "name it (--background-file)"));
  const DataSpace space(binning.pixel_deg);
  absl::StatusOr<ResponseGrid> grid =
      ResponseGrid::open(files.response, binning, space.phi_bins, space.directions);
  if (!grid.ok()) return unfold::with_field(grid.status(), "response");
  std::unique_ptr<Dc1Source> out(new Dc1Source(binning, *std::move(grid)));
  if (absl::Status status = out->read_background(files.background); !status.ok()) {
    return unfold::with_field(status, "background_file");
  }
  const absl::StatusOr<RawEvents> events =
      read_raw_events(files.data, binning, space, files.attitude.path.empty(), out->summary_);
  if (!events.ok()) return unfold::with_field(events.status(), "data");
  out->bins_ = time_bins(events->time, binning.time_step);
  UNFOLD_ASSIGN_OR_RETURN(out->pointings_, find_pointings(files, binning, *events, out->bins_));
  UNFOLD_ASSIGN_OR_RETURN(out->group_, groups_of(binning.group_starts, out->bins_.kept));
  out->count(*events);
  out->live_time_.assign(static_cast<std::size_t>(out->bins_.kept), 0);
  for (std::size_t v = 0; v < out->pointings_.live_time.size(); ++v) {
    const auto t = static_cast<std::size_t>(out->pointings_.time_bin[v]);
    out->live_time_[t] += out->pointings_.live_time[v];
  }
  RawSummary& summary = out->summary_;
  summary.time_bins = out->bins_.kept;
  summary.empty_time_bins = out->bins_.empty;
  summary.pointings = static_cast<std::int64_t>(out->pointings_.axes.size());
  summary.pointings_dropped = out->pointings_.dropped;
  summary.live_time = std::accumulate(out->live_time_.begin(), out->live_time_.end(), 0.0);
  out->fill_header(files);
  absl::StatusOr<std::string> digest = out->grid_.digest(out->kept_);
  if (!digest.ok()) return unfold::with_field(digest.status(), "response");
  out->header_.response_digest = *std::move(digest);
  return out;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RawSource>> open_raw_source(const SourceFiles& files,
                                                           const Binning& binning) {
  return Dc1Source::open(files, binning);
}

bool holds_events(const std::string& path) { return cosi::looks_like_events(path); }

}  // namespace unfold::imaging_data
