#include <numeric>
#include <stdexcept>

#include "workers/kernels/imaging/algorithms.h"
#include "workers/kernels/imaging/em_solver.h"
#include "workers/kernels/imaging/saved.h"

namespace unfold::imaging {
namespace {

class Em final : public Reconstruction {
 public:
  Em(const Problem& problem, const AlgorithmOptions& options)
      : solver_(problem, options, problem.counts, 1) {}

  Step step() override {
    const Index only[] = {0};
    ++iteration_;
    return solver_.step(only)[0];
  }
  const Estimate& estimate() const override { return solver_.estimate(0); }
  double log_likelihood() const override { return solver_.data().log_likelihood(estimate()); }
  Index iteration() const override { return iteration_; }
  std::vector<double> save() const override {
    Saver saver;
    saver(iteration_);
    solver_.visit(0, saver);
    return saver.take();
  }
  void restore(std::span<const double> saved) override {
    Restorer restorer(saved);
    restorer(iteration_);
    solver_.visit(0, restorer);
    restorer.expect_end();
  }

 private:
  EmSolver solver_;
  Index iteration_ = 0;
};

class EmBatch final : public BatchReconstruction {
 public:
  EmBatch(const Problem& problem, const AlgorithmOptions& options, std::span<const double> counts,
          Index replicates)
      : solver_(problem, options, counts, replicates) {}

  void step(std::span<const bool> active) override {
    std::vector<Index> which;
    for (std::size_t r = 0; r < active.size(); ++r) {
      if (active[r]) which.push_back(static_cast<Index>(r));
    }
    solver_.step(which);
    ++iteration_;
  }
  const Estimate& estimate(Index replicate) const override { return solver_.estimate(replicate); }
  Index iteration() const override { return iteration_; }

 private:
  EmSolver solver_;
  Index iteration_ = 0;
};

}  // namespace

std::unique_ptr<Reconstruction> make_em(const Problem& problem, const AlgorithmOptions& options) {
  return std::make_unique<Em>(problem, options);
}

std::unique_ptr<BatchReconstruction> make_em_batch(const Problem& problem,
                                                   const AlgorithmOptions& options,
                                                   std::span<const double> counts,
                                                   Index replicates) {
  return std::make_unique<EmBatch>(problem, options, counts, replicates);
}

}  // namespace unfold::imaging
