#include <cstdlib>

#include "tests/workers/kernels/stamp_suite.h"
#include "workers/cuda/loader.h"

namespace unfold::extraction {
namespace {

/// The functor on a GPU, through the loadable module. UNFOLD_REQUIRE_GPU makes its absence a
/// failure.
struct OnGpu {
  static std::string unavailable() {
    try {
      if (cuda::count_devices(cuda::load_module()) > 0) return {};
    } catch (const cuda::ModuleUnavailable& e) {
      if (std::getenv("UNFOLD_REQUIRE_GPU") != nullptr) throw;
      return e.what();
    }
    return "no GPU";
  }
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
    const cuda::Outcome outcome = cuda::load_module().make_stamps(0, &problem);
    EXPECT_EQ(outcome.code, cuda::OutcomeCode::kOk) << outcome.message;
    return out;
  }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Cuda, Stamps, OnGpu);

}  // namespace
}  // namespace unfold::extraction
