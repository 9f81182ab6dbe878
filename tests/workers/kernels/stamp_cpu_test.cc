#include "tests/workers/kernels/stamp_suite.h"
#include "workers/kernels/extraction/dispatch.h"
#include "workers/kernels/extraction/kernels.h"
#include "workers/kernels/extraction/stamp_functor.h"

namespace unfold::extraction {
namespace {

/// The functor that a GPU runs, on host threads.
struct HostFunctor {
  static std::string unavailable() { return {}; }
  static std::vector<double> make(const StampCase& c) {
    compute::Cpu cpu(2);
    std::vector<double> out(
        static_cast<std::size_t>(c.n_fibre * c.n_wave * c.width() * c.height()));
    MakeStamp op;
    op.degree_x = op.degree_y = c.degree;
    op.coef = {c.coef.data(), c.n_row(), c.n_fibre, c.n_coef};
    op.basis = {c.basis.data(), c.n_coef, c.n_wave};
    op.offset_x = {c.offset_x.data(), c.n_fibre, c.n_wave};
    op.offset_y = {c.offset_y.data(), c.n_fibre, c.n_wave};
    op.stamps = {out.data(), c.n_fibre, c.n_wave, c.height(), c.width()};
    parallel_for(cpu, op.size(), op);
    return out;
  }
};

/// The vector kernels of one instruction set.
template <compute::Isa kIsa>
struct VectorKernels {
  static std::string unavailable() {
    for (const compute::Isa isa : compute::available_isas()) {
      if (isa == kIsa) return {};
    }
    return "this CPU or build has no " + compute::to_string(kIsa);
  }
  static std::vector<double> make(const StampCase& c) {
    const int stride = stamp_stride(c.width());
    const std::size_t size = static_cast<std::size_t>(c.height() * stride);
    std::vector<double> out;
    for (int f = 0; f < c.n_fibre; ++f) {
      for (int w = 0; w < c.n_wave; w += kStampLanes) {
        const std::vector<double> group = make_group(c, f, w, stride);
        for (int i = 0; i < std::min(kStampLanes, c.n_wave - w); ++i) {
          for (int y = 0; y < c.height(); ++y) {
            const double* row = group.data() + static_cast<std::size_t>(i) * size +
                                static_cast<std::size_t>(y * stride);
            out.insert(out.end(), row, row + c.width());
            for (int pad = c.width(); pad < stride; ++pad) EXPECT_EQ(row[pad], 0);
          }
        }
      }
    }
    return out;
  }

 private:
  static std::vector<double> make_group(const StampCase& c, int f, int w, int stride) {
    std::vector<const double*> coef;
    for (int row = 0; row < c.n_row(); ++row) {
      coef.push_back(c.coef.data() + (row * c.n_fibre + f) * c.n_coef);
    }
    std::vector<double> basis(static_cast<std::size_t>(c.n_coef * kStampLanes), 1);
    double offset_x[kStampLanes], offset_y[kStampLanes];
    for (int i = 0; i < kStampLanes; ++i) {
      const int wave = std::min(w + i, c.n_wave - 1);
      for (int k = 0; k < c.n_coef; ++k) {
        basis[static_cast<std::size_t>(k * kStampLanes + i)] =
            c.basis[static_cast<std::size_t>(k * c.n_wave + wave)];
      }
      offset_x[i] = c.offset_x[static_cast<std::size_t>(f * c.n_wave + wave)];
      offset_y[i] = c.offset_y[static_cast<std::size_t>(f * c.n_wave + wave)];
    }
    const std::size_t size = static_cast<std::size_t>(c.height() * stride);
    std::vector<double> group(size * kStampLanes, -1);
    double* out[kStampLanes];
    for (int i = 0; i < kStampLanes; ++i) {
      out[i] = w + i < c.n_wave ? group.data() + static_cast<std::size_t>(i) * size : nullptr;
    }
    kernels(kIsa).make_stamps({.width = c.width(),
                               .height = c.height(),
                               .stride = stride,
                               .degree_x = c.degree,
                               .degree_y = c.degree,
                               .degree2_x = -1,
                               .degree2_y = -1,
                               .tails = false,
                               .coef = coef.data(),
                               .n_coef = c.n_coef,
                               .basis = basis.data(),
                               .basis_stride = kStampLanes,
                               .offset_x = offset_x,
                               .offset_y = offset_y,
                               .out = out});
    return group;
  }
};

/// A stamp with a core cut at a radius, a second core and a tail, plainly. Constant parameters.
struct FullStamp {
  double sigma_x = 1.1, sigma_y = 1.3, radius = 3, sigma2_x = 2.4, sigma2_y = 2.7;
  double tail_amplitude = 0.01, tail_core = 1.2, tail_scale_x = 0.9, tail_scale_y = 1.1;
  double tail_index = 1.8, second = 0.07;
  double offset_x = -8.3, offset_y = -5.1;
  int width = 16, height = 10;

