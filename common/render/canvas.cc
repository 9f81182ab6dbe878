#include "common/render/canvas.h"

#include <png.h>

#include <algorithm>
#include <cmath>

#include "common/base/error.h"
#include "common/render/font.h"

namespace unfold::render {
namespace {

std::uint8_t mixed_byte(std::uint8_t a, std::uint8_t b, double share) {
  return static_cast<std::uint8_t>(std::lround(a + (b - a) * std::clamp(share, 0.0, 1.0)));
}

/// True where a glyph has ink; false outside it.
bool ink(const Glyph& glyph, int x, int y) {
  if (x < 0 || x >= kGlyphWidth || y < 0 || y >= kGlyphHeight) return false;
  return (glyph[static_cast<std::size_t>(y)] >> (kGlyphWidth - 1 - x) & 1) != 0;
}

/// How much ink a glyph has at a point, in glyph pixels from its corner: the bilinear mean of the
/// pixels around it, sharpened, which rounds the steps of slanted strokes.
double smooth_ink(const Glyph& glyph, double x, double y) {
  const int x0 = static_cast<int>(std::floor(x - 0.5));
  const int y0 = static_cast<int>(std::floor(y - 0.5));
  const double u = x - 0.5 - x0;
  const double v = y - 0.5 - y0;
  const double value =
      (ink(glyph, x0, y0) ? (1 - u) * (1 - v) : 0) + (ink(glyph, x0 + 1, y0) ? u * (1 - v) : 0) +
      (ink(glyph, x0, y0 + 1) ? (1 - u) * v : 0) + (ink(glyph, x0 + 1, y0 + 1) ? u * v : 0);
  return std::clamp((value - 0.5) * 2.2 + 0.62, 0.0, 1.0);
}

/// Calls dot(x, y, cover) for every pixel of a text whose top left is (0, 0).
template <class Dot>
void each_text_pixel(std::string_view text, int scale, const Dot& dot) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const Glyph& glyph = glyph_of(text[i]);
    for (int y = 0; y < kGlyphHeight * scale; ++y) {
      for (int x = -1; x < kGlyphWidth * scale + 1; ++x) {
        const double cover = scale == 1 ? (ink(glyph, x, y) ? 1.0 : 0.0)
                                        : smooth_ink(glyph, (x + 0.5) / scale, (y + 0.5) / scale);
        if (cover > 0) dot(static_cast<int>(i) * kGlyphAdvance * scale + x, y, cover);
      }
    }
  }
}

}  // namespace

Colour mixed(Colour a, Colour b, double share) {
  return {mixed_byte(a.red, b.red, share), mixed_byte(a.green, b.green, share),
          mixed_byte(a.blue, b.blue, share)};
}

Canvas::Canvas(int width, int height, Colour background)
    : width_(width),
      height_(height),
      pixels_(static_cast<std::size_t>(width) * static_cast<std::size_t>(height), background) {}

void Canvas::dot(int x, int y, Colour colour, double cover) {
  if (x < 0 || x >= width_ || y < 0 || y >= height_) return;
  Colour& pixel = pixels_[static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) +
                          static_cast<std::size_t>(x)];
  pixel = mixed(pixel, colour, cover);
}

void Canvas::fill(const Box& box, Colour colour) {
  for (int y = box.y; y < box.bottom(); ++y) {
    for (int x = box.x; x < box.right(); ++x) dot(x, y, colour);
  }
}

void Canvas::outline(const Box& box, Colour colour) {
  fill({box.x, box.y, box.width, 1}, colour);
  fill({box.x, box.bottom() - 1, box.width, 1}, colour);
  fill({box.x, box.y, 1, box.height}, colour);
  fill({box.right() - 1, box.y, 1, box.height}, colour);
}

