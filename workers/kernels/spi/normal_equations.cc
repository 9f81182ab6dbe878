#include "workers/kernels/spi/normal_equations.h"

#include <algorithm>
#include <numbers>
#include <stdexcept>

#include "workers/nufft/nufft.h"

namespace unfold::spi {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// Points that are transformed together: what bounds the memory that their plans take.
constexpr Index kPointsAtOnce = Index{1} << 22;

/// A plan and where its answer goes.
template <class Real>
struct Target {
  Target(compute::Cpu& cpu, Index size, double tolerance)
      : plan(cpu, {size, size, size}, nufft::Options{.tolerance = tolerance}),
        modes(at(size * size * size)),
        edge(size) {}

  /// sum [edge^3] += what `values` at the points amount to.
  void add(const std::vector<Real>& values, std::vector<double>& sum) {
    plan.cosine1(View<const Real, 1>(values.data(), static_cast<Index>(values.size())),
                 View<Real, 3>(modes.data(), edge, edge, edge));
    for (std::size_t n = 0; n < sum.size(); ++n) sum[n] += static_cast<double>(modes[n]);
  }

  nufft::Plan<Real> plan;
  std::vector<Real> modes;
  Index edge;
};

template <class Real>
class TransformsOf final : public NormalSums::Transforms {
 public:
  TransformsOf(compute::Cpu& cpu, Index grid, const Detector& detector, double tolerance)
      : cpu_(cpu),
        detector_(detector),
        right_(cpu, grid, tolerance),
        kernel_(cpu, 2 * grid - 1, tolerance) {}

  void add(const Merged& merged, NormalEquations& sums) override {
    const auto pixels = static_cast<Index>(merged.pixels.size());
    const auto rotations = static_cast<Index>(merged.rotation.size());
    const Index at_once = std::max<Index>(1, kPointsAtOnce / std::max<Index>(1, pixels));
    for (Index first = 0; first < rotations; first += at_once) {
      const Index count = std::min(at_once, rotations - first);
      place(merged, first, count);
      const float* value = merged.value.data() + first * pixels;
      values_.resize(at(count * pixels));
      std::transform(value, value + count * pixels, values_.begin(),
                     [](float v) { return static_cast<Real>(v); });
      right_.add(values_, sums.right);
      auto next = values_.begin();
      for (Index j = 0; j < count; ++j) {
        const double g = merged.weight[at(first + j)];
        for (const double w : merged.pixel_weight) *next++ = static_cast<Real>(g * w);
      }
      kernel_.add(values_, sums.lags);
    }
  }

 private:
  /// Sets the points, unless they are the last ones.
  void place(const Merged& merged, Index first, Index count) {
    const auto begin = merged.rotation.begin() + first;
    if (std::equal(begin, begin + count, rotation_.begin(), rotation_.end()) &&
        merged.pixels == pixels_) {
      return;
    }
    rotation_.assign(begin, begin + count);
    pixels_ = merged.pixels;
    const auto pixels = static_cast<Index>(pixels_.size());
    std::vector<Real> points(at(3 * count * pixels));
    const double scale = std::numbers::pi / detector_.qmax;
    cpu_.parallel_for(count, [&](Index j) {
      const Matrix3 r = matrix_of(rotation_[at(j)]);
      for (Index p = 0; p < pixels; ++p) {
        const double* q = detector_.q.data() + 3 * static_cast<Index>(pixels_[at(p)]);
        Real* point = points.data() + 3 * (j * pixels + p);
        for (std::size_t d = 0; d < 3; ++d) {
          point[d] = static_cast<Real>(scale * (r[d] * q[0] + r[3 + d] * q[1] + r[6 + d] * q[2]));
        }
      }
    });
    const View<const Real, 2> view(points.data(), count * pixels, Index{3});
    right_.plan.set_points(view);
    kernel_.plan.set_points(view);
  }

  compute::Cpu& cpu_;
  const Detector& detector_;
  Target<Real> right_, kernel_;
  std::vector<Real> values_;
  std::vector<Quaternion> rotation_;
  std::vector<std::uint32_t> pixels_;
};

class TransformsElsewhere final : public NormalSums::Transforms {
 public:
  TransformsElsewhere(MergeDevice& device, const Detector& detector, double tolerance)
      : device_(device), detector_(detector), tolerance_(tolerance) {}

  void add(const Merged& merged, NormalEquations& sums) override {
    std::vector<double> rotation, q;
    for (const Quaternion& turn : merged.rotation) {
      const Matrix3 r = matrix_of(turn);
      rotation.insert(rotation.end(), r.begin(), r.end());
    }
    for (const std::uint32_t p : merged.pixels) {
      const double* at = detector_.q.data() + 3 * static_cast<Index>(p);
      q.insert(q.end(), at, at + 3);
    }
    device_.add({std::numbers::pi / detector_.qmax, rotation, merged.weight, q, merged.pixel_weight,
                 merged.value},
                tolerance_, sums.right, sums.lags);
  }

 private:
  MergeDevice& device_;
  const Detector& detector_;
  double tolerance_;
};

std::unique_ptr<NormalSums::Transforms> transforms_for(compute::Cpu& cpu, Index grid,
                                                       const Detector& detector, double tolerance) {
  const Index edge = 2 * grid - 1;
  if (tolerance >= nufft::limit_of<float>({edge, edge, edge})) {
    return std::make_unique<TransformsOf<float>>(cpu, grid, detector, tolerance);
  }
  return std::make_unique<TransformsOf<double>>(cpu, grid, detector, tolerance);
}

}  // namespace

NormalEquations together(const NormalEquations& a, const NormalEquations& b) {
  NormalEquations out = a;
  out.total = a.total + b.total;
  const double share_a = a.total / out.total, share_b = b.total / out.total;
  for (std::size_t n = 0; n < out.right.size(); ++n) {
    out.right[n] = share_a * a.right[n] + share_b * b.right[n];
  }
  for (std::size_t n = 0; n < out.lags.size(); ++n) {
    out.lags[n] = share_a * a.lags[n] + share_b * b.lags[n];
  }
  return out;
}

NormalSums::NormalSums(compute::Cpu& cpu, Index grid, const Detector& detector, MergeDevice* device)
    : cpu_(cpu), grid_(grid), detector_(detector), device_(device) {}

NormalSums::~NormalSums() = default;

NormalEquations NormalSums::operator()(const Merged& merged, double tolerance,
                                       compute::Communicator& communicator) {
  const auto cube = [](Index n) { return at(n * n * n); };
  NormalEquations sums{std::vector<double>(cube(grid_), 0.0),
                       std::vector<double>(cube(2 * grid_ - 1), 0.0), 0.0};
  if (transforms_ == nullptr || tolerance != tolerance_) {
    if (device_ != nullptr) {
      transforms_ = std::make_unique<TransformsElsewhere>(*device_, detector_, tolerance);
    } else {
      transforms_ = transforms_for(cpu_, grid_, detector_, tolerance);
    }
    tolerance_ = tolerance;
  }
  transforms_->add(merged, sums);
  double weights = 0;
  double& total = sums.total;
  for (const double g : merged.weight) weights += g;
  for (const double w : merged.pixel_weight) total += weights * w;
  communicator.sum(sums.right);
  communicator.sum(sums.lags);
  communicator.sum({&total, 1});
  if (!(total > 0)) {
    throw std::invalid_argument("nothing to merge (no frame counts) [assign frames to rotations]");
  }
  for (double& d : sums.right) d /= total;
  for (double& c : sums.lags) c /= total;
  return sums;
}

}  // namespace unfold::spi
