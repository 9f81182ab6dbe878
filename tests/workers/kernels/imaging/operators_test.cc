#include <cstdlib>

#include "tests/workers/kernels/imaging/operator_suite.h"
#include "workers/compute/isa.h"

namespace unfold::test {
namespace {

/// The CPU, one place for each instruction set.
std::vector<Place> instruction_sets() {
  std::vector<Place> out;
  for (const compute::Isa isa : compute::available_isas()) {
    const std::string name = compute::to_string(isa);
    out.push_back({name, [name](const OperatorProblem& problem, Kind kind, Storage storage,
                                compute::Cpu& cpu) {
                     setenv("UNFOLD_ISA", name.c_str(), 1);
                     auto made =
                         kind == Kind::kDense
                             ? make_dense_operator(dense_of(problem, storage), cpu)
                             : make_factored_operator(
                                   factored_of(problem, storage),
                                   make_attitude(problem.attitude, OperatorProblem::kDirections),
                                   problem.solid_angle, cpu);
                     unsetenv("UNFOLD_ISA");
                     return made;
                   }});
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(Cpu, Operators, everything_at(instruction_sets()), name_of);

/// So many time bins that each run of the list walks through more than it adds up in float.
TEST(OperatorLists, LongOnesAreTheReferences) {
  const Index times = 2600, pixels = 5, bins = 3, directions = 7, events_n = times * bins;
  imaging::AttitudeTable table;
  table.times = table.pointings = times;
  table.pixels = pixels;
  std::vector<double> instrument;
  for (Index i = 0; i < directions * bins; ++i) {
    instrument.push_back(static_cast<double>(i * 13 % 11));
  }
  imaging::Events events{{0}, {}};
  for (Index t = 0; t < times; ++t) {
    for (Index p = 0; p < pixels; ++p) {
      table.lookup.push_back(static_cast<std::uint16_t>((t * t + 3 * p) % directions));
    }
    table.live_time.push_back(1 + static_cast<double>(t % 10));
    table.time_bin.push_back(static_cast<std::int32_t>(t));
    for (std::int32_t d = 0; d < bins; ++d) events.bin.push_back(d);
    events.begin.push_back(events.size());
  }
  const std::vector<double> area = {0.1, 0.2, 0.3, 0.4, 0.5};
  const auto reference = imaging::make_reference_operator(
      {times, pixels, bins}, imaging::expand(instrument, bins, table, area));
  const imaging::Background background{
      1, 1, std::vector<std::int32_t>(at(times)), std::vector<double>(at(events_n), 2.0), {}};
  compute::Cpu cpu(2);
  for (const Storage storage : {Storage::kFp64, Storage::kFp32}) {
    imaging::FactoredResponseBuilder builder(directions, bins, storage);
    builder.append(instrument);
    const auto op =
        make_factored_operator(builder.finish(), make_attitude(table, directions), area, cpu);
    for (const Index replicates : {1, 5}) {
      std::vector<double> counts, image;
      for (Index i = 0; i < replicates * events_n; ++i) {
        counts.push_back(static_cast<double>(i % 7));
      }
      for (Index i = 0; i < replicates * pixels; ++i) {
        image.push_back(static_cast<double>(1 + i % 4));
      }
      const std::vector<double> amplitude(at(replicates), 0.5);
      const imaging::Pass pass{
          .replicates = replicates, .counts = counts, .image = image, .amplitude = amplitude};
      const auto is = op->pass(events, background, pass);
      const auto wanted = reference->pass(events, background, pass);
      const double error = imaging::arithmetic_error(storage);
      expect_close(is.back, wanted.back, error, "back");
      expect_close(is.amplitude_back, wanted.amplitude_back, error, "amplitudes");
      expect_close(is.log_model, wanted.log_model, error, "log of the model");
    }
  }
}

}  // namespace
}  // namespace unfold::test