void Canvas::line(double x0, double y0, double x1, double y1, Colour colour, double thickness,
                  const Box& clip) {
  const double length = std::hypot(x1 - x0, y1 - y0);
  const double reach = thickness / 2 + 1;
  const int left = std::max(clip.x, static_cast<int>(std::floor(std::min(x0, x1) - reach)));
  const int right =
      std::min(clip.right() - 1, static_cast<int>(std::ceil(std::max(x0, x1) + reach)));
  const int top = std::max(clip.y, static_cast<int>(std::floor(std::min(y0, y1) - reach)));
  const int bottom =
      std::min(clip.bottom() - 1, static_cast<int>(std::ceil(std::max(y0, y1) + reach)));
  for (int y = top; y <= bottom; ++y) {
    for (int x = left; x <= right; ++x) {
      const double dx = x - x0;
      const double dy = y - y0;
      const double along =
          length > 0 ? std::clamp((dx * (x1 - x0) + dy * (y1 - y0)) / length, 0.0, length) : 0;
      const double ux = length > 0 ? (x1 - x0) / length : 0;
      const double uy = length > 0 ? (y1 - y0) / length : 0;
      const double distance = std::hypot(dx - along * ux, dy - along * uy);
      const double cover = std::clamp(thickness / 2 + 0.5 - distance, 0.0, 1.0);
      if (cover > 0) dot(x, y, colour, cover);
    }
  }
}

void Canvas::paste(const Canvas& other, int x, int y) {
  for (int v = 0; v < other.height_; ++v) {
    for (int u = 0; u < other.width_; ++u) {
      dot(x + u, y + v,
          other.pixels_[static_cast<std::size_t>(v) * static_cast<std::size_t>(other.width_) +
                        static_cast<std::size_t>(u)]);
    }
  }
}

int Canvas::text_width(std::string_view text, int scale) {
  return text.empty() ? 0 : (static_cast<int>(text.size()) * kGlyphAdvance - 1) * scale;
}

void Canvas::text(int x, int y, std::string_view text, Colour colour, Align align, int scale) {
  const int width = text_width(text, scale);
  const int left = align == Align::kLeft ? x : align == Align::kMiddle ? x - width / 2 : x - width;
  const int top = y - kCapitalHeight * scale / 2;
  each_text_pixel(text, scale,
                  [&](int u, int v, double cover) { dot(left + u, top + v, colour, cover); });
}

void Canvas::text_upward(int x, int y, std::string_view text, Colour colour, int scale) {
  const int bottom = y + text_width(text, scale) / 2;
  const int left = x - kCapitalHeight * scale / 2;
  each_text_pixel(text, scale,
                  [&](int u, int v, double cover) { dot(left + v, bottom - u, colour, cover); });
}

absl::Status Canvas::write_png(const std::string& path) const {
  static_assert(sizeof(Colour) == 3);
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width_);
  image.height = static_cast<png_uint_32>(height_);
  image.format = PNG_FORMAT_RGB;
  if (png_image_write_to_file(&image, path.c_str(), 0, pixels_.data(), 0, nullptr) == 0) {
    return error({.code = absl::StatusCode::kUnavailable,
                  .reason = "WRITE_FAILED",
                  .field = "output",
                  .what = "cannot write " + path,
                  .why = image.message,
                  .remedy = "check the folder and the space on its disk"});
  }
  return absl::OkStatus();
}

std::string palette_png(int width, int height, std::span<const std::uint8_t> index,
                        std::span<const Colour> palette) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width);
  image.height = static_cast<png_uint_32>(height);
  image.format = PNG_FORMAT_RGB_COLORMAP;
  image.colormap_entries = static_cast<png_uint_32>(palette.size());
  png_alloc_size_t size = 0;
  std::string bytes;
  if (png_image_write_to_memory(&image, nullptr, &size, 0, index.data(), 0, palette.data()) == 0)
    return bytes;
  bytes.resize(size);
  if (png_image_write_to_memory(&image, bytes.data(), &size, 0, index.data(), 0, palette.data()) ==
      0)
    return {};
  bytes.resize(size);
  return bytes;
}

}  // namespace unfold::render
