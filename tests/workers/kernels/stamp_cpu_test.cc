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

using Devices = ::testing::Types<HostFunctor, VectorKernels<compute::Isa::kBaseline>,
                                 VectorKernels<compute::Isa::kV2>, VectorKernels<compute::Isa::kV3>,
                                 VectorKernels<compute::Isa::kV4>>;
INSTANTIATE_TYPED_TEST_SUITE_P(Cpu, Stamps, Devices);

}  // namespace
}  // namespace unfold::extraction
