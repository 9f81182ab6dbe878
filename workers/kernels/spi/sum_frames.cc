#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "workers/kernels/spi/merging.h"

namespace unfold::spi {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

void require(bool right, const char* problem) {
  if (!right) throw std::invalid_argument(problem);
}

/// Assignments in the order of their rotations, those of one rotation in the order given:
/// rotation j has entries [first[j], first[j + 1]).
struct ByRotation {
  std::vector<Index> first;
  std::vector<Assignment> entry;
};

ByRotation sorted(std::span<const Assignment> assignments, std::size_t rotations, Index frames) {
  ByRotation out{std::vector<Index>(rotations + 1, 0), {}};
  for (const Assignment& a : assignments) {
    require(a.rotation >= 0 && static_cast<std::size_t>(a.rotation) < rotations && a.frame >= 0 &&
                a.frame < frames,
            "an assignment names a frame or rotation that is not there");
    if (a.weight > 0) ++out.first[static_cast<std::size_t>(a.rotation) + 1];
  }
  for (std::size_t j = 0; j < rotations; ++j) out.first[j + 1] += out.first[j];
  out.entry.resize(at(out.first.back()));
  std::vector<Index> next(out.first.begin(), out.first.end() - 1);
  for (const Assignment& a : assignments) {
    if (a.weight > 0) out.entry[at(next[static_cast<std::size_t>(a.rotation)]++)] = a;
  }
  return out;
}

/// Sums the frames of one rotation at a time.
class Summation {
 public:
  Summation(const PatternSet& frames, const Detector& detector, std::span<const double> fluence,
            std::span<const float> background, MergeWeight weight)
      : frames_(frames),
        detector_(detector),
        fluence_(fluence),
        background_(background),
        least_squares_(weight == MergeWeight::kLeastSquares) {}

  /// value [P'] is overwritten; returns the weight g.
  double sum(std::span<const Assignment> entries, std::span<const std::uint32_t> pixels,
             float* value) const {
    std::vector<double> sums(at(frames_.pixels()), 0.0);
    std::vector<float> row(frames_.is_sparse() ? 0 : sums.size());
    double g = 0, backgrounds = 0;
    for (const Assignment& entry : entries) {
      const double share = share_of(entry);
      g += share * fluence_of(entry);
      backgrounds += share;
      add(entry.frame, share, row, sums);
    }
    for (std::size_t k = 0; k < pixels.size(); ++k) {
      const std::uint32_t p = pixels[k];
      value[k] = static_cast<float>(factor(p) * (sums[p] - backgrounds * background_at(p)));
    }
    return g;
  }

  double fluence_of(const Assignment& entry) const {
    return fluence_.empty() ? 1.0 : fluence_[at(entry.frame)];
  }
  /// What a frame's photons are multiplied by.
  double share_of(const Assignment& entry) const {
    const auto p = static_cast<double>(entry.weight);
    return least_squares_ ? p * fluence_of(entry) : p;
  }
  double background_at(std::uint32_t p) const {
    return background_.empty() ? 0.0 : static_cast<double>(background_[p]);
  }
  /// What a pixel's net photons are multiplied by; times c: its weight w.
  double factor(std::uint32_t p) const {
    if (least_squares_) return static_cast<double>(detector_.correction[p]);
    const double* q = detector_.q.data() + 3 * static_cast<Index>(p);
    return std::hypot(q[0], q[1], q[2]) / detector_.qmax;
  }

 private:
  void add(Index frame, double share, std::vector<float>& row, std::vector<double>& sums) const {
    if (frames_.is_sparse()) {
      const PatternSet::Photons seen = frames_.photons(frame);
      for (std::size_t k = 0; k < seen.pixel.size(); ++k) {
        sums[seen.pixel[k]] += share * static_cast<double>(seen.count[k]);
      }
      return;
    }
    frames_.rows(frame, 1, View<float, 2>(row.data(), Index{1}, frames_.pixels()));
    for (std::size_t p = 0; p < row.size(); ++p) sums[p] += share * static_cast<double>(row[p]);
  }

