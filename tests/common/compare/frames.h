#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/formats/fits/frame.h"
#include "common/simulate/truth.h"

namespace unfold::compare {

/// A small frame: flux 10 s + i electrons per Angstrom, ivar 0.25, R the identity, bins of 0.8 from
/// 6000 Angstrom.
inline fits::Frame plain_frame(int nspec, int nwave) {
  fits::Frame frame;
  frame.nspec = nspec;
  frame.nwave = nwave;
  frame.ndiag = 2;
  const auto bins = static_cast<std::size_t>(nspec * nwave);
  for (int i = 0; i < nwave; ++i) frame.wavelength.push_back(6000 + 0.8 * i);
  for (int s = 0; s < nspec; ++s) {
    for (int i = 0; i < nwave; ++i) frame.flux.push_back(static_cast<float>(10 * s + i));
    for (int k = 0; k < 5; ++k)
      frame.resolution.insert(frame.resolution.end(), static_cast<std::size_t>(nwave),
                              k == 2 ? 1.0F : 0.0F);
  }
  frame.ivar.assign(bins, 0.25F);
  frame.mask.assign(bins, 0);
  frame.chi2pix.assign(bins, 1.0F);
  frame.header.set("CAMERA", "r0");
  frame.header.set("EXPTIME", 1000.0);
  frame.header.set("FIBERMIN", 0);
  return frame;
}

/// Exactly what plain_frame() shows.
inline simulate::Truth truth_of(const fits::Frame& frame) {
  simulate::Truth truth;
  truth.nspec = frame.nspec;
  truth.nwave = frame.nwave;
  truth.wavelength = frame.wavelength;
  for (const float flux : frame.flux) truth.photons.push_back(0.8 * static_cast<double>(flux));
  return truth;
}

}  // namespace unfold::compare
