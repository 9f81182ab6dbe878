#include "common/formats/imaging/dc1_template.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace unfold::imaging_data {
namespace {

constexpr std::int64_t kMaxEnergies = 100'000;

// bg_response [energies, phi, directions] summed over energies with `factor`.
class Sum {
 public:
  Sum(const cosi::NpyHeader& header, const std::vector<double>& factor)
      : energies_(header.shape[0]),
        phis_(header.shape[1]),
        directions_(header.shape[2]),
        fortran_(header.fortran),
        factor_(factor),
        total_(static_cast<std::size_t>(phis_ * directions_)) {}

  bool add(std::span<const double> piece) {
    for (const double value : piece) {
      if (!std::isfinite(value) || value < 0) return false;
      total_[place()] += factor_[energy()] * value;
      ++at_;
    }
    return true;
  }
  std::vector<double> take() { return std::move(total_); }

 private:
  std::size_t energy() const {
    const std::int64_t per_energy = phis_ * directions_;
    return static_cast<std::size_t>(fortran_ ? at_ % energies_ : at_ / per_energy);
  }
  std::size_t place() const {
    if (!fortran_) return static_cast<std::size_t>(at_ % (phis_ * directions_));
    const std::int64_t rest = at_ / energies_;
    return static_cast<std::size_t>(rest % phis_ * directions_ + rest / phis_);
  }

  std::int64_t energies_;
  std::int64_t phis_;
  std::int64_t directions_;
  bool fortran_;
  const std::vector<double>& factor_;
  std::vector<double> total_;
  std::int64_t at_ = 0;
};

bool rising(const std::vector<double>& edges) {
  return std::all_of(edges.begin(), edges.end(), [](double e) { return std::isfinite(e); }) &&
         std::adjacent_find(edges.begin(), edges.end(), std::greater_equal<>()) == edges.end();
}

}  // namespace

std::vector<double> template_weights(const std::vector<double>& edges, double energy_min,
                                     double energy_max) {
  const double low = std::max(energy_min, edges.front());
  const double high = std::min(energy_max, edges.back());
  if (!(low < high)) return {};
  std::vector<double> out(edges.size() - 1, 0);
  const auto first = std::lower_bound(edges.begin(), edges.end(), low) - edges.begin();
  const auto last = std::upper_bound(edges.begin(), edges.end(), high) - edges.begin() - 1;
  const auto at = [&edges](std::ptrdiff_t i) { return edges[static_cast<std::size_t>(i)]; };
  const auto weight = [&out](std::ptrdiff_t i) -> double& {
    return out[static_cast<std::size_t>(i)];
  };
  if (last < first) {  // the window lies inside one bin
    weight(last) = 1;
    return out;
  }
  for (std::ptrdiff_t i = first; i < last; ++i) weight(i) = 1;
  if (at(first) > low) weight(first - 1) = (at(first) - low) / (at(first) - at(first - 1));
  if (at(last) < high) {
    const bool one_edge = first == last;
    const double width = one_edge ? at(last + 1) - at(last) : at(last) - at(last - 1);
    weight(last) = (high - at(last)) / width;
  }
  return out;
}

absl::StatusOr<std::vector<double>> read_template(const cosi::NpzFile& file, double energy_min,
                                                  double energy_max, std::int64_t phi_bins,
                                                  std::int64_t directions) {
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<double> edges,
                          file.read("energy_bin_edges", kMaxEnergies));
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<double> photons,
                          file.read("n_bg_ph_per_bin", kMaxEnergies));
  UNFOLD_ASSIGN_OR_RETURN(const cosi::NpyHeader header, file.header("bg_response"));
  if (edges.size() < 2 || !rising(edges)) return file.wrong("energy_bin_edges", "it does not rise");
  if (photons.size() + 1 != edges.size()) {
    return file.wrong("n_bg_ph_per_bin", "it needs one number for each energy bin");
  }
  const std::vector<std::int64_t> wanted = {static_cast<std::int64_t>(photons.size()), phi_bins,
                                            directions};
  if (header.shape != wanted) {
    return file.wrong("bg_response", absl::StrCat("its shape is not [", wanted[0], ", ", phi_bins,
                                                  ", ", directions, "]"));
  }
  std::vector<double> factor = template_weights(edges, energy_min, energy_max);
  double norm = 0;
  for (std::size_t i = 0; i < factor.size(); ++i) {
    if (!std::isfinite(photons[i]) || photons[i] < 0) {
      return file.wrong("n_bg_ph_per_bin", "it holds a number that is no count");
    }
    factor[i] *= photons[i];
    norm += factor[i];
  }
  if (!(norm > 0)) {
    return file.wrong("n_bg_ph_per_bin", absl::StrCat("it has no photons in ", energy_min, " .. ",
                                                      energy_max, " keV"));
  }
  for (double& value : factor) value /= norm;
  Sum sum(header, factor);
  UNFOLD_RETURN_IF_ERROR(file.stream("bg_response", [&](std::span<const double> piece) {
    return sum.add(piece) ? absl::OkStatus()
                          : file.wrong("bg_response", "it holds a value that is no probability");
  }));
  return sum.take();
}

}  // namespace unfold::imaging_data
