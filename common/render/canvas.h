#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace unfold::render {

struct Colour {
  std::uint8_t red = 0;
  std::uint8_t green = 0;
  std::uint8_t blue = 0;
};

/// `share` of b over a.
Colour mixed(Colour a, Colour b, double share);

/// A rectangle of pixels; y grows downward.
struct Box {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
  int right() const { return x + width; }
  int bottom() const { return y + height; }
};

/// Where a text's anchor point is: at its left end, middle or right end.
enum class Align { kLeft, kMiddle, kRight };

/// A picture in memory, 8 bits a colour. Everything drawn outside it is cut off. Not thread safe.
class Canvas {
 public:
  Canvas(int width, int height, Colour background);

  int width() const { return width_; }
  int height() const { return height_; }

  /// Sets one pixel; `cover` below 1 mixes with what is there.
  void dot(int x, int y, Colour colour, double cover = 1);
  void fill(const Box& box, Colour colour);
  /// A frame one pixel wide just inside `box`.
  void outline(const Box& box, Colour colour);
  /// A smooth line about `thickness` pixels wide, drawn only within `clip`.
  void line(double x0, double y0, double x1, double y1, Colour colour, double thickness,
            const Box& clip);
  /// `x` is where Align says, `y` the middle of the capitals' height. Capitals are 7 * scale high.
  void text(int x, int y, std::string_view text, Colour colour, Align align, int scale);
  /// Likewise, turned to read upward; (x, y) is the middle of the text.
  void text_upward(int x, int y, std::string_view text, Colour colour, int scale);

  /// Copies `other` with its top left corner at (x, y).
  void paste(const Canvas& other, int x, int y);

  /// Width of a text in pixels.
  static int text_width(std::string_view text, int scale);

  /// Writes the picture, replacing a file of that name. Unavailable/WRITE_FAILED.
  absl::Status write_png(const std::string& path) const;

 private:
  int width_;
  int height_;
  std::vector<Colour> pixels_;
};

/// The bytes of a PNG whose pixels [height, width] are places in a palette of at most 256 colours;
/// empty where libpng fails.
std::string palette_png(int width, int height, std::span<const std::uint8_t> index,
                        std::span<const Colour> palette);

}  // namespace unfold::render
