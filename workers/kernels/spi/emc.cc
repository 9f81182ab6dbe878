#include "workers/kernels/spi/emc.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "workers/kernels/spi/emc_functors.h"

namespace unfold::spi {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

void require(bool right, const char* problem) {
  if (!right) throw std::invalid_argument(problem);
}

/// 1 at pixels that find orientations.
std::vector<std::uint8_t> good_pixels(const Detector& detector) {
  std::vector<std::uint8_t> out;
  for (const PixelClass c : detector.mask) out.push_back(c == PixelClass::kGood ? 1 : 0);
  return out;
}

/// [N] photons of each frame at good pixels.
std::vector<double> photons_of(const PatternSet& frames, const Detector& detector) {
  require(frames.pixels() == detector.pixels(), "frames and detector differ in pixels");
  const std::vector<std::uint8_t> good = good_pixels(detector);
  std::vector<double> out;
  for (Index i = 0; i < frames.frames(); ++i) out.push_back(frames.total(i, good));
  return out;
}

double sum_of(std::span<const double> values) {
  double sum = 0;
  for (const double x : values) sum += x;
  return sum;
}

/// Calls body(pixel, count) for each pixel of a frame that is not 0. Sparse frames only.
template <class Body>
void each_photon(const PatternSet& frames, Index frame, const Body& body) {
  const PatternSet::Photons seen = frames.photons(frame);
  for (std::size_t k = 0; k < seen.pixel.size(); ++k) {
    body(seen.pixel[k], static_cast<double>(seen.count[k]));
  }
}

/// The frames in sparse form, copied only where they are not.
class Sparse {
 public:
  explicit Sparse(const PatternSet& frames)
      : frames_(frames.is_sparse() ? PatternSet::sparse(0, {0}, {}, {}) : frames.to_sparse()),
        used_(frames.is_sparse() ? frames : frames_) {}
  const PatternSet& operator*() const { return used_; }

 private:
  PatternSet frames_;
  const PatternSet& used_;
};

/// Numerators and denominators of a volume.
struct Sums {
  explicit Sums(Index edge) : value(at(edge * edge * edge), 0.0), weight(value) {}
  std::vector<double> value, weight;
};

/// Rotations of one part, one after the other, into sums of their own.
class Compression {
 public:
  Compression(const PatternSet& frames, const Detector& detector,
              std::span<const Quaternion> rotations, std::span<const double> posterior,
              std::span<const double> fluence, Index edge, double scale)
      : frames_(frames),
        detector_(detector),
        rotations_(rotations),
        posterior_(posterior),
        fluence_(fluence),
        edge_(edge),
        scale_(scale) {}

  Sums sums(Index first, Index last) const {
    Sums out(edge_);
    std::vector<double> slice(at(detector_.pixels()));
    for (Index j = first; j < last; ++j) {
      const double weight = gather(j, slice);
      if (weight > 1e-6) scatter(j, slice, weight, out);
    }
    return out;
  }

 private:
  /// slice = sum_i P K; returns sum_i P phi.
  double gather(Index rotation, std::vector<double>& slice) const {
    const Index frames = frames_.frames();
    double weight = 0;
    std::fill(slice.begin(), slice.end(), 0.0);
    for (Index i = 0; i < frames; ++i) {
      const double p = posterior_[at(rotation * frames + i)];
      if (p < 1e-12) continue;
      weight += p * fluence_[at(i)];
      each_photon(frames_, i,
                  [&](std::uint32_t pixel, double count) { slice[pixel] += p * count; });
    }
    return weight;
  }

  void scatter(Index rotation, const std::vector<double>& slice, double weight, Sums& out) const {
    const View<double, 3> value(out.value.data(), edge_, edge_, edge_);
    const View<double, 3> times(out.weight.data(), edge_, edge_, edge_);
    const Matrix3 r = matrix_of(rotations_[at(rotation)]);
    for (Index p = 0; p < detector_.pixels(); ++p) {
      if (detector_.mask[at(p)] == PixelClass::kBad) continue;
      const TrilinearCell cell = cell_of(r.data(), detector_.q.data() + 3 * p, scale_, edge_ / 2);
      const auto correction = static_cast<double>(detector_.correction[at(p)]);
      add_trilinear(value, times, cell, slice[at(p)], correction * weight);
    }
  }

