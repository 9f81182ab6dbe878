#include "common/formats/imaging/units.h"

#include <algorithm>
#include <array>
#include <string>

namespace unfold::imaging_data {
namespace {

struct Spelling {
  Unit unit;
  std::string_view plain;  // lower case, without blanks, * and ^
};
constexpr std::array<Spelling, 32> kSpellings = {{
    {Unit::kArea, "cm2"},
    {Unit::kTime, "s"},
    {Unit::kTime, "sec"},
    {Unit::kTime, "second"},
    {Unit::kTime, "seconds"},
    {Unit::kSolidAngle, "sr"},
    {Unit::kSolidAngle, "steradian"},
    {Unit::kSolidAngle, "steradians"},
    {Unit::kAngle, "deg"},
    {Unit::kAngle, "degree"},
    {Unit::kAngle, "degrees"},
    {Unit::kEnergy, "kev"},
    {Unit::kCounts, ""},
    {Unit::kCounts, "1"},
    {Unit::kCounts, "ct"},
    {Unit::kCounts, "count"},
    {Unit::kCounts, "counts"},
    {Unit::kExposure, "cm2ssr"},
    {Unit::kExposure, "cm2srs"},
    {Unit::kExposure, "scm2sr"},
    {Unit::kExposure, "ssrcm2"},
    {Unit::kExposure, "srcm2s"},
    {Unit::kExposure, "srscm2"},
    {Unit::kIntensity, "cm-2s-1sr-1"},
    {Unit::kIntensity, "cm-2sr-1s-1"},
    {Unit::kIntensity, "s-1cm-2sr-1"},
    {Unit::kIntensity, "1/(ssrcm2)"},
    {Unit::kIntensity, "1/(cm2ssr)"},
    {Unit::kIntensity, "1/(cm2srs)"},
    {Unit::kIntensity, "1/(srscm2)"},
    {Unit::kIntensity, "1/(scm2sr)"},
    {Unit::kIntensity, "1/cm2/s/sr"},
}};

std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ' ' || c == '*' || c == '^') continue;
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

}  // namespace

std::string_view unit_text(Unit unit) {
  switch (unit) {
    case Unit::kArea:
      return "cm2";
    case Unit::kTime:
      return "s";
    case Unit::kSolidAngle:
      return "sr";
    case Unit::kAngle:
      return "deg";
    case Unit::kEnergy:
      return "keV";
    case Unit::kCounts:
      return "counts";
    case Unit::kExposure:
      return "cm2 s sr";
    case Unit::kIntensity:
      return "cm-2 s-1 sr-1";
  }
  return "";
}

bool is_unit(std::string_view text, Unit unit) {
  const std::string given = plain(text);
  return std::any_of(kSpellings.begin(), kSpellings.end(), [&](const Spelling& spelling) {
    return spelling.unit == unit && spelling.plain == given;
  });
}

}  // namespace unfold::imaging_data
