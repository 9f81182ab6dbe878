#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/render/drawings.h"
#include "common/render/plot.h"
#include "common/simulate/row_major.h"
#include "common/simulate/stamp.h"

namespace unfold::render {
namespace {

constexpr int kStampsAcross = 5;
constexpr int kStampsDown = 5;
constexpr int kFibreStep = 25;
constexpr int kTracePoints = 100;

/// Curves of a fibre's light over the CCD, and lines of equal wavelength across the fibres.
void draw_traces(Canvas& canvas, const fits::Psf& psf, const Box& box) {
  const Axes axes = {box, {0, double(psf.npix_x)}, {0, double(psf.npix_y)}};
  const simulate::StampEvaluator trace(psf);
  const auto wave = [&](int k) {
    return psf.wave_min + (psf.wave_max - psf.wave_min) * k / kTracePoints;
  };
  for (int fibre = 0; fibre < psf.nspec; fibre += kFibreStep) {
    std::vector<double> x;
    std::vector<double> y;
    for (int k = 0; k <= kTracePoints; ++k) {
      x.push_back(trace.x(fibre, wave(k)));
      y.push_back(trace.y(fibre, wave(k)));
    }
    draw_curve(canvas, axes, x, y, kBlue, 1.2);
  }
  for (int k = 0; k <= kTracePoints; k += kTracePoints / 8) {
    std::vector<double> x;
    std::vector<double> y;
    for (int fibre = 0; fibre < psf.nspec; ++fibre) {
      x.push_back(trace.x(fibre, wave(k)));
      y.push_back(trace.y(fibre, wave(k)));
    }
    draw_curve(canvas, axes, x, y, kOrange, 1.2);
  }
  draw_axes(canvas, axes, {"column (pixels)", "row (pixels)"});
  canvas.text(box.x, box.y - 18, absl::StrFormat("traces of every %dth fibre", kFibreStep), kBlue,
              Align::kLeft, kTextScale);
  canvas.text(box.right(), box.y - 18, "equal wavelength", kOrange, Align::kRight, kTextScale);
}

void draw_stamp(Canvas& canvas, const simulate::Stamp& stamp, const Box& box) {
  const double peak = *std::max_element(stamp.values.begin(), stamp.values.end());
  const Stretch stretch = {
      .zero = 0, .soft = std::max(peak, 1e-9) / 60, .top = std::max(peak, 1e-9)};
  const Axes axes = {box, {0, double(stamp.nx)}, {0, double(stamp.ny)}};
  draw_image(canvas, axes, [&](Range x, Range y) {
    const int u = std::clamp(static_cast<int>((x.low + x.high) / 2), 0, stamp.nx - 1);
    const int v = std::clamp(static_cast<int>((y.low + y.high) / 2), 0, stamp.ny - 1);
    return sequential(stretch(stamp.values[simulate::row_major(v, stamp.nx, u)]));
  });
  canvas.outline({box.x - 1, box.y - 1, box.width + 2, box.height + 2}, kFaint);
}

std::vector<int> fibres_to_draw(const fits::Psf& psf, const ViewOptions& options) {
  std::vector<int> fibres;
  for (const int fibre : options.fibres) {
    if (fibre >= 0 && fibre < psf.nspec && fibres.size() < kStampsAcross) fibres.push_back(fibre);
  }
  for (int k = 0; fibres.empty() || (options.fibres.empty() && k < kStampsAcross); ++k) {
    fibres.push_back(k * (psf.nspec - 1) / (kStampsAcross - 1));
  }
  return fibres;
}

/// Fibres from left to right, wavelengths upward.
void draw_stamps(Canvas& canvas, const fits::Psf& psf, const std::vector<int>& fibres,
                 const Box& box) {
  const simulate::StampEvaluator evaluator(psf);
  const int across = static_cast<int>(fibres.size());
  const int cell_width = box.width / across;
  const int cell_height = box.height / kStampsDown;
  const int pixel = std::max(1, std::min((cell_width - 12) / (2 * psf.hsize_x + 1),
                                         (cell_height - 12) / (2 * psf.hsize_y + 1)));
  for (int row = 0; row < kStampsDown; ++row) {
    // A little inside, where the traces are on the CCD.
    const double share = 0.1 + 0.8 * row / (kStampsDown - 1);
    const double wavelength = psf.wave_min + share * (psf.wave_max - psf.wave_min);
    const int y = box.bottom() - (row + 1) * cell_height;
    canvas.text(box.x - 10, y + cell_height / 2, absl::StrFormat("%.0f A", wavelength), kInk,
                Align::kRight, kTextScale);
    for (int column = 0; column < across; ++column) {
      const simulate::Stamp stamp =
          evaluator.evaluate(fibres[static_cast<std::size_t>(column)], wavelength);
      const Box place = {box.x + column * cell_width + (cell_width - stamp.nx * pixel) / 2,
                         y + (cell_height - stamp.ny * pixel) / 2, stamp.nx * pixel,
                         stamp.ny * pixel};
      draw_stamp(canvas, stamp, place);
    }
  }
  for (int column = 0; column < across; ++column) {
    canvas.text(box.x + column * cell_width + cell_width / 2, box.y - 18,
                absl::StrCat(fibres[static_cast<std::size_t>(column)]), kInk, Align::kMiddle,
                kTextScale);
  }
  canvas.text(box.x - 10, box.y - 18, "fibre", kInk, Align::kRight, kTextScale);
}

}  // namespace

Canvas draw_psf(const fits::Psf& psf, const ViewOptions& options) {
  const int panel = options.width * 2 / 5;
  Canvas canvas(options.width, panel + 190, kPaper);
  canvas.text(20, 30,
              absl::StrFormat("PSF %s: %d fibres, %.0f to %.0f Angstrom, stamps of %d x %d pixels",
                              psf.camera, psf.nspec, psf.wave_min, psf.wave_max,
                              2 * psf.hsize_x + 1, 2 * psf.hsize_y + 1),
              kInk, Align::kLeft, kTextScale);
  const Box traces = {110, 96, panel, panel};
  draw_traces(canvas, psf, traces);
  const int left = traces.right() + 120;
  const Box stamps = {left, 96, options.width - left - 20, panel};
  if (psf.type == fits::PsfType::kGaussHermite) {
    draw_stamps(canvas, psf, fibres_to_draw(psf, options), stamps);
    canvas.text(stamps.x + stamps.width / 2, stamps.bottom() + 44,
                "light of one wavelength, asinh from 0 to its peak", kInk, Align::kMiddle,
                kTextScale);
  } else {
    canvas.text(stamps.x, stamps.y + 20, "stamps of GAUSS-HERMITE2 are not drawn", kInk,
                Align::kLeft, kTextScale);
  }
  return canvas;
}

}  // namespace unfold::render
