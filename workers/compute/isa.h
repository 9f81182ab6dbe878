#pragma once

#include <string>
#include <vector>

namespace unfold::compute {

/// Instruction sets that kernels are built for. Other architectures have the baseline only.
enum class Isa { kBaseline, kV2, kV3, kV4 };

/// "baseline", "v2", "v3", "v4".
std::string to_string(Isa isa);

/// What this build carries and this CPU runs, slowest first.
std::vector<Isa> available_isas();

/// The fastest available one, or the one that UNFOLD_ISA names. Throws std::invalid_argument where
/// UNFOLD_ISA names one that this build or CPU lacks.
Isa choose_isa();

}  // namespace unfold::compute
