#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/formats/spi/dragonfly.h"
#include "common/roots/roots.h"
#include "unfold/v1/types.pb.h"

namespace unfold::plan {

/// What of a Dragonfly config.ini waits until the frames are known.
struct ConfigEffect {
  double beta_factor = 1;   ///< what Dragonfly multiplies its own choice of beta by
  std::string blacklist{};  ///< rooted file, or empty
  spi_data::Selection selection = spi_data::Selection::kAll;
};

/// What spec.config says, where the specification says nothing of the kind: files (found from the
/// config's own folder), num_div, need_scaling, beta_*, num_modes. Keys without effect become
/// warnings. spec.config becomes rooted. Nothing where it is empty. Errors name spi.config.
absl::StatusOr<ConfigEffect> apply_config(const Roots& roots, v1::SpiSpec& spec,
                                          std::vector<std::string>& warnings);
/// The rest: selection and blacklist of `frames`, where the specification has neither.
absl::Status choose_frames(const Roots& roots, const ConfigEffect& effect, std::int64_t frames,
                           v1::SpiSpec& spec);

}  // namespace unfold::plan
