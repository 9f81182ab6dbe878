#include "common/compare/diff.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/compare/layout.h"
#include "common/formats/fits/frame.h"

namespace unfold::compare {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double median_positive(std::span<const float> values) {
  std::vector<float> positive;
  std::copy_if(values.begin(), values.end(), std::back_inserter(positive),
               [](float v) { return v > 0; });
  if (positive.empty()) return 0;
  const auto middle = positive.begin() + static_cast<std::ptrdiff_t>(positive.size() / 2);
  std::nth_element(positive.begin(), middle, positive.end());
  return static_cast<double>(*middle);
}

/// Collects the differences of one quantity bin by bin.
class Collector {
 public:
  Collector(std::string name, double tolerance, int nwave) : nwave_(nwave) {
    out_.name = std::move(name);
    out_.tolerance = tolerance;
  }

  /// NaN counts as infinite.
  void add(std::size_t bin, double difference) {
    const double size = std::isnan(difference) ? kInfinity : std::abs(difference);
    ++out_.compared;
    squares_ += size * size;
    if (size > out_.largest) {
      out_.largest = size;
      out_.fibre = static_cast<int>(bin / static_cast<std::size_t>(nwave_));
      out_.bin = static_cast<int>(bin % static_cast<std::size_t>(nwave_));
    }
  }

  Difference finish() {
    if (out_.compared > 0) out_.rms = std::sqrt(squares_ / static_cast<double>(out_.compared));
    out_.within = out_.largest <= out_.tolerance;
    return out_;
  }

 private:
  Difference out_;
  int nwave_;
  double squares_ = 0;
};

/// Two frames of the same shape, and which of their bins carry information.
struct Pair {
  const fits::Frame* a = nullptr;
  const fits::Frame* b = nullptr;
  std::vector<char> informed;  // [nspec, nwave]
};

Pair make_pair_of(const fits::Frame& a, const fits::Frame& b, double ivar_floor) {
  Pair pair = {&a, &b, {}};
  const double least_a = ivar_floor * median_positive(a.ivar);
  const double least_b = ivar_floor * median_positive(b.ivar);
  pair.informed.resize(a.ivar.size());
  for (std::size_t bin = 0; bin < a.ivar.size(); ++bin) {
    const bool dim_a = static_cast<double>(a.ivar[bin]) <= least_a;
    const bool dim_b = static_cast<double>(b.ivar[bin]) <= least_b;
    pair.informed[bin] = !(dim_a && dim_b);
  }
  return pair;
}

Difference flux_difference(const Pair& pair, double tolerance) {
  Collector out("FLUX", tolerance, pair.a->nwave);
  for (std::size_t bin = 0; bin < pair.informed.size(); ++bin) {
    if (!pair.informed[bin]) continue;
    out.add(bin, (static_cast<double>(pair.a->flux[bin]) - static_cast<double>(pair.b->flux[bin])) *
                     std::sqrt(static_cast<double>(pair.a->ivar[bin])));
  }
  return out.finish();
}

/// |a - b| / max(a, b), of bins that carry information.
Difference relative_difference(const Pair& pair, std::string name, std::span<const float> a,
                               std::span<const float> b, double tolerance) {
  Collector out(std::move(name), tolerance, pair.a->nwave);
  for (std::size_t bin = 0; bin < pair.informed.size(); ++bin) {
    if (!pair.informed[bin] || a[bin] == b[bin]) continue;
    const double u = static_cast<double>(a[bin]);
    const double v = static_cast<double>(b[bin]);
    out.add(bin, (u - v) / std::max(std::abs(u), std::abs(v)));
  }
  Difference difference = out.finish();
  difference.compared = std::count(pair.informed.begin(), pair.informed.end(), 1);
  return difference;
}

Difference resolution_difference(const Pair& pair, double tolerance) {
  const fits::Frame& a = *pair.a;
  Collector out("RESOLUTION", tolerance, a.nwave);
  const auto diagonals = 2 * static_cast<std::size_t>(a.ndiag) + 1;
  const auto nwave = static_cast<std::size_t>(a.nwave);
  for (std::size_t i = 0; i < a.resolution.size(); ++i) {
    const std::size_t bin = i / (diagonals * nwave) * nwave + i % nwave;
    if (!pair.informed[bin]) continue;
    out.add(bin, static_cast<double>(a.resolution[i]) - static_cast<double>(pair.b->resolution[i]));
  }
  return out.finish();
}

Difference mask_difference(const Pair& pair, std::int64_t tolerance) {
  std::int64_t differing = 0;
  Difference out;
  out.name = "MASK";
  out.tolerance = static_cast<double>(tolerance);
  out.compared = static_cast<std::int64_t>(pair.a->mask.size());
  for (std::size_t bin = 0; bin < pair.a->mask.size(); ++bin) {
    if (pair.a->mask[bin] == pair.b->mask[bin]) continue;
    if (differing++ == 0) {
      out.fibre = static_cast<int>(bin / static_cast<std::size_t>(pair.a->nwave));
      out.bin = static_cast<int>(bin % static_cast<std::size_t>(pair.a->nwave));
    }
  }
  out.largest = static_cast<double>(differing);
  out.within = differing <= tolerance;
  return out;
}

Difference wavelength_difference(const Pair& pair, double tolerance) {
  Collector out("WAVELENGTH", tolerance, pair.a->nwave);
  for (std::size_t i = 0; i < pair.a->wavelength.size(); ++i) {
    out.add(i, pair.a->wavelength[i] - pair.b->wavelength[i]);
  }
  return out.finish();
}

}  // namespace

