#include "common/compare/summary.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/compare/pulls.h"
#include "common/formats/fits/frame.h"
#include "common/simulate/row_major.h"
#include "common/simulate/truth.h"

namespace unfold::compare {
namespace {

/// Mean product of the centred pulls of pairs, over the variance.
class PairCorrelation {
 public:
  PairCorrelation(double mean, double variance) : mean_(mean), variance_(variance) {}
  void add(double a, double b) {
    if (std::isnan(a) || std::isnan(b)) return;
    sum_ += (a - mean_) * (b - mean_);
    ++pairs_;
  }
  double value() const {
    return pairs_ > 0 && variance_ > 0 ? sum_ / static_cast<double>(pairs_) / variance_ : 0;
  }

 private:
  double mean_;
  double variance_;
  double sum_ = 0;
  std::int64_t pairs_ = 0;
};

void add_moments(const std::vector<double>& pulls, FrameSummary& out) {
  double sum = 0;
  double squares = 0;
  std::int64_t beyond = 0;
  for (const double pull : pulls) {
    if (std::isnan(pull)) continue;
    ++out.pulls;
    sum += pull;
    squares += pull * pull;
    if (std::abs(pull) > 5) ++beyond;
  }
  if (out.pulls == 0) return;
  const auto count = static_cast<double>(out.pulls);
  out.pull_mean = sum / count;
  out.pull_deviation = std::sqrt(std::max(0.0, squares / count - out.pull_mean * out.pull_mean));
  out.pulls_beyond_5 = static_cast<double>(beyond) / count;
}

void add_correlations(const fits::Frame& frame, const std::vector<double>& pulls,
                      FrameSummary& out) {
  const double variance = out.pull_deviation * out.pull_deviation;
  PairCorrelation along(out.pull_mean, variance);
  PairCorrelation across(out.pull_mean, variance);
  const int first = first_fibre(frame);
  const auto at = [&](int s, int i) { return pulls[simulate::row_major(s, frame.nwave, i)]; };
  for (int s = 0; s < frame.nspec; ++s) {
    const bool next_in_bundle =
        s + 1 < frame.nspec && (first + s) / kFibresOfBundle == (first + s + 1) / kFibresOfBundle;
    for (int i = 0; i < frame.nwave; ++i) {
      if (i + 1 < frame.nwave) along.add(at(s, i), at(s, i + 1));
      if (next_in_bundle) across.add(at(s, i), at(s + 1, i));
    }
  }
  out.wavelength_correlation = along.value();
  out.fibre_correlation = across.value();
}

void add_quality(const fits::Frame& frame, FrameSummary& out) {
  double chi2 = 0;
  std::vector<double> snr;
  for (std::size_t bin = 0; bin < frame.flux.size(); ++bin) {
    if (frame.mask[bin] != 0 || !(frame.ivar[bin] > 0)) continue;
    ++out.good_bins;
    if (!frame.chi2pix.empty()) chi2 += static_cast<double>(frame.chi2pix[bin]);
    snr.push_back(static_cast<double>(frame.flux[bin]) *
                  std::sqrt(static_cast<double>(frame.ivar[bin])));
  }
  if (out.good_bins == 0) return;
  out.chi2_per_dof = chi2 / static_cast<double>(out.good_bins);
  const auto middle = snr.begin() + static_cast<std::ptrdiff_t>(snr.size() / 2);
  std::nth_element(snr.begin(), middle, snr.end());
  out.median_snr = *middle;
}

}  // namespace

FrameSummary summarise(const fits::Frame& frame) {
  FrameSummary out;
  out.fibres = frame.nspec;
  out.wavelengths = frame.nwave;
  out.bins = static_cast<std::int64_t>(frame.flux.size());
  add_quality(frame, out);
  return out;
}

absl::StatusOr<FrameSummary> summarise(const fits::Frame& frame, const simulate::Truth& truth) {
  FrameSummary out = summarise(frame);
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<double> pulls, pulls_of(frame, truth));
  add_moments(pulls, out);
  add_correlations(frame, pulls, out);
  return out;
}

absl::StatusOr<FrameSummary> summarise(const std::string& frame, const std::string& truth) {
  UNFOLD_ASSIGN_OR_RETURN(const fits::Frame product, fits::read_frame(frame));
  if (truth.empty()) return summarise(product);
  UNFOLD_ASSIGN_OR_RETURN(const simulate::Truth known, simulate::read_truth(truth));
  return summarise(product, known);
}

std::string to_text(const FrameSummary& summary) {
  std::string out = absl::StrFormat(
      "fibres x wavelengths    %d x %d\n"
      "bins, good              %d, %d (%.2f %%)\n"
      "chi2/dof of good bins   %.4f\n"
      "median signal/noise     %.2f\n",
      summary.fibres, summary.wavelengths, summary.bins, summary.good_bins,
      summary.bins > 0
          ? 100.0 * static_cast<double>(summary.good_bins) / static_cast<double>(summary.bins)
          : 0.0,
      summary.chi2_per_dof, summary.median_snr);
  if (summary.pulls > 0) {
    absl::StrAppendFormat(&out,
                          "pull mean               %+.4f\n"
                          "pull standard deviation %.4f\n"
                          "pulls beyond 5 sigma    %.2g of %d\n"
                          "neighbour correlation   %+.4f in wavelength, %+.4f in fibre\n",
                          summary.pull_mean, summary.pull_deviation, summary.pulls_beyond_5,
                          summary.pulls, summary.wavelength_correlation, summary.fibre_correlation);
  }
  return out;
}

std::string to_json(const FrameSummary& summary) {
  nlohmann::ordered_json out = {
      {"fibres", summary.fibres},
      {"wavelengths", summary.wavelengths},
      {"bins", summary.bins},
      {"good_bins", summary.good_bins},
      {"chi2_per_dof", summary.chi2_per_dof},
      {"median_snr", summary.median_snr},
  };
  if (summary.pulls > 0) {
    out["pulls"] = summary.pulls;
    out["pull_mean"] = summary.pull_mean;
    out["pull_deviation"] = summary.pull_deviation;
    out["pulls_beyond_5"] = summary.pulls_beyond_5;
    out["wavelength_correlation"] = summary.wavelength_correlation;
    out["fibre_correlation"] = summary.fibre_correlation;
  }
  return out.dump();
}

}  // namespace unfold::compare
