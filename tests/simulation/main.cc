// Runs the simulation over many seeds: `--seeds N --first S`. With `--expect-caught` (the sabotaged
// builds) success means that some seed found a violation.

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

#include "tests/simulation/world.h"

namespace {

struct Options {
  std::uint64_t seeds = 500;
  std::uint64_t first = 1;
  bool expect_caught = false;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--expect-caught") options.expect_caught = true;
    if (i + 1 >= argc) continue;
    if (flag == "--seeds") options.seeds = std::strtoull(argv[i + 1], nullptr, 10);
    if (flag == "--first") options.first = std::strtoull(argv[i + 1], nullptr, 10);
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  std::int64_t steps = 0;
  for (std::uint64_t seed = options.first; seed < options.first + options.seeds; ++seed) {
    unfold::simulation::World world(seed);
    const std::string violation = world.run();
    steps += world.steps();
    if (violation.empty()) continue;
    if (options.expect_caught) {
      std::cout << "caught at seed " << seed << ": " << violation << "\n";
      return 0;
    }
    for (const std::string& line : world.trace()) std::cout << line << "\n";
    std::cout << "seed " << seed << ": " << violation << "\n";
    return 1;
  }
  std::cout << options.seeds << " seeds, " << steps << " events, no violation\n";
  return options.expect_caught ? 1 : 0;
}