  const PatternSet& frames_;
  const Detector& detector_;
  std::span<const Quaternion> rotations_;
  std::span<const double> posterior_, fluence_;
  Index edge_;
  double scale_;
};

/// Both sums added up over parts in order, ranks, and Friedel mates.
Sums joined(std::vector<Sums> parts, compute::Communicator& communicator) {
  Sums out = std::move(parts.front());
  for (std::size_t part = 1; part < parts.size(); ++part) {
    for (std::size_t n = 0; n < out.value.size(); ++n) {
      out.value[n] += parts[part].value[n];
      out.weight[n] += parts[part].weight[n];
    }
  }
  communicator.sum(out.value);
  communicator.sum(out.weight);
  for (std::vector<double>* sums : {&out.value, &out.weight}) {
    for (std::size_t n = 0; 2 * n < sums->size(); ++n) {
      const std::size_t mate = sums->size() - 1 - n;
      (*sums)[n] = (*sums)[mate] = (*sums)[n] + (*sums)[mate];
    }
  }
  return out;
}

}  // namespace

Index emc_edge(const Detector& detector, double scale) {
  return 2 * (static_cast<Index>(std::ceil(detector.qmax * scale)) + 2) + 1;
}

EmcModels expand(compute::Cpu& cpu, const EmcVolume& volume, const Detector& detector,
                 std::span<const Quaternion> rotations) {
  const Index edge = volume.edge, pixels = detector.pixels();
  require(static_cast<Index>(volume.intensity.size()) == edge * edge * edge &&
              edge >= emc_edge(detector, volume.scale),
          "the volume does not hold every pixel");
  const View<const double, 3> view(volume.intensity.data(), edge, edge, edge);
  const double floor = 1e-9 * *std::max_element(volume.intensity.begin(), volume.intensity.end());
  EmcModels out{std::vector<float>(rotations.size() * at(pixels), 0.0f),
                std::vector<double>(rotations.size(), 0.0)};
  cpu.parallel_for(static_cast<Index>(rotations.size()), [&](Index j) {
    const Matrix3 r = matrix_of(rotations[at(j)]);
    for (Index p = 0; p < pixels; ++p) {
      const PixelClass mask = detector.mask[at(p)];
      if (mask == PixelClass::kBad) continue;
      const TrilinearCell cell =
          cell_of(r.data(), detector.q.data() + 3 * p, volume.scale, edge / 2);
      const double value = std::max(read_trilinear(view, cell), floor) *
                           static_cast<double>(detector.correction[at(p)]);
      out.value[at(j * pixels + p)] = static_cast<float>(value);
      if (mask == PixelClass::kGood) out.total[at(j)] += value;
    }
  });
  return out;
}

double model_scale(const EmcModels& models, const PatternSet& frames, const Detector& detector,
                   compute::Communicator& communicator) {
  const std::vector<double> photons = photons_of(frames, detector);
  double counted[] = {sum_of(photons), static_cast<double>(photons.size())};
  communicator.sum(counted);
  const double model = sum_of(models.total) / static_cast<double>(models.total.size());
  require(counted[1] > 0 && model > 0, "no frames, or a volume without intensity");
  return counted[0] / counted[1] / model;
}