FrameDifference diff_frames(const fits::Frame& a, const fits::Frame& b,
                            const Tolerances& tolerances) {
  FrameDifference out;
  if (a.nspec != b.nspec || a.nwave != b.nwave || a.ndiag != b.ndiag) {
    out.layout.push_back(absl::StrFormat("fibres, wavelengths, ndiag: %d, %d, %d / %d, %d, %d",
                                         a.nspec, a.nwave, a.ndiag, b.nspec, b.nwave, b.ndiag));
    out.same = false;
    return out;
  }
  const Pair pair = make_pair_of(a, b, tolerances.ivar_floor);
  out.quantities.push_back(wavelength_difference(pair, tolerances.wavelength));
  out.quantities.push_back(flux_difference(pair, tolerances.flux_sigma));
  out.quantities.push_back(relative_difference(pair, "IVAR", a.ivar, b.ivar, tolerances.ivar));
  out.quantities.push_back(resolution_difference(pair, tolerances.resolution));
  if (a.chi2pix.size() == b.chi2pix.size() && !a.chi2pix.empty()) {
    out.quantities.push_back(
        relative_difference(pair, "CHI2PIX", a.chi2pix, b.chi2pix, tolerances.chi2pix));
  }
  out.quantities.push_back(mask_difference(pair, tolerances.mask_bins));
  out.same = std::all_of(out.quantities.begin(), out.quantities.end(),
                         [](const Difference& d) { return d.within; });
  return out;
}

absl::StatusOr<FrameDifference> diff_frames(const std::string& a, const std::string& b,
                                            const Tolerances& tolerances) {
  UNFOLD_ASSIGN_OR_RETURN(const Layouts layouts, compare_layouts(a, b));
  UNFOLD_ASSIGN_OR_RETURN(const fits::Frame frame_a, fits::read_frame(a));
  UNFOLD_ASSIGN_OR_RETURN(const fits::Frame frame_b, fits::read_frame(b));
  FrameDifference out = diff_frames(frame_a, frame_b, tolerances);
  out.layout.insert(out.layout.begin(), layouts.layout.begin(), layouts.layout.end());
  out.cards = layouts.cards;
  out.same = out.same && out.layout.empty() && out.cards.empty();
  return out;
}

std::string to_text(const FrameDifference& difference) {
  std::string out;
  for (const std::string& line : difference.layout) absl::StrAppend(&out, "layout  ", line, "\n");
  for (const std::string& line : difference.cards) absl::StrAppend(&out, "card    ", line, "\n");
  if (!difference.quantities.empty()) {
    absl::StrAppendFormat(&out, "%-11s %10s %11s %11s %10s  %-12s %s\n", "quantity", "compared",
                          "largest", "rms", "tolerance", "fibre, bin", "");
  }
  for (const Difference& d : difference.quantities) {
    const std::string place = d.fibre < 0 ? "-" : absl::StrFormat("%d, %d", d.fibre, d.bin);
    absl::StrAppendFormat(&out, "%-11s %10d %11.3g %11.3g %10.3g  %-12s %s\n", d.name, d.compared,
                          d.largest, d.rms, d.tolerance, place, d.within ? "ok" : "DIFFERS");
  }
  absl::StrAppend(&out, difference.same ? "same within tolerances\n" : "different\n");
  return out;
}

std::string to_json(const FrameDifference& difference) {
  nlohmann::ordered_json quantities = nlohmann::ordered_json::array();
  for (const Difference& d : difference.quantities) {
    quantities.push_back({{"name", d.name},
                          {"compared", d.compared},
                          {"largest", d.largest},
                          {"rms", d.rms},
                          {"tolerance", d.tolerance},
                          {"fibre", d.fibre},
                          {"bin", d.bin},
                          {"within", d.within}});
  }
  const nlohmann::ordered_json out = {{"same", difference.same},
                                      {"layout", difference.layout},
                                      {"quantities", quantities},
                                      {"cards", difference.cards}};
  return out.dump();
}

}  // namespace unfold::compare
