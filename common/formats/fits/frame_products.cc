#include "common/formats/fits/frame_products.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/version.h"
#include "common/formats/fits/writer.h"

namespace unfold::fits {
namespace {

constexpr float kSomeBad = 0.5F;
constexpr float kAllBad = 1 - 1e-6F;  // a sum of 187 float weights is seldom exactly 1
constexpr double kBadFitScale = 5;    // x the median, as desispec

// The mean of the two middle values, as numpy; 0 of nothing. Reorders `values`.
double median(std::vector<double>& values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

// Median of chi2pix over the bins with weight among start, start + step, ...
double live_median(const MaskInputs& inputs, std::size_t start, std::size_t step, std::size_t count,
                   std::vector<double>& scratch) {
  scratch.clear();
  for (std::size_t k = 0; k < count; ++k) {
    const std::size_t i = start + k * step;
    if (inputs.ivar[i] > 0) scratch.push_back(static_cast<double>(inputs.chi2pix[i]));
  }
  return median(scratch);
}

struct TopHat {
  char band;
  double min;
  double max;
};
constexpr std::array<TopHat, 3> kTopHats = {
    {{'b', 4000, 5800}, {'r', 5800, 7600}, {'z', 7600, 9800}}};

TopHat top_hat_of(const Frame& frame, const std::string& camera) {
  for (const TopHat& hat : kTopHats) {
    if (!camera.empty() && camera.front() == hat.band) return hat;
  }
  const double mean = std::accumulate(frame.wavelength.begin(), frame.wavelength.end(), 0.0) /
                      static_cast<double>(std::max(frame.nwave, 1));
  return mean <= kTopHats[0].max   ? kTopHats[0]
         : mean >= kTopHats[2].min ? kTopHats[2]
                                   : kTopHats[1];
}

// numpy.gradient: half the distance between the neighbours, one-sided at the ends.
double bin_width(const std::vector<double>& wave, std::size_t i) {
  if (wave.size() < 2) return 1;
  const std::size_t low = i == 0 ? 0 : i - 1;
  const std::size_t high = std::min(i + 1, wave.size() - 1);
  return (wave[high] - wave[low]) / static_cast<double>(high - low);
}

void add_dependency(Header& header, const std::string& name, const std::string& version) {
  for (int i = 0; i < 100; ++i) {
    const std::string key = absl::StrFormat("DEPNAM%02d", i);
    if (header.has(key) && header.string(key).value_or("") != name) continue;
    header.set(key, name);
    header.set(absl::StrFormat("DEPVER%02d", i), version);
    return;
  }
}

void set_if(Header& header, const std::string& key, const std::string& value,
            const std::string& comment) {
  if (!value.empty()) header.set(key, value, comment);
}

void add_provenance(Header& header, const FrameCards& cards) {
  header.set("UFVERS", kVersion, "version of unfold");
  header.set("UFCOMMIT", kCommit, "commit of unfold");
  set_if(header, "UFJOB", cards.job_id, "job");
  set_if(header, "UFIMGSHA", cards.image_sha256, "");
  set_if(header, "UFPSFSHA", cards.psf_sha256, "");
  set_if(header, "UFFMSHA", cards.fibermap_sha256, "");
  set_if(header, "UFRESP", cards.response_key, "");
  if (cards.psf_is_psfnight)
    header.set("UFPSFNGT", true, "the PSF is the night's, not this exposure's");
  std::size_t count = 0;
  for (const auto& [name, value] : cards.parameters) {
    header.set(absl::StrFormat("UFP%02d", count), name, "parameter");
    header.set(absl::StrFormat("UFV%02d", count), value, "its value");
    ++count;
  }
}

}  // namespace

std::vector<std::uint32_t> frame_mask(const MaskInputs& inputs) {
  const std::size_t nspec = static_cast<std::size_t>(inputs.nspec);
  const std::size_t nwave = static_cast<std::size_t>(inputs.nwave);
  std::vector<double> scratch;
  std::vector<double> by_wave(nwave);
  for (std::size_t j = 0; j < nwave; ++j)
    by_wave[j] = live_median(inputs, j, nwave, nspec, scratch);
  std::vector<std::uint32_t> mask(nspec * nwave);
  for (std::size_t s = 0; s < nspec; ++s) {
    const double by_fibre = live_median(inputs, s * nwave, 1, nwave, scratch);
    for (std::size_t j = 0; j < nwave; ++j) {
      const std::size_t i = s * nwave + j;
      const float fraction = inputs.pixmask_fraction[i];
      const double chi2 = static_cast<double>(inputs.chi2pix[i]);
      const bool live = inputs.ivar[i] > 0;
      const bool off = !inputs.off_ccd.empty() && inputs.off_ccd[i] != 0;
      if (fraction > kSomeBad) mask[i] |= specmask::kSomeBadPix;
      if (fraction >= kAllBad || !live || off) mask[i] |= specmask::kAllBadPix;
      if (off) mask[i] |= specmask::kNoData;
      if (live && chi2 > kBadFitScale * by_wave[j] && chi2 > kBadFitScale * by_fibre) {
        mask[i] |= specmask::kBad2DFit;
      }
    }
  }
  return mask;
}

Table compute_scores(const Frame& frame, const std::string& camera) {
  const TopHat hat = top_hat_of(frame, camera);
  const std::size_t nspec = static_cast<std::size_t>(frame.nspec);
  const std::size_t nwave = static_cast<std::size_t>(frame.nwave);
  std::vector<std::size_t> inside;
  for (std::size_t j = 0; j < nwave; ++j) {
    if (frame.wavelength[j] >= hat.min && frame.wavelength[j] < hat.max) inside.push_back(j);
  }
  std::vector<double> sum(nspec);
  std::vector<double> middle(nspec);
  std::vector<double> snr(nspec);
  std::vector<double> fluxes;
  std::vector<double> ratios;
  for (std::size_t s = 0; s < nspec; ++s) {
    fluxes.clear();
    ratios.clear();
    for (const std::size_t j : inside) {
      const double flux = static_cast<double>(frame.flux[s * nwave + j]);
      const double width = bin_width(frame.wavelength, j);
      const double ivar = static_cast<double>(frame.ivar[s * nwave + j]);
      sum[s] += flux;
      fluxes.push_back(flux / width);
      ratios.push_back(std::sqrt(ivar) * flux / std::sqrt(width));
    }
    middle[s] = median(fluxes);
    snr[s] = median(ratios);
  }
  const std::string band(1, absl::ascii_toupper(static_cast<unsigned char>(hat.band)));
  const std::string range = absl::StrCat(" in wave. range ", hat.min, ",", hat.max, "A");
  return TableBuilder("SCORES")
      .add("SUM_RAW_COUNT_" + band, std::span<const double>(sum), "sum counts" + range)
      .add("MEDIAN_RAW_COUNT_" + band, std::span<const double>(middle), "median counts/A" + range)
      .add("MEDIAN_RAW_SNR_" + band, std::span<const double>(snr), "median SNR/sqrt(A)" + range)
      .build();
}

int first_fibre(const std::optional<Table>& fibermap, int otherwise) {
  const Column* fiber = fibermap ? fibermap->find("FIBER") : nullptr;
  if (fiber == nullptr || fiber->repeat != 1 || fibermap->rows == 0) return otherwise;
  std::int64_t least = fibermap->integer(*fiber, 0);
  for (std::int64_t row = 1; row < fibermap->rows; ++row) {
    least = std::min(least, fibermap->integer(*fiber, row));
  }
  return static_cast<int>(least);
}

Header frame_header(const Header& image, const FrameCards& cards) {
  Header out;
  for (const std::string& card : image.cards()) {
    if (!is_structural_keyword(keyword_of(card))) out.append_card(card);
  }
  out.set("BUNIT", "electron/Angstrom");
  out.set("NSPEC", cards.nspec, "Number of spectra");
  out.set("WAVEMIN", cards.wave_min, "First wavelength [Angstroms]");
  out.set("WAVEMAX", cards.wave_max, "Last wavelength [Angstroms]");
  out.set("WAVESTEP", cards.wave_step, "Wavelength step size [Angstroms]");
  out.set("SPECTER", absl::StrCat("unfold ", kVersion), "extracted by unfold, not specter");
  out.set("IN_PSF", cards.in_psf, "Input spectral PSF");
  out.set("IN_IMG", cards.in_image);
  set_if(out, "ORIG_PSF", cards.orig_psf, "");
  out.erase("HELIOCOR");  // of an earlier step: this frame's own, or none
  if (cards.heliocentric_factor) out.set("HELIOCOR", *cards.heliocentric_factor);
  add_dependency(out, "unfold", kVersion);
  out.set("FIBERMIN", cards.fiber_min);
  add_provenance(out, cards);
  return out;
}

}  // namespace unfold::fits
