#include "tests/support/cuda_modules.h"
#include "tests/workers/kernels/stamp_suite.h"

namespace unfold::extraction {
namespace {

/// The functor through a loadable module.
template <class Module>
struct OnModule : Module {
  static std::vector<double> make(const StampCase& c) {
    std::vector<double> out(
        static_cast<std::size_t>(c.n_fibre * c.n_wave * c.width() * c.height()));
    const cuda::StampProblem problem{.n_row = c.n_row(),
                                     .n_fibre = c.n_fibre,
                                     .n_wave = c.n_wave,
                                     .n_coef = c.n_coef,
                                     .degree_x = c.degree,
                                     .degree_y = c.degree,
                                     .height = c.height(),
                                     .width = c.width(),
                                     .coef = c.coef.data(),
                                     .basis = c.basis.data(),
                                     .offset_x = c.offset_x.data(),
                                     .offset_y = c.offset_y.data(),
                                     .stamps = out.data()};
    const cuda::Gpu gpu = Module::gpu();
    const cuda::Outcome outcome = gpu.module->extraction.make_stamps(gpu.ordinal, &problem);
    EXPECT_EQ(outcome.code, cuda::OutcomeCode::kOk) << outcome.message;
    return out;
  }
};
using Modules = ::testing::Types<OnModule<test::EmulatedGpu>, OnModule<test::RealGpu>>;
INSTANTIATE_TYPED_TEST_SUITE_P(Module, Stamps, Modules);

}  // namespace
}  // namespace unfold::extraction
