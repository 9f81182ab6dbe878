#include "common/formats/spi/geometry.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/spi/cspi_detector.h"

namespace unfold::spi_data {
namespace {

absl::Status wrong(const NamedFile& file, const std::string& why) {
  return error({.reason = "BAD_GEOMETRY",
                .field = "detector",
                .what = absl::StrCat("cannot use \"", file.shown, "\""),
                .why = why,
                .remedy = "give the geometry of these data"});
}

template <class Take>
void for_each_pixel(const Panel& panel, const std::array<std::int64_t, 3>& shape,
                    const Take& take) {
  for (std::int64_t ss = panel.min_ss; ss <= panel.max_ss; ++ss) {
    for (std::int64_t fs = panel.min_fs; fs <= panel.max_fs; ++fs) {
      take(static_cast<std::size_t>((panel.index * shape[1] + ss) * shape[2] + fs), fs, ss);
    }
  }
}

bool inside(const Panel& panel, const std::array<std::int64_t, 3>& shape) {
  return panel.index < shape[0] && panel.max_ss < shape[1] && panel.max_fs < shape[2];
}

bool covers(const BadRegion& region, const Panel& panel, double x, double y, std::int64_t fs,
            std::int64_t ss) {
  if (!region.panel.empty() && region.panel != panel.name) return false;
  const double first = region.in_data ? static_cast<double>(fs) : x;
  const double second = region.in_data ? static_cast<double>(ss) : y;
  return first >= region.min_1 && first <= region.max_1 && second >= region.min_2 &&
         second <= region.max_2;
}

void place_panel(const Geometry& geometry, const Panel& panel, double wavelength, double distance,
                 Detector& out, std::vector<std::array<double, 2>>& flat) {
  const double clen = (panel.clen.path.empty() ? panel.clen.value : distance) + panel.coffset;
  for_each_pixel(panel, out.shape, [&](std::size_t p, std::int64_t fs, std::int64_t ss) {
    const double along_fs = static_cast<double>(fs - panel.min_fs) + 0.5;
    const double along_ss = static_cast<double>(ss - panel.min_ss) + 0.5;
    const double x = panel.corner_x + along_fs * panel.fs_step[0] + along_ss * panel.ss_step[0];
    const double y = panel.corner_y + along_fs * panel.fs_step[1] + along_ss * panel.ss_step[1];
    const double z = along_fs * panel.fs_step[2] + along_ss * panel.ss_step[2] + clen * panel.res;
    const double norm = std::sqrt(x * x + y * y + z * z);
    out.q[3 * p] = x / norm / wavelength;
    out.q[3 * p + 1] = y / norm / wavelength;
    out.q[3 * p + 2] = (z / norm - 1) / wavelength;
    out.correction[p] = static_cast<float>(z / (norm * norm * norm) / (panel.res * panel.res));
    flat[p] = {x, y};
    const bool bad = panel.bad || std::any_of(geometry.bad.begin(), geometry.bad.end(),
                                              [&](const BadRegion& region) {
                                                return covers(region, panel, x, y, fs, ss);
                                              });
    out.mask[p] = bad ? kBad : kGood;
  });
}

// Rows run down y, columns along x, in pixels from the least of each.
void fill_picture(const std::vector<std::array<double, 2>>& flat,
                  const std::vector<std::uint8_t>& placed, Detector& out) {
  std::array<double, 2> least = {1e300, 1e300};
  for (std::size_t p = 0; p < flat.size(); ++p) {
    for (std::size_t k = 0; k < 2 && placed[p] != 0; ++k) least[k] = std::min(least[k], flat[p][k]);
  }
  for (std::size_t p = 0; p < flat.size(); ++p) {
    for (const std::size_t k : {1u, 0u}) {
      const double at = placed[p] != 0 ? std::round(flat[p][k] - least[k]) : 0;
      if (!(at >= 0 && at < kLargestPicture)) {
        out.picture.clear();
        return;
      }
      out.picture.push_back(static_cast<std::int32_t>(at));
    }
  }
}

}  // namespace

absl::StatusOr<Detector> detector_of(const Geometry& geometry, const NamedFile& file,
                                     const std::array<std::int64_t, 3>& shape, double wavelength,
                                     double distance) {
  const auto pixels = static_cast<std::size_t>(shape[0] * shape[1] * shape[2]);
  Detector out{.q = std::vector<double>(3 * pixels),
               .correction = std::vector<float>(pixels),
               .mask = std::vector<std::uint8_t>(pixels, kBad),
               .shape = shape,
               .wavelength = wavelength};
  std::vector<std::array<double, 2>> flat(pixels);
  std::vector<std::uint8_t> placed(pixels);
  for (const Panel& panel : geometry.panels) {
    if (!inside(panel, shape)) {
      return wrong(file, absl::StrCat("panel ", panel.name, " reaches beyond frames of [", shape[0],
                                      ", ", shape[1], ", ", shape[2], "]"));
    }
    const double clen = (panel.clen.path.empty() ? panel.clen.value : distance) + panel.coffset;
    if (!(clen > 0 && clen < 1e4)) {
      return wrong(file, absl::StrCat("panel ", panel.name, " is ", clen, " m from the sample"));
    }
    place_panel(geometry, panel, wavelength, distance, out, flat);
    for_each_pixel(panel, shape, [&](std::size_t p, std::int64_t, std::int64_t) { placed[p] = 1; });
    out.distance = clen;
  }
  const float largest = *std::max_element(out.correction.begin(), out.correction.end());
  for (std::size_t p = 0; p < pixels; ++p) {
    const float value = out.correction[p] / largest;
    const bool fine = value > 0 && std::isfinite(value) && std::isfinite(out.q[3 * p]) &&
                      std::isfinite(out.q[3 * p + 1]) && std::isfinite(out.q[3 * p + 2]);
    out.correction[p] = fine ? value : 1.0F;
    if (fine) continue;
    out.mask[p] = kBad;
    std::fill_n(out.q.begin() + static_cast<std::ptrdiff_t>(3 * p), 3, 0.0);
  }
  fill_picture(flat, placed, out);
  UNFOLD_RETURN_IF_ERROR(check_some_good(out, file.shown));
  return out;
}

std::vector<float> adu_of(const Geometry& geometry, const std::array<std::int64_t, 3>& shape,
                          double energy) {
  std::vector<float> out(static_cast<std::size_t>(shape[0] * shape[1] * shape[2]));
  for (const Panel& panel : geometry.panels) {
    if (!inside(panel, shape)) continue;
    const double adu = panel.adu_per_photon > 0 ? panel.adu_per_photon : panel.adu_per_ev * energy;
    for_each_pixel(panel, shape, [&](std::size_t p, std::int64_t, std::int64_t) {
      out[p] = static_cast<float>(std::max(adu, 0.0));
    });
  }
  return out;
}

}  // namespace unfold::spi_data