std::vector<double> log_likelihoods(compute::Cpu& cpu, const EmcModels& models, double scale,
                                    const PatternSet& frames, const Detector& detector,
                                    std::span<const double> fluence) {
  const Index pixels = detector.pixels(), count = frames.frames();
  const auto rotations = static_cast<Index>(models.total.size());
  require(frames.pixels() == pixels && static_cast<Index>(fluence.size()) == count &&
              static_cast<Index>(models.value.size()) == rotations * pixels,
          "models, frames and fluences do not fit (sizes differ)");
  const Sparse sparse(frames);
  std::vector<double> out(at(rotations * count));
  cpu.parallel_for(rotations, [&](Index j) {
    std::vector<double> logarithm(at(pixels), 0.0);
    for (Index p = 0; p < pixels; ++p) {
      if (detector.mask[at(p)] != PixelClass::kGood) continue;
      logarithm[at(p)] = std::log(scale * static_cast<double>(models.value[at(j * pixels + p)]));
    }
    for (Index i = 0; i < count; ++i) {
      double sum = -fluence[at(i)] * scale * models.total[at(j)];
      each_photon(*sparse, i, [&](std::uint32_t p, double k) { sum += k * logarithm[p]; });
      out[at(j * count + i)] = sum;
    }
  });
  return out;
}

void make_posterior(compute::Cpu& cpu, Index frames, double beta, std::span<double> likelihoods) {
  const Index rotations = frames > 0 ? static_cast<Index>(likelihoods.size()) / frames : 0;
  cpu.parallel_for(frames, [&](Index i) {
    double largest = likelihoods[at(i)], sum = 0;
    for (Index j = 1; j < rotations; ++j) {
      largest = std::max(largest, likelihoods[at(j * frames + i)]);
    }
    for (Index j = 0; j < rotations; ++j) {
      double& p = likelihoods[at(j * frames + i)];
      p = std::exp(beta * (p - largest));
      sum += p;
    }
    for (Index j = 0; j < rotations; ++j) likelihoods[at(j * frames + i)] /= sum;
  });
}

EmcVolume compress(compute::Cpu& cpu, std::span<const double> posterior, const PatternSet& frames,
                   const Detector& detector, std::span<const Quaternion> rotations,
                   std::span<const double> fluence, Index edge, double scale,
                   compute::Communicator& communicator) {
  const auto count = static_cast<Index>(rotations.size());
  require(static_cast<Index>(fluence.size()) == frames.frames() &&
              static_cast<Index>(posterior.size()) == count * frames.frames() &&
              frames.pixels() == detector.pixels() && edge >= emc_edge(detector, scale),
          "posterior, frames, fluences and volume do not fit (sizes differ)");
  // As many parts whatever the number of threads: sums stay in one order.
  constexpr Index kParts = 8;
  const Sparse sparse(frames);
  const Compression compression(*sparse, detector, rotations, posterior, fluence, edge, scale);
  std::vector<Sums> parts(kParts, Sums(0));
  cpu.parallel_for(kParts, [&](Index part) {
    parts[at(part)] = compression.sums(part * count / kParts, (part + 1) * count / kParts);
  });
  Sums sums = joined(std::move(parts), communicator);
  for (std::size_t n = 0; n < sums.value.size(); ++n) {
    sums.value[n] = sums.weight[n] > 0 ? sums.value[n] / sums.weight[n] : 0.0;
  }
  return {edge, scale, std::move(sums.value), std::move(sums.weight)};
}

std::vector<double> update_fluence(std::span<const double> posterior, const EmcModels& models,
                                   const PatternSet& frames, const Detector& detector,
                                   compute::Communicator& communicator) {
  const Index count = frames.frames();
  const auto rotations = static_cast<Index>(models.total.size());
  require(static_cast<Index>(posterior.size()) == rotations * count,
          "posterior, models and frames do not fit (sizes differ)");
  std::vector<double> out = photons_of(frames, detector);
  for (Index i = 0; i < count; ++i) {
    double expected = 0;
    for (Index j = 0; j < rotations; ++j) {
      expected += posterior[at(j * count + i)] * models.total[at(j)];
    }
    out[at(i)] /= expected;
  }
  double mean[] = {sum_of(out), static_cast<double>(count)};
  communicator.sum(mean);
  for (double& phi : out) phi *= mean[1] / mean[0];
  return out;
}

}  // namespace unfold::spi
