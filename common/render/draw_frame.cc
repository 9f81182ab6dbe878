#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/compare/pulls.h"
#include "common/compare/summary.h"
#include "common/render/drawings.h"
#include "common/render/plot.h"

namespace unfold::render {
namespace {

constexpr int kLeft = 130;
constexpr int kRight = 150;  // room for a colour bar
constexpr int kTop = 70;
constexpr int kImageHeight = 260;
constexpr int kCurveHeight = 170;
constexpr int kBetween = 88;  // axis numbers and label
constexpr int kPullHeight = 260;
constexpr int kHistogramWidth = 300;
constexpr double kPullTop = 4;
constexpr std::size_t kMostCurves = 8;

/// A frame with what is known about it.
struct Scene {
  const fits::Frame* frame = nullptr;
  std::vector<double> pulls;  // [nspec, nwave], or empty
  compare::FrameSummary summary;
  double step = 1;  // Angstrom
  Range wavelength;
};

std::size_t bin_of(const fits::Frame& frame, int s, int i) {
  return static_cast<std::size_t>(s) * static_cast<std::size_t>(frame.nwave) +
         static_cast<std::size_t>(i);
}

/// Indices [first, last) of the bins that a range of wavelength or fibres covers; at least one.
struct Span {
  int first = 0;
  int last = 1;
};
Span covered(Range range, double origin, double step, int count) {
  const int first =
      std::clamp(static_cast<int>(std::floor((range.low - origin) / step)), 0, count - 1);
  const int last =
      std::clamp(static_cast<int>(std::floor((range.high - origin) / step)), first + 1, count);
  return {first, last};
}

/// Mean over the good bins that a pixel covers; NaN where there is none.
template <class Value>
double mean_over(const Scene& scene, Range x, Range y, const Value& value) {
  const fits::Frame& frame = *scene.frame;
  const Span bins = covered(x, scene.wavelength.low, scene.step, frame.nwave);
  const Span rows = covered(y, compare::first_fibre(frame), 1, frame.nspec);
  double sum = 0;
  int count = 0;
  for (int s = rows.first; s < rows.last; ++s) {
    for (int i = bins.first; i < bins.last; ++i) {
      const std::size_t bin = bin_of(frame, s, i);
      const double here = value(bin);
      if (frame.mask[bin] != 0 || !(frame.ivar[bin] > 0) || !std::isfinite(here)) continue;
      sum += here;
      ++count;
    }
  }
  return count > 0 ? sum / count : std::numeric_limits<double>::quiet_NaN();
}

Range fibre_range(const fits::Frame& frame) {
  const double first = compare::first_fibre(frame);
  return {first, first + frame.nspec};
}

void draw_flux_image(Canvas& canvas, const Scene& scene, const Box& box) {
  const fits::Frame& frame = *scene.frame;
  const Range most = percentiles(frame.flux, 0.05, 0.995);
  const Stretch stretch = {
      .zero = 0, .soft = std::max(1.0, most.high / 50), .top = std::max(1.0, most.high)};
  const Axes axes = {box, scene.wavelength, fibre_range(frame)};
  draw_image(canvas, axes, [&](Range x, Range y) {
    const double mean =
        mean_over(scene, x, y, [&](std::size_t bin) { return double(frame.flux[bin]); });
    return std::isnan(mean) ? kOrange : sequential(stretch(mean));
  });
  draw_axes(canvas, axes, {"", "fibre"});
  draw_colour_bar(canvas, {box.right() + 16, box.y, 14, box.height}, sequential,
                  stretched_marks(stretch, 0.1), "e-/Angstrom");
}

std::string name_of_fibre(const fits::Frame& frame, int row) {
  std::string name = absl::StrCat("fibre ", compare::first_fibre(frame) + row);
  if (!frame.fibermap.has_value() || row >= frame.fibermap->rows) return name;
  for (const char* column : {"SIMTYPE", "OBJTYPE"}) {
    if (const fits::Column* c = frame.fibermap->find(column); c != nullptr) {
      return absl::StrCat(name, ", ", frame.fibermap->text(*c, row));
    }
  }
  return name;
}

/// Rows of the frame to draw as curves: those asked for, else three evenly spread.
std::vector<int> rows_to_draw(const fits::Frame& frame, const ViewOptions& options) {
  std::vector<int> rows;
  for (const int fibre : options.fibres) {
    const int row = fibre - compare::first_fibre(frame);
    if (row >= 0 && row < frame.nspec && rows.size() < kMostCurves) rows.push_back(row);
  }
  if (!rows.empty()) return rows;
  for (const int k : {1, 3, 5}) {
    const int row = frame.nspec * k / 6;
    if (rows.empty() || rows.back() != row) rows.push_back(row);
  }
  return rows;
}

/// One fibre's values as drawn: NaN where a bin is not good.
struct Curves {
  std::vector<double> flux;
  std::vector<double> error;
  std::vector<double> expected;  // R truth; empty without truth
};

Curves curves_of(const Scene& scene, int row) {
  const fits::Frame& frame = *scene.frame;
  Curves out;
  for (int i = 0; i < frame.nwave; ++i) {
    const std::size_t bin = bin_of(frame, row, i);
    const bool good = frame.mask[bin] == 0 && frame.ivar[bin] > 0;
    const double value = double(frame.flux[bin]);
    out.flux.push_back(good ? value : std::numeric_limits<double>::quiet_NaN());
    out.error.push_back(good ? 1 / std::sqrt(double(frame.ivar[bin])) : 0);
    if (!scene.pulls.empty()) out.expected.push_back(value - scene.pulls[bin] * out.error.back());
  }
  return out;
}

/// Flux +- error, between the middles of bins.
void draw_error_band(Canvas& canvas, const Axes& axes, const Scene& scene, const Curves& curves,
                     const Stretch& stretch) {
  for (int x = axes.box.x; x < axes.box.right(); ++x) {
    const double place = (axes.data_x(x + 0.5) - scene.frame->wavelength.front()) / scene.step;
    const auto i = static_cast<std::size_t>(
        std::clamp(std::floor(place), 0.0, std::max(0.0, scene.frame->nwave - 2.0)));
    const std::size_t next = std::min(i + 1, curves.flux.size() - 1);
    const double share = std::clamp(place - static_cast<double>(i), 0.0, 1.0);
    const double flux = curves.flux[i] + share * (curves.flux[next] - curves.flux[i]);
    const double error = curves.error[i] + share * (curves.error[next] - curves.error[i]);
    if (!std::isfinite(flux)) continue;
    const int top = std::max(axes.box.y, int(axes.pixel_y(stretch(flux + error))));
    const int foot = std::min(axes.box.bottom(), int(axes.pixel_y(stretch(flux - error))) + 1);
    if (foot > top) canvas.fill({x, top, 1, foot - top}, kPaleBlue);
  }
}

void stretch_all(std::vector<double>& values, const Stretch& stretch) {
  for (double& value : values) value = stretch(value);
}

/// One fibre's flux over its error, on what the truth predicts for it. Asinh scale, so that sky
/// lines leave something to see of the rest.
void draw_spectrum(Canvas& canvas, const Scene& scene, int row, const Box& box, bool last) {
  const fits::Frame& frame = *scene.frame;
  Curves curves = curves_of(scene, row);
  const std::vector<float> shown(curves.flux.begin(), curves.flux.end());
  const Range most = percentiles(shown, 0.02, 1.0);
  const Range middle = percentiles(shown, 0.02, 0.5);
  const Stretch stretch = {
      .zero = 0, .soft = std::max(3.0, middle.high / 3), .top = std::max(10.0, most.high)};
  const Axes axes = {box, scene.wavelength, {std::min(0.0, stretch(most.low)) - 0.05, 1.25}};
  draw_error_band(canvas, axes, scene, curves, stretch);
  stretch_all(curves.flux, stretch);
  stretch_all(curves.expected, stretch);
  if (!curves.expected.empty()) {
    draw_curve(canvas, axes, frame.wavelength, curves.expected, kOrange, 2.4);
  }
  draw_curve(canvas, axes, frame.wavelength, curves.flux, kBlue, 1.0);
  draw_axes(canvas, axes,
            {.x = last ? "wavelength (Angstrom)" : "",
             .y = "e-/Angstrom",
             .x_numbers = last,
             .y_marks = stretched_marks(stretch, 0.28)});
  const std::string name = name_of_fibre(frame, row);
  canvas.text(box.x + 12, box.y + 15, name, kInk, Align::kLeft, kTextScale);
}

void draw_pull_image(Canvas& canvas, const Scene& scene, const Box& box) {
  const Axes axes = {box, scene.wavelength, fibre_range(*scene.frame)};
  draw_image(canvas, axes, [&](Range x, Range y) {
    const double mean = mean_over(scene, x, y, [&](std::size_t bin) { return scene.pulls[bin]; });
    return std::isnan(mean) ? kFaint : diverging(mean / kPullTop);
  });
  draw_axes(canvas, axes, {"wavelength (Angstrom)", "fibre"});
  canvas.text(box.x, box.y - 18, "pull: (flux - R truth) / error, mean of each dot's bins", kInk,
              Align::kLeft, kTextScale);
  const std::vector<Mark> marks = {{0, "-4"}, {0.25, "-2"}, {0.5, "0"}, {0.75, "2"}, {1, "4"}};
  draw_colour_bar(
      canvas, {box.right() + 16, box.y, 14, box.height},
      [](double share) { return diverging(2 * share - 1); }, marks, "");
}

/// Distribution of the pulls against the normal one.
void draw_histogram(Canvas& canvas, const Scene& scene, const Box& box) {
  constexpr int kBins = 50;
  std::vector<double> counts(kBins, 0.0);
  const double width = 2 * (kPullTop + 1) / kBins;
  for (const double pull : scene.pulls) {
    const double place = (pull + kPullTop + 1) / width;
    if (place >= 0 && place < kBins) counts[static_cast<std::size_t>(place)] += 1;
  }
  const Axes axes = {box, {-kPullTop - 1, kPullTop + 1}, {0, 0.45}};
  const double scale = 1 / (width * std::max<double>(1, double(scene.summary.pulls)));
  for (int k = 0; k < kBins; ++k) {
    const int x0 = static_cast<int>(std::lround(axes.pixel_x(axes.x.low + k * width)));
    const int x1 = static_cast<int>(std::lround(axes.pixel_x(axes.x.low + (k + 1) * width)));
    const int y = std::max(
        box.y,
        static_cast<int>(std::lround(axes.pixel_y(counts[static_cast<std::size_t>(k)] * scale))));
    canvas.fill({x0, y, x1 - x0, box.bottom() - y}, kPaleBlue);
  }
  std::vector<double> x;
  std::vector<double> normal;
  for (double u = axes.x.low; u <= axes.x.high; u += 0.05) {
    x.push_back(u);
    normal.push_back(std::exp(-u * u / 2) / std::sqrt(2 * std::numbers::pi));
  }
  draw_curve(canvas, axes, x, normal, kOrange, 2);
  draw_axes(canvas, axes, {.x = "pull", .y = "", .y_numbers = false, .y_ticks = 3});
  canvas.text(
      box.x, box.y - 18,
      absl::StrFormat("mean %+.3f, sd %.3f", scene.summary.pull_mean, scene.summary.pull_deviation),
      kInk, Align::kLeft, kTextScale);
}

std::string headline(const Scene& scene) {
  const fits::Frame& frame = *scene.frame;
  std::string out = "Frame";
  if (const auto camera = frame.header.string("CAMERA"); camera.ok()) {
    absl::StrAppend(&out, " ", *camera);
  }
  if (const auto expid = frame.header.integer("EXPID"); expid.ok()) {
    absl::StrAppend(&out, ", exposure ", *expid);
  }
  absl::StrAppendFormat(
      &out, ": %d fibres x %d bins, %.2f %% good, chi2/dof %.3f", frame.nspec, frame.nwave,
      100.0 * double(scene.summary.good_bins) / std::max(1.0, double(scene.summary.bins)),
      scene.summary.chi2_per_dof);
  return out;
}

void draw_legend(Canvas& canvas, int x, int y, bool truth) {
  canvas.fill({x, y - 7, 14, 14}, kPaleBlue);
  canvas.fill({x, y - 1, 14, 2}, kBlue);
  canvas.text(x + 22, y, "flux and its error", kInk, Align::kLeft, kTextScale);
  canvas.fill({x + 270, y - 7, 14, 14}, kOrange);
  canvas.text(x + 292, y, "masked, above", kInk, Align::kLeft, kTextScale);
  if (!truth) return;
  canvas.fill({x + 490, y - 1, 14, 3}, kOrange);
  canvas.text(x + 512, y, "R truth", kInk, Align::kLeft, kTextScale);
}

}  // namespace

absl::StatusOr<Canvas> draw_frame(const fits::Frame& frame, const simulate::Truth* truth,
                                  const ViewOptions& options) {
  Scene scene = {&frame, {}, compare::summarise(frame), 1, {}};
  if (frame.nwave > 1) {
    scene.step = (frame.wavelength.back() - frame.wavelength.front()) / (frame.nwave - 1);
  }
  scene.wavelength = {frame.wavelength.front() - scene.step / 2,
                      frame.wavelength.back() + scene.step / 2};
  if (truth != nullptr) {
    UNFOLD_ASSIGN_OR_RETURN(scene.pulls, compare::pulls_of(frame, *truth));
    UNFOLD_ASSIGN_OR_RETURN(scene.summary, compare::summarise(frame, *truth));
  }
  const std::vector<int> rows = rows_to_draw(frame, options);
  const int curves = static_cast<int>(rows.size());
  const int first_curve = kTop + kImageHeight + 84;
  const int pull_top = first_curve + curves * (kCurveHeight + 14) + kBetween + 30;
  const int height = truth != nullptr ? pull_top + kPullHeight + kBetween : pull_top - 30;
  Canvas canvas(options.width, height, kPaper);
  canvas.text(20, 30, headline(scene), kInk, Align::kLeft, kTextScale);
  const int width = options.width - kLeft - kRight;
  draw_flux_image(canvas, scene, {kLeft, kTop, width, kImageHeight});
  draw_legend(canvas, kLeft, first_curve - 20, truth != nullptr);
  for (int k = 0; k < curves; ++k) {
    draw_spectrum(canvas, scene, rows[static_cast<std::size_t>(k)],
                  {kLeft, first_curve + k * (kCurveHeight + 14), width, kCurveHeight},
                  k + 1 == curves);
  }
  if (truth != nullptr) {
    draw_pull_image(canvas, scene, {kLeft, pull_top, width - kHistogramWidth - 60, kPullHeight});
    draw_histogram(canvas, scene,
                   {kLeft + width - kHistogramWidth + 60, pull_top, kHistogramWidth, kPullHeight});
  }
  return canvas;
}

}  // namespace unfold::render
