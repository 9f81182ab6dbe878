#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "common/render/canvas.h"

namespace unfold::render {

// Dark on light, and apart from each other for every kind of colour vision.
inline constexpr Colour kPaper = {255, 255, 255};
inline constexpr Colour kInk = {38, 42, 48};
inline constexpr Colour kFaint = {205, 209, 214};
inline constexpr Colour kBlue = {22, 92, 158};
inline constexpr Colour kPaleBlue = {196, 216, 234};
inline constexpr Colour kOrange = {222, 130, 16};
inline constexpr Colour kPurple = {170, 60, 130};

inline constexpr int kTextScale = 2;

struct Range {
  double low = 0;
  double high = 1;
  double width() const { return high - low; }
};

/// White for 0 through blue to nearly black for 1; lightness falls all the way.
Colour sequential(double value);
/// Blue for -1, white for 0, orange for 1.
Colour diverging(double value);

/// Round numbers inside `range`, `about` of them.
std::vector<double> ticks(Range range, int about);
/// `value` with just the decimals that neighbours `step` apart need.
std::string tick_label(double value, double step);

/// The values below which `low` and `high` (0 .. 1) of all finite ones lie; {0, 1} where none is.
Range percentiles(std::span<const float> values, double low, double high);

/// asinh((value - zero) / soft), scaled so that `top` gives 1: linear near zero, logarithmic above.
struct Stretch {
  double zero = 0;
  double soft = 1;
  double top = 1;
  double operator()(double value) const;
  double inverse(double share) const;
};

/// A rectangle with a coordinate system: data x to the right, data y upward.
struct Axes {
  Box box;
  Range x;
  Range y;
  double pixel_x(double value) const { return box.x + (value - x.low) / x.width() * box.width; }
  double pixel_y(double value) const {
    return box.bottom() - (value - y.low) / y.width() * box.height;
  }
  double data_x(double pixel) const { return x.low + (pixel - box.x) / box.width * x.width(); }
  double data_y(double pixel) const {
    return y.low + (box.bottom() - pixel) / box.height * y.width();
  }
};

/// A tick and what is written at it.
struct Mark {
  double at = 0;
  std::string label{};
};

/// Marks at 0, 10, 30, 100, ... as far as `stretch` goes and they do not crowd; `at` is stretched.
std::vector<Mark> stretched_marks(const Stretch& stretch, double apart);

/// What stands along the axes.
struct AxisLabels {
  std::string x{};
  std::string y{};
  bool x_numbers = true;
  bool y_numbers = true;
  int y_ticks = 5;
  std::vector<Mark> y_marks{};  ///< in place of round numbers
};
void draw_axes(Canvas& canvas, const Axes& axes, const AxisLabels& labels);

/// Colours every pixel of the axes by the data rectangle it covers.
void draw_image(Canvas& canvas, const Axes& axes,
                const std::function<Colour(Range x, Range y)>& colour_of);

/// A curve through (x, y); values that are not finite break it.
void draw_curve(Canvas& canvas, const Axes& axes, std::span<const double> x,
                std::span<const double> y, Colour colour, double thickness);

/// A bar of colours at the right of a panel; 0 .. 1 from its foot to its top.
void draw_colour_bar(Canvas& canvas, const Box& box, const std::function<Colour(double)>& colour,
                     const std::vector<Mark>& marks, const std::string& title);

}  // namespace unfold::render