  std::vector<double> plain() const {
    std::vector<double> out;
    double total = 0;
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const double dx = offset_x + x, dy = offset_y + y;
        const auto core = [&](double sx, double sy) {
          return static_cast<double>(pixel_integral(0, (dx - 0.5L) / sx, (dx + 0.5L) / sx) *
                                     pixel_integral(0, (dy - 0.5L) / sy, (dy + 0.5L) / sy));
        };
        const double r2 = std::pow(dx * tail_scale_x, 2) + std::pow(dy * tail_scale_y, 2);
        const bool inside = std::pow(dx / sigma_x, 2) + std::pow(dy / sigma_y, 2) < radius * radius;
        out.push_back((inside ? core(sigma_x, sigma_y) : 0) + second * core(sigma2_x, sigma2_y) +
                      tail_amplitude * r2 /
                          std::pow(tail_core * tail_core + r2, 1 + tail_index / 2));
        total += out.back();
      }
    }
    for (double& v : out) v /= total;
    return out;
  }

  std::vector<double> by_kernels(const KernelTable& table) const {
    std::vector<double> row(kFirstGh + 2);
    row[kSigmaX] = sigma_x;
    row[kSigmaY] = sigma_y;
    row[kTailAmplitude] = tail_amplitude;
    row[kTailCore] = tail_core;
    row[kTailScaleX] = tail_scale_x;
    row[kTailScaleY] = tail_scale_y;
    row[kTailIndex] = tail_index;
    row[kCoreRadius] = radius;
    row[kSigma2X] = sigma2_x;
    row[kSigma2Y] = sigma2_y;
    row[kFirstGh] = 1;
    row[kFirstGh + 1] = second;
    std::vector<const double*> coef;
    for (const double& v : row) coef.push_back(&v);
    const std::vector<double> basis(kStampLanes, 1), x(kStampLanes, offset_x),
        y(kStampLanes, offset_y);
    const int stride = stamp_stride(width);
    std::vector<double> padded(static_cast<std::size_t>(height * stride));
    double* out[kStampLanes] = {};
    out[2] = padded.data();
    table.make_stamps({.width = width,
                       .height = height,
                       .stride = stride,
                       .degree_x = 0,
                       .degree_y = 0,
                       .degree2_x = 0,
                       .degree2_y = 0,
                       .tails = true,
                       .coef = coef.data(),
                       .n_coef = 1,
                       .basis = basis.data(),
                       .basis_stride = kStampLanes,
                       .offset_x = x.data(),
                       .offset_y = y.data(),
                       .out = out});
    std::vector<double> stamp;
    for (int r = 0; r < height; ++r) {
      stamp.insert(stamp.end(), padded.begin() + r * stride, padded.begin() + r * stride + width);
    }
    return stamp;
  }
};

TEST(StampKernels, SecondCoreAndTailEqualThePlainSum) {
  for (const compute::Isa isa : compute::available_isas()) {
    const FullStamp stamp;
    const std::vector<double> got = stamp.by_kernels(kernels(isa)), want = stamp.plain();
    ASSERT_EQ(got.size(), want.size());
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], want[i], kStampTolerance);
  }
}

using Devices = ::testing::Types<HostFunctor, VectorKernels<compute::Isa::kBaseline>,
                                 VectorKernels<compute::Isa::kV2>, VectorKernels<compute::Isa::kV3>,
                                 VectorKernels<compute::Isa::kV4>>;
INSTANTIATE_TYPED_TEST_SUITE_P(Cpu, Stamps, Devices);

}  // namespace
}  // namespace unfold::extraction
