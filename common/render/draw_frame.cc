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
constexpr int kCurveHeight = 150;
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
  std::vector<double> shares;
  std::vector<std::string> labels;
  for (const double share : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    shares.push_back(share);
    labels.push_back(absl::StrFormat("%.3g", stretch.inverse(share)));
  }
  draw_colour_bar(canvas, {box.right() + 16, box.y, 14, box.height}, sequential, shares, labels,
                  "flux");
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

/// One fibre's flux over a band of its error, and what the truth predicts for it.
void draw_spectrum(Canvas& canvas, const Scene& scene, int row, const Box& box, bool last) {
  const fits::Frame& frame = *scene.frame;
  const std::size_t begin = bin_of(frame, row, 0);
  std::vector<double> flux;
  std::vector<double> expected;
  for (int i = 0; i < frame.nwave; ++i) {
    const std::size_t bin = begin + static_cast<std::size_t>(i);
    const bool good = frame.mask[bin] == 0 && frame.ivar[bin] > 0;
    const double value = double(frame.flux[bin]);
    flux.push_back(good ? value : std::numeric_limits<double>::quiet_NaN());
    if (!scene.pulls.empty()) {
      expected.push_back(value - scene.pulls[bin] / std::sqrt(double(frame.ivar[bin])));
    }
  }
  const std::vector<float> shown(flux.begin(), flux.end());
  const Range most = percentiles(shown, 0.01, 0.985);
  const double low = std::min(0.0, most.low);
  const Axes axes = {box, scene.wavelength, {low, low + 1.25 * (most.high - low)}};
  const double sigma_pixels = box.height / axes.y.width();
  for (int x = box.x; x < box.right(); ++x) {
    const Span bins = covered({axes.data_x(x), axes.data_x(x + 1)}, scene.wavelength.low,
                              scene.step, frame.nwave);
    const auto i = static_cast<std::size_t>(bins.first);
    const double ivar = double(frame.ivar[begin + i]);
    if (!std::isfinite(flux[i])) continue;
    const int half = std::max(1, static_cast<int>(sigma_pixels / std::sqrt(ivar)));
    const int middle = static_cast<int>(axes.pixel_y(flux[i]));
    for (int y = std::max(box.y, middle - half); y < std::min(box.bottom(), middle + half); ++y) {
      canvas.dot(x, y, kPaleBlue);
    }
  }
  draw_curve(canvas, axes, frame.wavelength, flux, kBlue, 1.3);
  if (!expected.empty()) draw_curve(canvas, axes, frame.wavelength, expected, kOrange, 1.0);
  draw_axes(canvas, axes,
            {.x = last ? "wavelength (Angstrom)" : "",
             .y = "e-/Angstrom",
             .x_numbers = last,
             .y_numbers = true,
             .y_ticks = 3});
  const std::string name = name_of_fibre(frame, row);
  canvas.fill({box.x + 8, box.y + 6, Canvas::text_width(name, kTextScale) + 8, 22}, kPaper);
  canvas.text(box.x + 12, box.y + 17, name, kInk, Align::kLeft, kTextScale);
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
  const std::vector<double> shares = {0, 0.25, 0.5, 0.75, 1};
  const std::vector<std::string> labels = {"-4", "-2", "0", "2", "4"};
  draw_colour_bar(
      canvas, {box.right() + 16, box.y, 14, box.height},
      [](double share) { return diverging(2 * share - 1); }, shares, labels, "");
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
  if (!truth) return;
  canvas.fill({x + 270, y - 1, 14, 2}, kOrange);
  canvas.text(x + 292, y, "truth, resolved as R truth", kInk, Align::kLeft, kTextScale);
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
