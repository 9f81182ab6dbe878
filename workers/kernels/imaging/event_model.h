#pragma once

#include <span>
#include <vector>

#include "workers/kernels/imaging/data_term.h"

namespace unfold::imaging {

/// The model at the events while its image part E is kept between steps, for loops that update E
/// with the image instead of passing over the response again.
struct EventModel {
  std::vector<double> ratio;           ///< [N] y/m, at most 1e25; 0 where m <= 0
  std::vector<double> amplitude_back;  ///< [A] sum y/m B_c, over all ranks
  double log_model = 0;                ///< sum y ln m, over all ranks
};

/// m = E + sum_c A B_c at each event. `expectation` [N].
EventModel model_at_events(const DataTerm& data, std::span<const double> expectation,
                           std::span<const double> amplitude);

}  // namespace unfold::imaging