  const PatternSet& frames_;
  const Detector& detector_;
  std::span<const double> fluence_;
  std::span<const float> background_;
  bool least_squares_;
};

/// All rotations at once, by a device.
class DeviceSummation {
 public:
  DeviceSummation(const Summation& summation, const ByRotation& by, const Merged& out)
      : pixels_(out.pixels) {
    for (std::size_t j = 0; j + 1 < by.first.size(); ++j) {
      if (by.first[j] == by.first[j + 1]) continue;
      double g = 0, beside = 0;
      for (Index k = by.first[j]; k < by.first[j + 1]; ++k) {
        const Assignment& entry = by.entry[at(k)];
        frame_.push_back(static_cast<std::int32_t>(entry.frame));
        share_.push_back(summation.share_of(entry));
        g += share_.back() * summation.fluence_of(entry);
        beside += share_.back();
      }
      first_.push_back(static_cast<Index>(frame_.size()));
      weight_.push_back(g);
      beside_.push_back(beside);
    }
    for (const std::uint32_t p : pixels_) {
      factor_.push_back(summation.factor(p));
      background_.push_back(summation.background_at(p));
    }
  }

  /// Value and weight of `out`, or false.
  bool sum(SumDevice& device, const PatternSet& frames, Merged& out) const {
    const SumTask task{.rotations = static_cast<Index>(beside_.size()),
                       .first = first_.data(),
                       .frame = frame_.data(),
                       .share = share_.data(),
                       .beside = beside_.data(),
                       .size = static_cast<Index>(pixels_.size()),
                       .pixel = pixels_.data(),
                       .factor = factor_.data(),
                       .background = background_.data(),
                       .most = kMostOnDevice,
                       .value = out.value.data()};
    if (!device.sum(frames, task)) return false;
    out.weight = weight_;
    return true;
  }

 private:
  static constexpr Index kMostOnDevice = Index{1} << 26;

  std::span<const std::uint32_t> pixels_;
  std::vector<Index> first_{0};
  std::vector<std::int32_t> frame_;
  std::vector<double> share_, beside_, weight_, factor_, background_;
};

}  // namespace

Merged sum_frames(compute::Cpu& cpu, const PatternSet& frames, const Detector& detector,
                  std::span<const Quaternion> rotations, std::span<const Assignment> assignments,
                  std::span<const double> fluence, std::span<const float> background,
                  MergeWeight weight, SumDevice* device) {
  require(frames.pixels() == detector.pixels(), "frames and detector differ in pixels");
  require(fluence.empty() || static_cast<Index>(fluence.size()) == frames.frames(),
          "fluences do not fit the frames (sizes differ)");
  require(background.empty() || static_cast<Index>(background.size()) == frames.pixels(),
          "the background does not fit the detector (sizes differ)");
  const ByRotation by = sorted(assignments, rotations.size(), frames.frames());
  const Summation summation(frames, detector, fluence, background, weight);
  Merged out;
  for (std::uint32_t p = 0; p < detector.mask.size(); ++p) {
    if (detector.mask[p] == PixelClass::kBad) continue;
    out.pixels.push_back(p);
    out.pixel_weight.push_back(summation.factor(p) * static_cast<double>(detector.correction[p]));
  }
  std::vector<std::size_t> met;
  for (std::size_t j = 0; j < rotations.size(); ++j) {
    if (by.first[j] == by.first[j + 1]) continue;
    met.push_back(j);
    out.rotation.push_back(rotations[j]);
  }
  out.weight.resize(met.size());
  out.value.resize(met.size() * out.pixels.size());
  if (device != nullptr && !out.value.empty() &&
      DeviceSummation(summation, by, out).sum(*device, frames, out)) {
    return out;
  }
  cpu.parallel_for(static_cast<Index>(met.size()), [&](Index i) {
    const std::size_t j = met[at(i)];
    const std::span<const Assignment> entries(by.entry.data() + by.first[j],
                                              at(by.first[j + 1] - by.first[j]));
    float* value = out.value.data() + at(i) * out.pixels.size();
    out.weight[at(i)] = summation.sum(entries, out.pixels, value);
  });
  return out;
}

}  // namespace unfold::spi
