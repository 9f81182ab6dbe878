#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/render/draw_density.h"
#include "common/render/plot.h"

namespace unfold::render {
namespace {

using spi_data::Detector;

constexpr int kGap = 24;
constexpr int kTop = 84;
constexpr int kFoot = 48;
constexpr int kBarRoom = 110;
constexpr std::int64_t kMostRows = 20000;
constexpr Colour kNoPixel = {238, 238, 234};

/// Which pixel of the detector each place of a picture shows, or -1. Without places of their own,
/// panels lie below each other.
struct Layout {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::vector<std::int64_t> pixel;
};

Layout layout_of(const Detector& detector) {
  std::vector<std::int64_t> row, column;
  for (std::int64_t p = 0; p < detector.pixels(); ++p) {
    const auto i = static_cast<std::size_t>(2 * p);
    const std::int64_t across = std::max<std::int64_t>(detector.shape[2], 1);
    row.push_back(detector.picture.empty() ? p / across : detector.picture[i]);
    column.push_back(detector.picture.empty() ? p % across : detector.picture[i + 1]);
  }
  Layout layout;
  if (row.empty()) return layout;
  layout.rows = std::min(kMostRows, *std::max_element(row.begin(), row.end()) + 1);
  layout.columns = std::min(kMostRows, *std::max_element(column.begin(), column.end()) + 1);
  layout.pixel.assign(static_cast<std::size_t>(layout.rows * layout.columns), -1);
  for (std::size_t p = 0; p < row.size(); ++p)
    if (row[p] < layout.rows && column[p] < layout.columns)
      layout.pixel[static_cast<std::size_t>(row[p] * layout.columns + column[p])] =
          static_cast<std::int64_t>(p);
  return layout;
}

double length_of(const Detector& detector, std::size_t p) {
  return std::hypot(detector.q[3 * p], detector.q[3 * p + 1], detector.q[3 * p + 2]);
}

/// One picture of the detector; row 0 at the top.
void draw_panel(Canvas& canvas, const Box& box, const Layout& layout, const std::string& title,
                const std::function<Colour(std::size_t)>& colour_of) {
  for (int y = 0; y < box.height; ++y) {
    for (int x = 0; x < box.width; ++x) {
      const std::int64_t row = y * layout.rows / box.height;
      const std::int64_t column = x * layout.columns / box.width;
      const std::int64_t p = layout.pixel[static_cast<std::size_t>(row * layout.columns + column)];
      canvas.dot(box.x + x, box.y + y, p < 0 ? kNoPixel : colour_of(static_cast<std::size_t>(p)));
    }
  }
  canvas.outline({box.x - 1, box.y - 1, box.width + 2, box.height + 2}, kInk);
  canvas.text(box.x, box.y - 18, title, kInk, Align::kLeft, kTextScale);
}

/// Colours of the mean: nearly logarithmic above its middle values.
Stretch stretch_of(const spi_data::Summary& summary) {
  std::vector<double> seen;
  for (std::size_t p = 0; p < summary.mean.size(); ++p)
    if (summary.detector.mask[p] != spi_data::kBad && summary.mean[p] > 0)
      seen.push_back(summary.mean[p]);
  if (seen.empty()) return {};
  const auto middle = seen.begin() + static_cast<std::ptrdiff_t>(seen.size() / 2);
  std::nth_element(seen.begin(), middle, seen.end());
  return {0, *middle, *std::max_element(seen.begin(), seen.end())};
}

std::vector<Mark> mean_marks(const Stretch& stretch) {
  std::vector<Mark> marks;
  for (const double share : {0.0, 0.25, 0.5, 0.75, 1.0})
    marks.push_back({share, absl::StrFormat("%.2g", stretch.inverse(share))});
  return marks;
}

Colour class_colour(std::uint8_t of) {
  if (of == spi_data::kGood) return kPaleBlue;
  return of == spi_data::kMergeOnly ? kOrange : kInk;
}

std::string headline(const spi_data::Summary& summary) {
  return absl::StrFormat("%d frames of %d pixels, %s %.4g a frame, %d empty", summary.frames,
                         summary.detector.pixels(), summary.photons ? "photons" : "intensity",
                         summary.mean_total, summary.empty);
}

}  // namespace

Canvas draw_patterns(const spi_data::Summary& summary, const ViewOptions& options) {
  const Detector& detector = summary.detector;
  const Layout layout = layout_of(detector);
  const int edge = std::max(40, (options.width - 4 * kGap - 2 * kBarRoom) / 3);
  const double shape =
      layout.rows == 0 ? 1 : static_cast<double>(layout.rows) / static_cast<double>(layout.columns);
  const int height = std::clamp(static_cast<int>(edge * shape), 40, 4 * edge);
  Canvas canvas(options.width, kTop + height + kFoot, kPaper);
  canvas.text(kGap, 24, headline(summary), kInk, Align::kLeft, kTextScale);
  if (layout.rows == 0) return canvas;
  Box box = {kGap, kTop, edge, height};
  const Stretch stretch = stretch_of(summary);
  draw_panel(canvas, box, layout, "mean", [&](std::size_t p) {
    return detector.mask[p] == spi_data::kBad ? kFaint : sequential(stretch(summary.mean[p]));
  });
  draw_colour_bar(canvas, {box.right() + 8, box.y, 16, box.height}, sequential, mean_marks(stretch),
                  "");
  box.x += edge + kGap + kBarRoom;
  draw_panel(canvas, box, layout, "mask",
             [&](std::size_t p) { return class_colour(detector.mask[p]); });
  canvas.text(box.x, box.bottom() + 20, "pale: good  orange: merged only  dark: bad", kInk,
              Align::kLeft, 1);
  box.x += edge + kGap;
  const double qmax = detector.qmax();
  draw_panel(canvas, box, layout, "resolution", [&](std::size_t p) {
    return sequential(qmax > 0 ? length_of(detector, p) / qmax : 0);
  });
  std::vector<Mark> marks;
  for (const double share : {0.25, 0.5, 0.75, 1.0})
    if (qmax > 0) marks.push_back({share, absl::StrFormat("%.3g A", 1 / (share * qmax))});
  draw_colour_bar(canvas, {box.right() + 8, box.y, 16, box.height}, sequential, marks, "");
  return canvas;
}

}  // namespace unfold::render
