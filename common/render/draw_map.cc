#include "common/render/draw_map.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/render/plot.h"
#include "common/render/sky_map.h"
#include "common/sky/exposure.h"

namespace unfold::render {
namespace {

using imaging_data::MapProduct;

constexpr int kPanelHeight = 280;
constexpr int kPanelTop = 64;
constexpr int kPanelFoot = 90;
constexpr int kPanelLeft = 116;
constexpr int kPanelRight = 30;
constexpr std::int64_t kMostCurves = 12;
constexpr char kIntensity[] = "cm-2 s-1 sr-1";

std::string headline(const MapProduct& product) {
  std::string out = "Map";
  const auto found = product.attributes.find("algorithm");
  if (found != product.attributes.end() && std::holds_alternative<std::string>(found->second))
    absl::StrAppend(&out, " by ", std::get<std::string>(found->second));
  absl::StrAppend(&out, ", ", product.log_likelihood.size(), " updates, ", product.sky.pixels(),
                  " pixels");
  if (product.energies > 1) absl::StrAppend(&out, ", sum of ", product.energies, " energies");
  return out;
}

std::vector<SkyCircle> circles_of(const MapProduct& product) {
  std::vector<SkyCircle> circles;
  for (const imaging_data::MapRegion& region : product.regions)
    circles.push_back({region.name, region.l_deg, region.b_deg, region.radius_deg});
  return circles;
}

/// Something that changes from update to update.
struct History {
  std::string title;
  std::string label;
  std::vector<std::vector<double>> curves;
};

/// Relative to the best, without the first eighth of the updates, which would flatten the rest.
History likelihood_history(std::string title, const std::vector<double>& values) {
  const double best = *std::max_element(values.begin(), values.end());
  History history{std::move(title), "below the best", {{}}};
  for (const double value : values) history.curves.front().push_back(value - best);
  return history;
}

Range range_of(const History& history, bool skip_start) {
  double low = INFINITY;
  double high = -INFINITY;
  for (const std::vector<double>& curve : history.curves) {
    for (std::size_t i = skip_start ? curve.size() / 8 : 0; i < curve.size(); ++i) {
      if (!std::isfinite(curve[i])) continue;
      low = std::min(low, curve[i]);
      high = std::max(high, curve[i]);
    }
  }
  if (!(high > low)) return {low - 0.5, low + 0.5};
  return {low - 0.05 * (high - low), high + 0.05 * (high - low)};
}

Canvas draw_history(const History& history, bool skip_start, int width) {
  Canvas canvas(width, kPanelTop + kPanelHeight + kPanelFoot, kPaper);
  const Box box = {kPanelLeft, kPanelTop, width - kPanelLeft - kPanelRight, kPanelHeight};
  const auto last = static_cast<double>(history.curves.front().size());
  const Axes axes = {box, {1, std::max(last, 2.)}, range_of(history, skip_start)};
  std::vector<double> update(history.curves.front().size());
  for (std::size_t i = 0; i < update.size(); ++i) update[i] = static_cast<double>(i + 1);
  for (std::size_t k = 0; k < history.curves.size(); ++k)
    draw_curve(canvas, axes, update, history.curves[k], k % 2 == 0 ? kBlue : kOrange, 2);
  draw_axes(canvas, axes, {.x = "update", .y = history.label});
  canvas.text(box.x, kPanelTop - 26, history.title, kInk, Align::kLeft, kTextScale);
  return canvas;
}

History amplitude_history(const MapProduct& product) {
  History history{"background amplitudes", "", {}};
  const auto amplitudes = static_cast<std::size_t>(product.amplitudes);
  const std::size_t shown = static_cast<std::size_t>(std::min(product.amplitudes, kMostCurves));
  for (std::size_t a = 0; a < shown; ++a) {
    history.curves.emplace_back();
    for (std::size_t i = a; i < product.background_amplitude.size(); i += amplitudes)
      history.curves.back().push_back(product.background_amplitude[i]);
  }
  if (product.amplitudes > kMostCurves)
    absl::StrAppend(&history.title, ", the first ", kMostCurves, " of ", product.amplitudes);
  return history;
}

std::vector<Canvas> histories_of(const MapProduct& product, int width) {
  std::vector<std::pair<History, bool>> all;
  if (!product.log_likelihood.empty())
    all.emplace_back(likelihood_history("log-likelihood", product.log_likelihood), true);
  if (!product.validation.empty())
    all.emplace_back(likelihood_history("validation", product.validation), true);
  if (product.amplitudes > 0 && !product.background_amplitude.empty())
    all.emplace_back(amplitude_history(product), false);
  std::vector<Canvas> canvases;
  for (const auto& [history, skip_start] : all)
    canvases.push_back(draw_history(history, skip_start, width / static_cast<int>(all.size())));
  return canvases;
}

/// Pictures beside each other, rows below each other.
Canvas stacked(const std::vector<std::vector<Canvas>>& rows, int width) {
  int height = 0;
  for (const std::vector<Canvas>& row : rows)
    if (!row.empty()) height += row.front().height();
  Canvas all(width, height, kPaper);
  int y = 0;
  for (const std::vector<Canvas>& row : rows) {
    int x = 0;
    for (const Canvas& canvas : row) {
      all.paste(canvas, x, y);
      x += canvas.width();
    }
    if (!row.empty()) y += row.front().height();
  }
  return all;
}

}  // namespace

Canvas draw_map(const MapProduct& product, const ViewOptions& options) {
  const std::vector<double> seen = sky::exposure_per_area(product.sky, product.exposure);
  std::vector<std::vector<Canvas>> rows(3);
  rows[0].push_back(draw_sky_map(product.sky, sky::over_energies(product.sky, product.map),
                                 {.width = options.width,
                                  .title = headline(product),
                                  .unit = kIntensity,
                                  .exposure = seen,
                                  .circles = circles_of(product)}));
  const bool errors = product.energies == 1 && !product.standard_error.empty();
  const int half = errors ? options.width / 2 : options.width;
  if (!product.exposure.empty())
    rows[1].push_back(draw_sky_map(product.sky, seen,
                                   {.width = half,
                                    .title = "exposure",
                                    .unit = "cm2 s",
                                    .exposure = seen,
                                    .hatch = false,
                                    .stretch = false}));
  if (errors)
    rows[1].push_back(draw_sky_map(product.sky, product.standard_error,
                                   {.width = half,
                                    .title = "standard error, statistical only",
                                    .unit = kIntensity,
                                    .exposure = seen,
                                    .stretch = false}));
  rows[2] = histories_of(product, options.width);
  return stacked(rows, options.width);
}

}  // namespace unfold::render
