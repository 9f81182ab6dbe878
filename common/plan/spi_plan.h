#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/formats/spi/source.h"
#include "common/plan/plan.h"

namespace unfold::plan {

/// plan() of a job whose engine is spi. Beside headers it looks at the frames themselves (of very
/// many, at some from all over): NaN, negative numbers, no photons. The outputs are planned in the
/// order density, MRC, picture, then Dragonfly's two files.
absl::StatusOr<Planned> plan_spi(const v1::JobSpec& spec, const Roots& roots);

/// What a dry run draws: the patterns as plan_spi() looks at them, with its errors.
absl::StatusOr<spi_data::Summary> summarise_spi(const v1::SpiSpec& spec, const Roots& roots);

/// The inputs that an spi job names, each with its field ("spi.detector"); the data first.
struct SpiInput {
  std::string field;
  std::string path;
};
std::vector<SpiInput> inputs_of(const v1::SpiSpec& spec);

using ProcPath = std::function<std::string(const std::string& rooted)>;
/// Opens a job's patterns; `proc_path` gives the path to read an input by. Errors carry the field
/// of the input that they name.
absl::StatusOr<std::unique_ptr<spi_data::PatternSource>> open_spi(const v1::SpiSpec& spec,
                                                                  const ProcPath& proc_path);

/// Dragonfly's files of a job: the last iteration's, whose number is max_generations so that its
/// name is known beforehand, and the log.
struct DragonflyPaths {
  std::string iterate;
  std::string log;
};
DragonflyPaths dragonfly_paths(const v1::SpiSpec& spec);

}  // namespace unfold::plan
