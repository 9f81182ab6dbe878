#pragma once

#include <string_view>

namespace unfold::imaging_data {

enum class Unit { kArea, kTime, kSolidAngle, kAngle, kEnergy, kCounts, kExposure, kIntensity };

/// How the unit is written by this program: "cm2", "s", "sr", "deg", "keV", "counts",
/// "cm2 s sr", "cm-2 s-1 sr-1".
std::string_view unit_text(Unit unit);

/// True where `text` means the unit: blanks, case, * and ^ do not matter, some orders of factors
/// are known ("1 / (s sr cm2)", as astropy writes).
bool is_unit(std::string_view text, Unit unit);

}  // namespace unfold::imaging_data
