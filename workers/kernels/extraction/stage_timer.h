#pragma once

#include <ctime>

#include "workers/kernels/extraction/extraction.h"

namespace unfold::extraction {

/// Adds the CPU seconds of this thread between construction and destruction to one stage; does
/// nothing where `stages` is null. `stages` belongs to one thread.
class StageTimer {
 public:
  StageTimer(StageSeconds* stages, double StageSeconds::*stage)
      : stages_(stages), stage_(stage), start_(stages != nullptr ? now() : 0) {}
  ~StageTimer() {
    if (stages_ != nullptr) stages_->*stage_ += now() - start_;
  }
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;

 private:
  static double now() {
    std::timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
  }
  StageSeconds* stages_;
  double StageSeconds::*stage_;
  double start_;
};

}  // namespace unfold::extraction
