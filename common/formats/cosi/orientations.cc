#include "common/formats/cosi/orientations.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/formats/cosi/text_lines.h"
#include "common/formats/fits/errors.h"

namespace unfold::cosi {
namespace {

constexpr std::size_t kShortRow = 5;  // numbers after OG
constexpr std::size_t kLongRow = 9;
constexpr std::size_t kMaxRows = std::size_t{1} << 26;

using Axis = std::array<double, 2>;

absl::Status bad(const TextLines& lines, std::string_view why) {
  return lines.wrong("BAD_ORIENTATION", why, "correct the line, or write the file again");
}

// Latitude comes first in the file.
absl::Status take_axis(const TextLines& lines, double latitude, double longitude,
                       std::vector<Axis>& out) {
  if (std::abs(latitude) > 90 || std::abs(longitude) > 720) {
    return bad(lines, "an axis is no galactic latitude and longitude in degrees");
  }
  out.push_back({longitude, latitude});
  return absl::OkStatus();
}

absl::Status take_row(const TextLines& lines, std::string_view text, Orientations& out) {
  const std::vector<std::string_view> words = words_of(text, kLongRow + 2);
  const std::size_t numbers = words.size() - 1;
  if (numbers != kShortRow && numbers != kLongRow) {
    return bad(lines, absl::StrCat("an OG line has ", kShortRow, " or ", kLongRow, " numbers"));
  }
  if (out.rows() > 0 && out.has_earth() != (numbers == kLongRow)) {
    return bad(lines, "its length differs from the rows before");
  }
  std::array<double, kLongRow> v{};
  for (std::size_t i = 0; i < numbers; ++i) {
    if (!parse_number(words[i + 1], v[i])) {
      return bad(lines, absl::StrCat("\"", fits::printable(words[i + 1]), "\" is no number"));
    }
  }
  if (out.rows() > 0 && v[0] <= out.time.back()) {
    return bad(lines,
               "its time is not after that of the row before (sort the rows, and drop "
               "those of equal time)");
  }
  if (out.rows() == kMaxRows) return bad(lines, "the file has too many rows");
  out.time.push_back(v[0]);
  UNFOLD_RETURN_IF_ERROR(take_axis(lines, v[1], v[2], out.x_axis));
  UNFOLD_RETURN_IF_ERROR(take_axis(lines, v[3], v[4], out.z_axis));
  if (numbers == kShortRow) return absl::OkStatus();
  if (v[5] < 0) return bad(lines, "the altitude is negative");
  if (v[8] < 0) return bad(lines, "the live time is negative");
  out.altitude.push_back(v[5]);
  out.live_time.push_back(v[8]);
  return take_axis(lines, v[6], v[7], out.earth_zenith);
}

// Live time counts seconds between rows: more than there are is another unit, or another file.
absl::Status check_live_times(const Orientations& rows, std::string_view shown) {
  constexpr double kSlack = 1e-3;  // s
  for (std::size_t i = 0; i + 1 < rows.live_time.size(); ++i) {
    if (rows.live_time[i] > rows.time[i + 1] - rows.time[i] + kSlack) {
      return fits::bad_file(
          shown, "BAD_ORIENTATION",
          absl::StrCat("the live time of row ", i + 1, " is longer than the time to the next row"),
          "give live time in seconds between rows");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Orientations> read_orientations(const std::string& path, std::string_view shown) {
  UNFOLD_ASSIGN_OR_RETURN(TextLines lines, TextLines::open(path, shown));
  Orientations out;
  bool galactic = false;
  std::string_view text;
  while (true) {
    UNFOLD_ASSIGN_OR_RETURN(const bool more, lines.next(text));
    if (!more) break;
    const std::vector<std::string_view> words = words_of(text, 2);
    if (words.empty() || words[0].front() == '#') continue;
    if (words[0] == "EN") break;
    if (words[0] == "Type" && words.size() > 1) galactic = words[1] == "OrientationsGalactic";
    if (words[0] != "OG") continue;
    if (!galactic) break;
    UNFOLD_RETURN_IF_ERROR(take_row(lines, text, out));
  }
  if (!galactic || out.rows() < 2) {
    return fits::bad_file(shown, "NOT_ORIENTATIONS",
                          galactic ? "it has fewer than two OG lines"
                                   : "it does not say \"Type OrientationsGalactic\"",
                          "name an .ori file of galactic orientations");
  }
  UNFOLD_RETURN_IF_ERROR(check_live_times(out, shown));
  return out;
}

}  // namespace unfold::cosi
