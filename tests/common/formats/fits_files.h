#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/formats/fits/preproc.h"
#include "common/formats/fits/psf.h"
#include "tests/support/scratch_folder.h"

namespace unfold::test {

/// A scratch folder whose files are named and written by path text.
class TemporaryFolder : public ScratchFolder {
 public:
  std::string file(const std::string& name) const { return (path() / name).string(); }
  std::string write(const std::string& name, const std::string& bytes) const {
    write_text(file(name), bytes);
    return file(name);
  }
};

/// Cards ("KEY     = value" as given), END, blanks to a whole number of blocks.
inline std::string header_block(const std::vector<std::string>& cards) {
  std::string out;
  for (std::string card : cards) {
    card.resize(80, ' ');
    out += card;
  }
  out += "END";
  out.resize((out.size() + 2879) / 2880 * 2880, ' ');
  return out;
}

/// A number card in fixed format.
inline std::string card(std::string key, const std::string& value) {
  key.resize(8, ' ');
  return key + "= " + std::string(value.size() < 20 ? 20 - value.size() : 0, ' ') + value;
}

inline std::string zeros(std::size_t bytes) {
  return std::string((bytes + 2879) / 2880 * 2880, '\0');
}

/// A small preproc: image[y, x] = x + 100 y, ivar 1, mask 0, camera r0, a fibermap of `fibres`
/// rows.
inline fits::Preproc small_preproc(int nx = 40, int ny = 30, int fibres = 5) {
  fits::Preproc out;
  out.nx = nx;
  out.ny = ny;
  for (int y = 0; y < ny; ++y) {
    for (int x = 0; x < nx; ++x) out.image.push_back(static_cast<float>(x + 100 * y));
  }
  out.ivar.assign(out.image.size(), 1.0F);
  out.mask.assign(out.image.size(), 0);
  out.header.set("CAMERA", "R0");
  out.header.set("EXPTIME", 1000.0);
  out.header.set("FLAVOR", "science");
  std::vector<std::int32_t> fiber;
  std::vector<std::int64_t> target;
  std::vector<std::string> type;
  for (int i = 0; i < fibres; ++i) {
    fiber.push_back(i);
    target.push_back(39627000000000000 + i);
    type.push_back(i % 3 == 0 ? "SKY" : "TGT");
  }
  out.fibermap = fits::TableBuilder("FIBERMAP")
                     .add("FIBER", std::span<const std::int32_t>(fiber), "fibre")
                     .add("TARGETID", std::span<const std::int64_t>(target))
                     .add("OBJTYPE", std::span<const std::string>(type))
                     .build();
  return out;
}

inline fits::LegendreSet legendre(int nspec, std::vector<double> first, double per_fibre = 0) {
  fits::LegendreSet out{static_cast<int>(first.size()), 5600, 5700, {}};
  for (int i = 0; i < nspec; ++i) {
    out.coefficients.insert(out.coefficients.end(), first.begin(), first.end());
    out.coefficients[out.coefficients.size() - first.size()] += per_fibre * i;
  }
  return out;
}

/// A PSF of `nspec` fibres on a CCD of nx x ny, 5600 to 5700 Angstrom, Gaussian.
inline fits::Psf small_psf(int nspec = 5, int nx = 40, int ny = 30) {
  fits::Psf out;
  out.nspec = nspec;
  out.npix_x = nx;
  out.npix_y = ny;
  out.hsize_x = 3;
  out.hsize_y = 2;
  out.wave_min = 5600;
  out.wave_max = 5700;
  out.x = legendre(nspec, {5, 0.5, 0.1}, 7);
  out.y = legendre(nspec, {15, 12, 0.2});
  out.core.degree_x = 1;
  out.core.degree_y = 2;
  out.core.sigma_x = legendre(nspec, {1.05, 0.01});
  out.core.sigma_y = legendre(nspec, {1.1, 0.02});
  for (int i = 0; i < 6; ++i) {
    out.core.terms.push_back(legendre(nspec, {i == 0 ? 1.0 : 0.01 * i, 0.001}));
  }
  for (fits::LegendreSet* part : {&out.tail.amplitude, &out.tail.core, &out.tail.x_scale,
                                  &out.tail.y_scale, &out.tail.index}) {
    *part = legendre(nspec, {part == &out.tail.amplitude ? 0.0 : 1.0, 0.0});
  }
  out.camera = "r0";
  return out;
}

}  // namespace unfold::test
