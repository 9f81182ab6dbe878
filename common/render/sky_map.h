#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/render/canvas.h"
#include "common/sky/grid.h"

namespace unfold::render {

/// A circle on the sky with a name beside it.
struct SkyCircle {
  std::string name;
  double l_deg = 0;
  double b_deg = 0;
  double radius_deg = 0;
};

struct SkyMapOptions {
  int width = 1200;  ///< pixels of the picture, at least 500; its height follows
  std::string title{};
  std::string unit{};
  /// [P] per solid angle, or empty. Pixels without are grey, as are NaNs; those that are not well
  /// exposed (sky::well_exposed) set no colours.
  std::span<const double> exposure{};
  bool hatch = true;  ///< those too, and say so below the picture
  std::vector<SkyCircle> circles{};
  bool stretch = true;  ///< asinh colours, so that faint structure shows beside a bright source
};

/// A galactic map [P] in plate carree: the centre in the middle, longitude growing to the left, the
/// pixel of each point of the picture (no smoothing), a grid and a colour bar from 0 to the
/// brightest pixel that is well exposed (brighter ones look like it). For regular and HEALPix
/// grids; empty maps are drawn in the colour of 0.
Canvas draw_sky_map(const sky::Grid& grid, std::span<const double> map,
                    const SkyMapOptions& options);

/// The same without any furniture, as the bytes of a PNG: 320 x 160 pixels in a palette, which is
/// under 64 KiB for any map.
std::string thumbnail(const sky::Grid& grid, std::span<const double> map,
                      std::span<const double> exposure = {});

}  // namespace unfold::render
