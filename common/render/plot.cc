#include "common/render/plot.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "absl/strings/str_format.h"

namespace unfold::render {
namespace {

constexpr int kTickLength = 6;
constexpr int kGap = 8;

/// Between equally spaced colours.
template <std::size_t N>
Colour along(const std::array<Colour, N>& colours, double value) {
  const double place = std::clamp(value, 0.0, 1.0) * static_cast<double>(N - 1);
  const std::size_t index = std::min(static_cast<std::size_t>(place), N - 2);
  return mixed(colours[index], colours[index + 1], place - static_cast<double>(index));
}

/// The smallest round step that makes not many more than `about` of them.
double step_of(Range range, int about) {
  const double most = 1.6 * std::max(about, 1);
  double decade = std::pow(10.0, std::floor(std::log10(range.width() / most)));
  while (true) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      if (range.width() / (factor * decade) <= most) return factor * decade;
    }
    decade *= 10;
  }
}

std::vector<Mark> round_marks(Range range, int about) {
  const std::vector<double> at = ticks(range, about);
  std::vector<Mark> marks;
  for (const double value : at) {
    marks.push_back({value, tick_label(value, at.size() > 1 ? at[1] - at[0] : 1)});
  }
  return marks;
}

}  // namespace

Colour sequential(double value) {
  constexpr std::array<Colour, 6> kColours = {{{255, 255, 255},
                                               {205, 222, 238},
                                               {130, 178, 214},
                                               {52, 122, 182},
                                               {16, 66, 128},
                                               {6, 18, 48}}};
  return along(kColours, value);
}

Colour diverging(double value) {
  constexpr std::array<Colour, 5> kColours = {
      {{12, 60, 120}, {110, 165, 210}, {255, 255, 255}, {240, 170, 80}, {165, 70, 0}}};
  return along(kColours, (value + 1) / 2);
}

std::vector<double> ticks(Range range, int about) {
  std::vector<double> out;
  if (!(range.width() > 0) || !std::isfinite(range.width())) return out;
  const double step = step_of(range, about);
  for (double k = std::ceil(range.low / step - 1e-9); k * step <= range.high + 1e-9 * step; ++k) {
    out.push_back(k * step);
  }
  return out;
}

