#include "tests/support/cuda_modules.h"
#include "tests/workers/kernels/imaging/operator_suite.h"
#include "workers/cuda/imaging_operator.h"

namespace unfold::test {
namespace {

std::unique_ptr<Operator> on_gpu(const cuda::Gpu& gpu, const OperatorProblem& problem, Kind kind,
                                 Storage storage) {
  if (kind == Kind::kDense) {
    return cuda::make_dense_operator(cuda::load_response(gpu, *dense_of(problem, storage)),
                                     problem.shape());
  }
  return cuda::make_factored_operator(
      cuda::load_response(gpu, *factored_of(problem, storage)),
      cuda::load_attitude(gpu, *make_attitude(problem.attitude, OperatorProblem::kDirections)),
      problem.shape(), problem.solid_angle);
}

template <class Module>
Place place(const std::string& name) {
  return {name,
          [](const OperatorProblem& problem, Kind kind, Storage storage, compute::Cpu&) {
            return on_gpu(Module::gpu(), problem, kind, storage);
          },
          [] { return Module::unavailable(); }};
}

INSTANTIATE_TEST_SUITE_P(Module, Operators,
                         everything_at({place<EmulatedGpu>("Emulated"), place<RealGpu>("Gpu")}),
                         name_of);

}  // namespace
}  // namespace unfold::test
