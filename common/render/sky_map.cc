#include "common/render/sky_map.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "absl/strings/str_cat.h"
#include "common/render/plot.h"
#include "common/sky/exposure.h"

namespace unfold::render {
namespace {

constexpr double kRadian = std::numbers::pi / 180;
constexpr int kThumbnailWidth = 320;
constexpr int kThumbnailHeight = 160;
constexpr Colour kUnseen = {226, 222, 216};

constexpr Colour kHatching = {176, 168, 158};
constexpr char kHatchedMeans[] = "hatched: exposure below 10 % of its maximum, not in the colours";
static_assert(sky::kWellExposed == 0.1, "the caption says so");

double largest(std::span<const double> values) {
  double top = 0;
  for (const double value : values)
    if (std::isfinite(value)) top = std::max(top, value);
  return top;
}

/// The brightest of the well exposed pixels: what is hardly seen is mostly noise, and would hide
/// the rest.
double brightest(std::span<const double> map, std::span<const double> exposure) {
  const std::vector<std::uint8_t> well = sky::well_exposed(exposure);
  double top = 0;
  for (std::size_t p = 0; p < well.size(); ++p)
    if (std::isfinite(map[p]) && well[p] != 0) top = std::max(top, map[p]);
  if (top == 0) top = largest(map);
  return top > 0 ? top : 1;
}

Stretch stretch_of(std::span<const double> map, std::span<const double> exposure, bool asinh) {
  const double top = brightest(map, exposure);
  return {.zero = 0, .soft = asinh ? top / 12 : top * 1e6, .top = top};
}

/// 0 .. 1 of a pixel's colour; negative where there is nothing to show.
double shade(std::span<const double> map, std::span<const double> exposure, std::int64_t pixel,
             const Stretch& stretch) {
  const auto p = static_cast<std::size_t>(pixel);
  if (!std::isfinite(map[p]) || (!exposure.empty() && !(exposure[p] > 0))) return -1;
  return std::clamp(stretch(map[p]), 0., 1.);
}

/// "1e-3 " before a unit and the factor it stands for; empty and 1 for handy numbers.
std::pair<std::string, double> prefix_of(double top) {
  if (top >= 0.1 && top < 1e4) return {"", 1};
  const int exponent = static_cast<int>(std::floor(std::log10(top)));
  return {absl::StrCat("1e", exponent, " "), std::pow(10., exponent)};
}

std::vector<Mark> bar_marks(const Stretch& stretch, double factor) {
  std::vector<Mark> marks;
  const std::vector<double> at = ticks({0, stretch.top / factor}, 5);
  for (const double value : at)
    marks.push_back({stretch(value * factor), tick_label(value, at.size() > 1 ? at[1] : 1)});
  return marks;
}

/// Lines from the lower left to the upper right, a third of the area.
bool on_hatching(int x, int y) { return (x + y) % 6 < 2; }

void draw_grid(Canvas& canvas, const Axes& axes) {
  for (int l = -150; l <= 150; l += 30) {
    const int x = static_cast<int>(std::lround(axes.pixel_x(l)));
    for (int y = axes.box.y; y < axes.box.bottom(); y += 4) canvas.dot(x, y, kInk, 0.35);
  }
  for (int b = -60; b <= 60; b += 30) {
    const int y = static_cast<int>(std::lround(axes.pixel_y(b)));
    for (int x = axes.box.x; x < axes.box.right(); x += 4) canvas.dot(x, y, kInk, 0.35);
  }
  for (int l = -180; l <= 180; l += 60) {
    const int x = static_cast<int>(std::lround(axes.pixel_x(l)));
    canvas.fill({x, axes.box.bottom() + 1, 1, 6}, kInk);
    canvas.text(x, axes.box.bottom() + 22, absl::StrCat(l < 0 ? l + 360 : l), kInk, Align::kMiddle,
                kTextScale);
  }
}

/// The points at `radius` from a direction, as galactic degrees.
void draw_circle(Canvas& canvas, const Axes& axes, const SkyCircle& circle) {
  constexpr int kPoints = 120;
  const double polar = (90 - circle.b_deg) * kRadian;
  const double r = circle.radius_deg * kRadian;
  double last_x = 0;
  double last_y = 0;
  for (int i = 0; i <= kPoints; ++i) {
    const double turn = 2 * std::numbers::pi * i / kPoints;
    const double height =
        std::cos(polar) * std::cos(r) + std::sin(polar) * std::sin(r) * std::cos(turn);
    const double b = std::asin(std::clamp(height, -1., 1.)) / kRadian;
    const double east = std::atan2(std::sin(r) * std::sin(turn) * std::sin(polar),
                                   std::cos(r) - std::cos(polar) * height);
    double l = circle.l_deg + east / kRadian;
    l -= 360 * std::floor((l + 180) / 360);
    const double x = axes.pixel_x(l);
    const double y = axes.pixel_y(b);
    if (i > 0 && std::abs(x - last_x) < axes.box.width / 2.)
      canvas.line(last_x, last_y, x, y, kOrange, 2, axes.box);
    last_x = x;
    last_y = y;
  }
  const double l = circle.l_deg - 360 * std::floor((circle.l_deg + 180) / 360);
  const double top = std::min(circle.b_deg + circle.radius_deg, 84.);
  canvas.text(static_cast<int>(axes.pixel_x(l)), static_cast<int>(axes.pixel_y(top)) - 12,
              circle.name, kOrange, Align::kMiddle, kTextScale);
}

}  // namespace

Canvas draw_sky_map(const sky::Grid& grid, std::span<const double> map,
                    const SkyMapOptions& options) {
  constexpr int kLeft = 96;
  constexpr int kRight = 150;
  constexpr int kTop = 56;
  constexpr int kBottom = 76;
  const int width = std::max(options.width, 500);
  const Box box = {kLeft, kTop, width - kLeft - kRight, (width - kLeft - kRight) / 2};
  Canvas canvas(width, kTop + box.height + kBottom, kPaper);
  const Axes axes = {box, {180, -180}, {-90, 90}};
  const Stretch stretch = stretch_of(map, options.exposure, options.stretch);
  std::vector<std::uint8_t> well;
  if (options.hatch) well = sky::well_exposed(options.exposure);
  bool hatched = false;
  draw_image(canvas, axes, [&](Range l, Range b) {
    const double l_deg = (l.low + l.high) / 2;
    const double b_deg = (b.low + b.high) / 2;
    const std::int64_t pixel = sky::pixel_of(grid, l_deg, b_deg);
    const double value = shade(map, options.exposure, pixel, stretch);
    if (value < 0) return kUnseen;
    if (well.empty() || well[static_cast<std::size_t>(pixel)] != 0) return sequential(value);
    hatched = true;
    const auto x = static_cast<int>(axes.pixel_x(l_deg));
    const auto y = static_cast<int>(axes.pixel_y(b_deg));
    return on_hatching(x, y) ? kHatching : sequential(value);
  });
  draw_grid(canvas, axes);
  for (const SkyCircle& circle : options.circles) draw_circle(canvas, axes, circle);
  draw_axes(canvas, axes,
            {.x = "galactic longitude l (deg)",
             .y = "latitude b (deg)",
             .y_marks = {{-60, "-60"}, {-30, "-30"}, {0, "0"}, {30, "30"}, {60, "60"}}});
  canvas.text(box.x, kTop - 26, options.title, kInk, Align::kLeft, kTextScale);
  if (hatched) canvas.text(box.right(), box.bottom() + 64, kHatchedMeans, kInk, Align::kRight, 1);
  const auto [prefix, factor] = prefix_of(stretch.top);
  draw_colour_bar(canvas, {box.right() + 24, box.y, 22, box.height}, sequential,
                  bar_marks(stretch, factor), prefix + options.unit);
  return canvas;
}

std::string thumbnail(const sky::Grid& grid, std::span<const double> map,
                      std::span<const double> exposure) {
  constexpr int kShades = 255;
  std::array<Colour, kShades + 1> palette;
  for (int i = 0; i < kShades; ++i)
    palette[static_cast<std::size_t>(i)] = sequential(i / (kShades - 1.));
  palette[kShades] = kUnseen;
  const Stretch stretch = stretch_of(map, exposure, true);
  std::vector<std::uint8_t> index;
  index.reserve(static_cast<std::size_t>(kThumbnailWidth) * kThumbnailHeight);
  for (int y = 0; y < kThumbnailHeight; ++y) {
    for (int x = 0; x < kThumbnailWidth; ++x) {
      const double l = 180 - 360 * (x + 0.5) / kThumbnailWidth;
      const double b = 90 - 180 * (y + 0.5) / kThumbnailHeight;
      const double value = shade(map, exposure, sky::pixel_of(grid, l, b), stretch);
      index.push_back(value < 0 ? kShades
                                : static_cast<std::uint8_t>(std::lround(value * (kShades - 1))));
    }
  }
  return palette_png(kThumbnailWidth, kThumbnailHeight, index, palette);
}

}  // namespace unfold::render
