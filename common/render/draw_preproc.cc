#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/render/drawings.h"
#include "common/render/plot.h"

namespace unfold::render {
namespace {

constexpr int kCell = 32;         // pixels of the grid on which light is looked for
constexpr int kCloseUp = 160;     // pixels across the close-up
constexpr double kLitSigmas = 7;  // of a cell's mean

struct Region {
  Range x;
  Range y;
};

std::size_t index_of(const fits::Preproc& image, int x, int y) {
  return static_cast<std::size_t>(y) * static_cast<std::size_t>(image.nx) +
         static_cast<std::size_t>(x);
}

/// True where a cell's light stands out of its noise.
bool is_lit(const fits::Preproc& image, int x0, int y0) {
  double signal = 0;
  double variance = 0;
  for (int y = y0; y < std::min(y0 + kCell, image.ny); ++y) {
    for (int x = x0; x < std::min(x0 + kCell, image.nx); ++x) {
      const std::size_t i = index_of(image, x, y);
      if (image.mask[i] != 0 || !(image.ivar[i] > 0)) continue;
      signal += static_cast<double>(image.image[i]);
      variance += 1 / static_cast<double>(image.ivar[i]);
    }
  }
  return signal > kLitSigmas * std::sqrt(variance);
}

/// The smallest region with all lit cells, or the whole CCD.
Region lit_region(const fits::Preproc& image) {
  int x_begin = image.nx;
  int x_end = 0;
  int y_begin = image.ny;
  int y_end = 0;
  for (int y = 0; y < image.ny; y += kCell) {
    for (int x = 0; x < image.nx; x += kCell) {
      if (!is_lit(image, x, y)) continue;
      x_begin = std::min(x_begin, x);
      x_end = std::max(x_end, std::min(x + kCell, image.nx));
      y_begin = std::min(y_begin, y);
      y_end = std::max(y_end, std::min(y + kCell, image.ny));
    }
  }
  if (x_end <= x_begin) return {{0.0, double(image.nx)}, {0.0, double(image.ny)}};
  return {{double(x_begin), double(x_end)}, {double(y_begin), double(y_end)}};
}

Region middle_of(const Region& region) {
  const auto middle = [](Range range) {
    const double half = std::min(range.width(), double(kCloseUp)) / 2;
    const double centre = std::floor((range.low + range.high) / 2);
    return Range{centre - std::floor(half), centre + std::floor(half)};
  };
  return {middle(region.x), middle(region.y)};
}

/// The mean of the pixels in a rectangle (at least the one it lies in), mixed with the colours of
/// bad ones.
Colour colour_of(const fits::Preproc& image, const Stretch& stretch, Range x, Range y) {
  const int x0 = std::clamp(static_cast<int>(std::floor(x.low)), 0, image.nx - 1);
  const int y0 = std::clamp(static_cast<int>(std::floor(y.low)), 0, image.ny - 1);
  const int x1 = std::clamp(static_cast<int>(std::floor(x.high)), x0 + 1, image.nx);
  const int y1 = std::clamp(static_cast<int>(std::floor(y.high)), y0 + 1, image.ny);
  double sum = 0;
  int good = 0;
  int masked = 0;
  int weightless = 0;
  for (int v = y0; v < y1; ++v) {
    for (int u = x0; u < x1; ++u) {
      const std::size_t i = index_of(image, u, v);
      if (image.mask[i] != 0) {
        ++masked;
      } else if (!(image.ivar[i] > 0)) {
        ++weightless;
      } else {
        sum += static_cast<double>(image.image[i]);
        ++good;
      }
    }
  }
  const double all = good + masked + weightless;
  const Colour light = sequential(good > 0 ? stretch(sum / good) : 0);
  return mixed(mixed(light, kOrange, std::min(1.0, 2 * masked / all)), kPurple,
               std::min(1.0, 2 * weightless / all));
}

void draw_region(Canvas& canvas, const fits::Preproc& image, const Stretch& stretch,
                 const Region& region, const Box& box, const std::string& title) {
  const Axes axes = {box, region.x, region.y};
  draw_image(canvas, axes, [&](Range x, Range y) { return colour_of(image, stretch, x, y); });
  draw_axes(canvas, axes, {"column (pixels)", "row (pixels)"});
  canvas.text(box.x, box.y - 18, title, kInk, Align::kLeft, kTextScale);
}

Stretch stretch_of(const fits::Preproc& image, const Region& region) {
  std::vector<float> values;
  for (int y = int(region.y.low); y < int(region.y.high); y += 3) {
    for (int x = int(region.x.low); x < int(region.x.high); x += 3) {
      const std::size_t i = index_of(image, x, y);
      if (image.mask[i] == 0 && image.ivar[i] > 0) values.push_back(image.image[i]);
    }
  }
  const Range most = percentiles(values, 0.5, 0.998);
  return {.zero = 0, .soft = std::max(10.0, most.low), .top = std::max(most.high, 50.0)};
}

std::string headline(const fits::Preproc& image) {
  std::string out = absl::StrCat("Preprocessed image ", image.camera);
  if (const auto night = image.header.integer("NIGHT"); night.ok()) {
    absl::StrAppend(&out, ", night ", *night);
  }
  if (const auto expid = image.header.integer("EXPID"); expid.ok()) {
    absl::StrAppend(&out, ", exposure ", *expid);
  }
  if (const auto exptime = image.header.real("EXPTIME"); exptime.ok()) {
    absl::StrAppend(&out, ", ", *exptime, " s");
  }
  const auto masked =
      std::count_if(image.mask.begin(), image.mask.end(), [](int bits) { return bits != 0; });
  absl::StrAppendFormat(&out, ": %d x %d, %d pixels masked, %d not finite", image.nx, image.ny,
                        masked, image.nonfinite_pixels);
  return out;
}

}  // namespace

Canvas draw_preproc(const fits::Preproc& image, const ViewOptions& options) {
  const Region region = lit_region(image);
  const Stretch stretch = stretch_of(image, region);
  const int panel = (options.width - 370) / 2;
  Canvas canvas(options.width, panel + 200, kPaper);
  canvas.text(20, 30, headline(image), kInk, Align::kLeft, kTextScale);
  const Box whole = {110, 96, panel, panel};
  const Box close = {whole.right() + 120, 96, panel, panel};
  draw_region(canvas, image, stretch, region, whole, "lit part of the CCD");
  draw_region(canvas, image, stretch, middle_of(region), close, "its middle, pixel by pixel");

  draw_colour_bar(canvas, {close.right() + 24, close.y, 16, close.height}, sequential,
                  stretched_marks(stretch, 0.06), "electrons");
  const int legend = whole.bottom() + 80;
  canvas.fill({whole.x, legend - 7, 14, 14}, kOrange);
  canvas.text(whole.x + 22, legend, "masked", kInk, Align::kLeft, kTextScale);
  canvas.fill({whole.x + 130, legend - 7, 14, 14}, kPurple);
  canvas.text(whole.x + 152, legend, "no weight, or not finite", kInk, Align::kLeft, kTextScale);
  return canvas;
}

}  // namespace unfold::render
