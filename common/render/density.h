#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/render/canvas.h"

namespace unfold::render {

/// A cubic density [M^3], index (x M + y) M + z, centred at M / 2.
struct Cube {
  std::int64_t grid = 0;
  double voxel = 0;  ///< Angstrom
  std::span<const double> density;
};

/// The planes z = 0, y = 0 and x = 0 beside each other, cut to what is not empty, in one colour
/// scale from 0 to the brightest voxel of them (nothing below 0 is told apart), with a bar of
/// Angstroms. Values between voxels are interpolated along straight lines. Any size of cube, any
/// values: what is not finite is drawn as 0.
Canvas draw_slices(const Cube& cube, int width, const std::string& title);

/// The same without any furniture, as the bytes of a PNG: 330 x 110 pixels in a palette, under 64
/// KiB for any density.
std::string density_thumbnail(std::int64_t grid, std::span<const double> density);

/// Something by shell: shell s at |q| = s step.
struct ShellCurve {
  std::string name;
  std::vector<double> values;
  Colour colour;
  double thickness = 2;
};

/// Curves over |q| = 0 .. qmax with lines at 0.143 and 0.5 and Angstroms above.
Canvas draw_shells(std::span<const ShellCurve> curves, double step, double qmax, int width,
                   const std::string& title);

}  // namespace unfold::render
