#include "common/render/density.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/render/plot.h"

namespace unfold::render {
namespace {

constexpr int kGap = 24;
constexpr int kTop = 56;
constexpr int kFoot = 64;
constexpr int kBarRoom = 150;
constexpr double kEmpty = 0.12;  // share of the brightest voxel below which there is nothing

/// A plane through the centre: which axis runs to the right, and which upward.
struct Plane {
  const char* name;
  std::size_t right;
  std::size_t up;
};
constexpr std::array<Plane, 3> kPlanes = {{{"xy", 0, 1}, {"xz", 0, 2}, {"yz", 1, 2}}};

double value_at(const Cube& cube, const std::array<std::int64_t, 3>& voxel) {
  for (const std::int64_t i : voxel)
    if (i < 0 || i >= cube.grid) return 0;
  const double value = cube.density[static_cast<std::size_t>(
      (voxel[0] * cube.grid + voxel[1]) * cube.grid + voxel[2])];
  return std::isfinite(value) ? value : 0;
}

/// In the plane, `u` to the right and `v` upward, voxels from the centre.
double interpolated(const Cube& cube, const Plane& plane, double u, double v) {
  const double low_u = std::floor(u);
  const double low_v = std::floor(v);
  double sum = 0;
  for (const int du : {0, 1}) {
    for (const int dv : {0, 1}) {
      std::array<std::int64_t, 3> voxel;
      voxel.fill(cube.grid / 2);
      voxel[plane.right] += static_cast<std::int64_t>(low_u) + du;
      voxel[plane.up] += static_cast<std::int64_t>(low_v) + dv;
      const double share =
          (du == 0 ? 1 - (u - low_u) : u - low_u) * (dv == 0 ? 1 - (v - low_v) : v - low_v);
      sum += share * value_at(cube, voxel);
    }
  }
  return sum;
}

/// What the pictures show: voxels to either side of the centre, and the brightest there.
struct Frame {
  double reach = 1;
  double top = 0;
};

Frame frame_of(const Cube& cube) {
  const std::int64_t half = cube.grid / 2;
  Frame frame;
  const auto each = [&](const auto& look) {
    for (const Plane& plane : kPlanes)
      for (std::int64_t u = -half; u < cube.grid - half; ++u)
        for (std::int64_t v = -half; v < cube.grid - half; ++v)
          look(interpolated(cube, plane, static_cast<double>(u), static_cast<double>(v)), u, v);
  };
  each([&](double value, std::int64_t, std::int64_t) { frame.top = std::max(frame.top, value); });
  std::int64_t reach = 0;
  each([&](double value, std::int64_t u, std::int64_t v) {
    if (value > kEmpty * frame.top) reach = std::max({reach, std::abs(u), std::abs(v)});
  });
  frame.reach =
      static_cast<double>(std::clamp<std::int64_t>(reach + 2, 1, std::max<std::int64_t>(half, 1)));
  return frame;
}

double shade(const Cube& cube, const Plane& plane, const Frame& frame, double u, double v) {
  return frame.top > 0 ? std::max(0.0, interpolated(cube, plane, u, v) / frame.top) : 0;
}

/// A round length in Angstrom of about a third of the width.
double bar_length(double extent) {
  const double about = std::max(extent, 1e-9) / 3;
  const double ten = std::pow(10.0, std::floor(std::log10(about)));
  for (const double factor : {5.0, 2.0})
    if (factor * ten <= about) return factor * ten;
  return ten;
}

void draw_scale_bar(Canvas& canvas, const Box& box, double extent) {
  const double length = bar_length(extent);
  const int pixels = static_cast<int>(std::lround(length / extent * box.width));
  canvas.fill({box.x, box.bottom() + 16, pixels, 4}, kInk);
  canvas.text(box.x + pixels + 12, box.bottom() + 18, absl::StrFormat("%g Angstrom", length), kInk,
              Align::kLeft, kTextScale);
}

std::vector<Mark> colour_marks(double top) {
  std::vector<Mark> marks;
  for (const double share : {0.0, 0.5, 1.0})
    marks.push_back({share, absl::StrFormat("%.3g", share * top)});
  return marks;
}

void draw_threshold(Canvas& canvas, const Axes& axes, double value, const char* name) {
  const std::array<double, 2> x = {axes.x.low, axes.x.high};
  const std::array<double, 2> y = {value, value};
  draw_curve(canvas, axes, x, y, kFaint, 2);
  canvas.text(axes.box.right() - 6, static_cast<int>(axes.pixel_y(value)) - 12, name, kInk,
              Align::kRight, 1);
}

/// Angstroms above the panel where |q| has its ticks.
void draw_resolutions(Canvas& canvas, const Axes& axes) {
  for (const double q : ticks(axes.x, axes.box.width / 140)) {
    if (q <= 0) continue;
    canvas.text(static_cast<int>(axes.pixel_x(q)), axes.box.y - 12,
                absl::StrFormat("%.3g A", 1 / q), kInk, Align::kMiddle, 1);
  }
}

}  // namespace

Canvas draw_slices(const Cube& cube, int width, const std::string& title) {
  const int edge = std::max(40, (width - 5 * kGap - kBarRoom) / 3);
  Canvas canvas(width, kTop + edge + kFoot, kPaper);
  const Frame frame = frame_of(cube);
  Box box = {kGap, kTop, edge, edge};
  for (const Plane& plane : kPlanes) {
    const Axes axes = {box, {-frame.reach, frame.reach}, {-frame.reach, frame.reach}};
    draw_image(canvas, axes, [&](Range u, Range v) {
      return sequential(shade(cube, plane, frame, (u.low + u.high) / 2, (v.low + v.high) / 2));
    });
    canvas.outline({box.x - 1, box.y - 1, box.width + 2, box.height + 2}, kInk);
    canvas.text(box.x + 10, box.y + 16, plane.name, kInk, Align::kLeft, kTextScale);
    if (box.x == kGap) draw_scale_bar(canvas, box, 2 * frame.reach * cube.voxel);
    box.x += edge + kGap;
  }
  draw_colour_bar(canvas, {box.x, box.y, 22, box.height}, sequential, colour_marks(frame.top),
                  "density");
  canvas.text(kGap, kTop - 28, title, kInk, Align::kLeft, kTextScale);
  return canvas;
}

std::string density_thumbnail(std::int64_t grid, std::span<const double> density) {
  constexpr int kEdge = 110;
  constexpr int kShades = 256;
  const Cube cube = {grid, 1, density};
  std::array<Colour, kShades> palette;
  for (int i = 0; i < kShades; ++i)
    palette[static_cast<std::size_t>(i)] = sequential(i / (kShades - 1.0));
  const Frame frame = frame_of(cube);
  std::vector<std::uint8_t> index;
  for (int y = 0; y < kEdge; ++y) {
    for (int x = 0; x < 3 * kEdge; ++x) {
      const Plane& plane = kPlanes[static_cast<std::size_t>(x / kEdge)];
      const double u = frame.reach * (2 * (x % kEdge + 0.5) / kEdge - 1);
      const double v = frame.reach * (1 - 2 * (y + 0.5) / kEdge);
      const double value = std::min(1.0, shade(cube, plane, frame, u, v));
      index.push_back(static_cast<std::uint8_t>(std::lround(value * (kShades - 1))));
    }
  }
  return palette_png(3 * kEdge, kEdge, index, palette);
}

Canvas draw_shells(std::span<const ShellCurve> curves, double step, double qmax, int width,
                   const std::string& title) {
  constexpr int kLeft = 96;
  constexpr int kHeight = 300;
  Canvas canvas(width, kTop + kHeight + 90, kPaper);
  const Axes axes = {{kLeft, kTop, width - kLeft - kGap, kHeight}, {0, qmax}, {-0.1, 1.05}};
  draw_threshold(canvas, axes, 0.143, "0.143");
  draw_threshold(canvas, axes, 0.5, "0.5");
  int y = axes.box.bottom() - 18;
  for (const ShellCurve& curve : curves) {
    std::vector<double> q(curve.values.size());
    for (std::size_t s = 0; s < q.size(); ++s) q[s] = static_cast<double>(s) * step;
    draw_curve(canvas, axes, q, curve.values, curve.colour, curve.thickness);
    canvas.text(axes.box.x + 14, y, curve.name, curve.colour, Align::kLeft, kTextScale);
    y -= 22;
  }
  draw_axes(canvas, axes, {.x = "|q| (1/Angstrom)", .y = "correlation"});
  draw_resolutions(canvas, axes);
  canvas.text(axes.box.x, kTop - 34, title, kInk, Align::kLeft, kTextScale);
  return canvas;
}

}  // namespace unfold::render