std::string tick_label(double value, double step) {
  const int decimals =
      step >= 1 ? 0 : std::min(6, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
  return absl::StrFormat("%.*f", decimals, std::abs(value) < 1e-9 * step ? 0.0 : value);
}

Range percentiles(std::span<const float> values, double low, double high) {
  std::vector<float> finite;
  std::copy_if(values.begin(), values.end(), std::back_inserter(finite),
               [](float v) { return std::isfinite(v); });
  if (finite.empty()) return {};
  const auto at = [&finite](double share) {
    const auto place = finite.begin() +
                       static_cast<std::ptrdiff_t>(share * static_cast<double>(finite.size() - 1));
    std::nth_element(finite.begin(), place, finite.end());
    return static_cast<double>(*place);
  };
  const double first = at(low);
  const double last = at(high);
  return {first, last > first ? last : first + 1};
}

double Stretch::operator()(double value) const {
  return std::asinh((value - zero) / soft) / std::asinh((top - zero) / soft);
}

double Stretch::inverse(double share) const {
  return zero + soft * std::sinh(share * std::asinh((top - zero) / soft));
}

std::vector<Mark> stretched_marks(const Stretch& stretch, double apart) {
  std::vector<Mark> marks = {{stretch(0), "0"}};
  double value = 1;
  for (int k = 0; value <= stretch.top; ++k) {
    value = (k % 2 == 0 ? 1 : 3) * std::pow(10.0, k / 2);
    if (value <= stretch.top && stretch(value) - marks.back().at >= apart) {
      marks.push_back({stretch(value), tick_label(value, 1)});
    }
  }
  return marks;
}

void draw_axes(Canvas& canvas, const Axes& axes, const AxisLabels& labels) {
  const Box& box = axes.box;
  canvas.outline({box.x - 1, box.y - 1, box.width + 2, box.height + 2}, kInk);
  for (const Mark& mark : round_marks(axes.x, box.width / 140)) {
    const int x = static_cast<int>(std::lround(axes.pixel_x(mark.at)));
    canvas.fill({x, box.bottom() + 1, 1, kTickLength}, kInk);
    if (!labels.x_numbers) continue;
    canvas.text(x, box.bottom() + kTickLength + kGap + kTextScale * 4, mark.label, kInk,
                Align::kMiddle, kTextScale);
  }
  int widest = 0;
  for (const Mark& mark :
       labels.y_marks.empty() ? round_marks(axes.y, labels.y_ticks) : labels.y_marks) {
    const int y = static_cast<int>(std::lround(axes.pixel_y(mark.at)));
    canvas.fill({box.x - 1 - kTickLength, y, kTickLength, 1}, kInk);
    if (!labels.y_numbers) continue;
    widest = std::max(widest, Canvas::text_width(mark.label, kTextScale));
    canvas.text(box.x - kTickLength - kGap, y, mark.label, kInk, Align::kRight, kTextScale);
  }
  canvas.text(box.x + box.width / 2, box.bottom() + kTickLength + 2 * kGap + kTextScale * 14,
              labels.x, kInk, Align::kMiddle, kTextScale);
  canvas.text_upward(box.x - kTickLength - 2 * kGap - widest - kTextScale * 5,
                     box.y + box.height / 2, labels.y, kInk, kTextScale);
}

void draw_image(Canvas& canvas, const Axes& axes,
                const std::function<Colour(Range x, Range y)>& colour_of) {
  const Box& box = axes.box;
  for (int y = box.y; y < box.bottom(); ++y) {
    const Range rows = {axes.data_y(y + 1), axes.data_y(y)};
    for (int x = box.x; x < box.right(); ++x) {
      canvas.dot(x, y, colour_of({axes.data_x(x), axes.data_x(x + 1)}, rows));
    }
  }
}

void draw_curve(Canvas& canvas, const Axes& axes, std::span<const double> x,
                std::span<const double> y, Colour colour, double thickness) {
  // Far outside is as good as just outside, and keeps lines short.
  const auto place = [&](double value) {
    return std::clamp(axes.pixel_y(value), axes.box.y - 1000.0, axes.box.bottom() + 1000.0);
  };
  for (std::size_t i = 0; i + 1 < x.size(); ++i) {
    if (!std::isfinite(y[i]) || !std::isfinite(y[i + 1])) continue;
    canvas.line(axes.pixel_x(x[i]), place(y[i]), axes.pixel_x(x[i + 1]), place(y[i + 1]), colour,
                thickness, axes.box);
  }
}

void draw_colour_bar(Canvas& canvas, const Box& box, const std::function<Colour(double)>& colour,
                     const std::vector<Mark>& marks, const std::string& title) {
  for (int y = 0; y < box.height; ++y) {
    canvas.fill({box.x, box.bottom() - 1 - y, box.width, 1}, colour((y + 0.5) / box.height));
  }
  canvas.outline({box.x - 1, box.y - 1, box.width + 2, box.height + 2}, kInk);
  int widest = 0;
  for (const Mark& mark : marks) {
    const int y = box.bottom() - static_cast<int>(std::lround(mark.at * box.height));
    canvas.fill({box.right() + 1, y, kTickLength, 1}, kInk);
    canvas.text(box.right() + kTickLength + kGap, y, mark.label, kInk, Align::kLeft, kTextScale);
    widest = std::max(widest, Canvas::text_width(mark.label, kTextScale));
  }
  canvas.text_upward(box.right() + kTickLength + 2 * kGap + widest + kTextScale * 5,
                     box.y + box.height / 2, title, kInk, kTextScale);
}

}  // namespace unfold::render
