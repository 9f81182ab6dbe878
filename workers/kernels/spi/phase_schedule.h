#pragma once

namespace unfold::spi {

/// ER, HIO or RAAR, and shrinkwrap, on an autocorrelation. beta goes from `beta` in the first loop
/// to `beta_last` in the last: wide wandering first, then settling. The defaults are what found the
/// density most often for the fewest transforms, clean and noisy (docs/numerics.md, "Phasing").
struct PhaseSchedule {
  int loops = 6;  ///< of { er ER, escape RAAR or HIO, er ER, shrinkwrap }, then er ER
  int er = 10;
  int escape = 40;
  bool raar = true;  ///< or HIO
  double beta = 0.99;
  double beta_last = 0.85;
  double blur = 0.5;           ///< sigma of the Gaussian on the autocorrelation, voxels
  double shrink_sigma = 1;     ///< voxels
  double shrink_weight = 1.2;  ///< threshold = weight x standard deviation of the blurred density
};

/// Takes `iteration` through the schedule: its error_reduction(times), escape(times, beta) and
/// shrinkwrap(). Asks goes_on() before each loop.
template <class Iteration, class GoesOn>
void follow(const PhaseSchedule& schedule, Iteration& iteration, const GoesOn& goes_on) {
  for (int loop = 0; loop < schedule.loops && goes_on(); ++loop) {
    const double part = schedule.loops > 1 ? loop / (schedule.loops - 1.0) : 0;
    iteration.error_reduction(schedule.er);
    iteration.escape(schedule.escape, schedule.beta + part * (schedule.beta_last - schedule.beta));
    iteration.error_reduction(schedule.er);
    iteration.shrinkwrap();
  }
  iteration.error_reduction(schedule.er);
}

}  // namespace unfold::spi
