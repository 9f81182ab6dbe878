#pragma once

#include <memory>
#include <optional>

#include "tests/simulation/worker.h"

namespace unfold::simulation {

/// One lease of a worker, and how far it got with it.
struct SimWorker::Work {
  v1::Assign assign;
  Duration valid_until{};
  bool running = false;  ///< holds a slot
  bool loading = true;
  bool stuck = false;
  bool asked = false;
  bool on_record = false;  ///< a grant came
  std::optional<v1::ErrorClass> stop;
  double fraction = 0;
  std::unique_ptr<Publication> publication;
  bool alive_when_asked = false;
};

inline constexpr Duration kLease = std::chrono::seconds(15);

}  // namespace unfold::simulation
