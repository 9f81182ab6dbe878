#include "common/formats/cosi/events.h"

#include <cmath>
#include <limits>
#include <numbers>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/formats/cosi/text_lines.h"
#include "common/formats/fits/errors.h"

namespace unfold::cosi {
namespace {

constexpr double kElectronRestEnergy = 510.99895;  // keV
constexpr std::size_t kMaxTypes = 32;

// What an event has said of itself so far.
struct Block {
  std::string type{};
  bool open = false;
  bool has_time = false;
  bool has_energies = false;
  bool has_positions = false;
  bool has_x_axis = false;
  bool has_z_axis = false;
  double scattered = 0;  // keV
  double electron = 0;   // keV
  std::array<double, 3> first{};
  std::array<double, 3> second{};
  ComptonEvent event{};
};

class EventReader {
 public:
  EventReader(TextLines& lines, const std::function<void(const ComptonEvent&)>& take)
      : lines_(lines), take_(take) {}

  absl::Status line(std::string_view text);
  absl::Status close();
  bool ended() const { return ended_; }
  const EventCounts& counts() const { return counts_; }
  bool started() const { return started_; }

 private:
  absl::Status bad(std::string_view why) const {
    return lines_.wrong("BAD_EVENT", why, "repeat the extraction, or remove the event");
  }
  absl::Status numbers(std::string_view text, std::size_t needed, std::span<double> out) const;
  absl::Status once(bool& flag, std::string_view key) const;
  absl::Status field(std::string_view key, std::string_view text);
  absl::Status energies(std::string_view text);
  absl::Status positions(std::string_view text);
  absl::Status axis(std::string_view text, bool& flag, std::array<double, 2>& out);
  absl::Status finish_compton();

  TextLines& lines_;
  const std::function<void(const ComptonEvent&)>& take_;
  Block block_;
  EventCounts counts_;
  bool started_ = false;
  bool ended_ = false;
};

absl::Status EventReader::numbers(std::string_view text, std::size_t needed,
                                  std::span<double> out) const {
  const std::vector<std::string_view> words = words_of(text, needed + 1);
  for (std::size_t i = 0; i < needed; ++i) {
    if (i + 1 >= words.size() || !parse_number(words[i + 1], out[i])) {
      return bad(absl::StrCat("\"", fits::printable(text), "\" needs ", needed, " numbers"));
    }
  }
  return absl::OkStatus();
}

absl::Status EventReader::once(bool& flag, std::string_view key) const {
  if (flag) return bad(absl::StrCat(std::string(key), " is given twice in one event"));
  flag = true;
  return absl::OkStatus();
}

// CE: energy of the scattered photon and its error, energy of the electron and its error.
absl::Status EventReader::energies(std::string_view text) {
  UNFOLD_RETURN_IF_ERROR(once(block_.has_energies, "CE"));
  std::array<double, 3> value{};
  UNFOLD_RETURN_IF_ERROR(numbers(text, value.size(), value));
  block_.scattered = value[0];
  block_.electron = value[2];
  if (value[0] <= 0 || value[2] < 0) return bad("CE has an energy that is not positive");
  return absl::OkStatus();
}

// CD: place of the first interaction, its errors, place of the second, ...
absl::Status EventReader::positions(std::string_view text) {
  UNFOLD_RETURN_IF_ERROR(once(block_.has_positions, "CD"));
  std::array<double, 9> value{};
  UNFOLD_RETURN_IF_ERROR(numbers(text, value.size(), value));
  block_.first = {value[0], value[1], value[2]};
  block_.second = {value[6], value[7], value[8]};
  if (block_.first == block_.second) return bad("CD's two interactions are at one place");
  return absl::OkStatus();
}

absl::Status EventReader::axis(std::string_view text, bool& flag, std::array<double, 2>& out) {
  UNFOLD_RETURN_IF_ERROR(once(flag, text.substr(0, 2)));
  UNFOLD_RETURN_IF_ERROR(numbers(text, 2, out));
  if (std::abs(out[0]) > 720 || std::abs(out[1]) > 90) {
    return bad("an axis is no galactic longitude and latitude in degrees");
  }
  return absl::OkStatus();
}

absl::Status EventReader::field(std::string_view key, std::string_view text) {
  if (key == "TI") {
    UNFOLD_RETURN_IF_ERROR(once(block_.has_time, key));
    return numbers(text, 1, std::span(&block_.event.time, 1));
  }
  if (key == "GX") return axis(text, block_.has_x_axis, block_.event.x_axis);
  if (key == "GZ") return axis(text, block_.has_z_axis, block_.event.z_axis);
  if (key == "CE") return energies(text);
  if (key == "CD") return positions(text);
  return absl::OkStatus();
}

absl::Status EventReader::finish_compton() {
  Block& b = block_;
  if (!b.has_time) return bad("the event before has no TI (time)");
  if (!b.has_energies) return bad("the event before has no CE (energies)");
  if (!b.has_positions) return bad("the event before has no CD (positions)");
  if (b.has_x_axis != b.has_z_axis) return bad("the event before has one of GX and GZ only");
  const double x = b.first[0] - b.second[0];
  const double y = b.first[1] - b.second[1];
  const double z = b.first[2] - b.second[2];
  b.event.energy = b.scattered + b.electron;
  b.event.phi = compton_angle(b.scattered, b.electron);
  b.event.polar = std::atan2(std::hypot(x, y), z);
  b.event.azimuth = std::atan2(y, x);
  if (b.event.azimuth < 0) b.event.azimuth += 2 * std::numbers::pi;
  b.event.azimuth = std::abs(b.event.azimuth);  // no negative zero
  b.event.has_aspect = b.has_x_axis;
  ++counts_.compton;
  take_(b.event);
  return absl::OkStatus();
}

absl::Status EventReader::close() {
  if (!block_.open) return absl::OkStatus();
  if (block_.type == "CO") {
    UNFOLD_RETURN_IF_ERROR(finish_compton());
  } else {
    const std::string type = block_.type.empty() ? "none" : block_.type;
    if (counts_.others.size() >= kMaxTypes && counts_.others.count(type) == 0) {
      return bad("the file has too many types of events");
    }
    ++counts_.others[type];
  }
  block_ = Block();
  return absl::OkStatus();
}

absl::Status EventReader::line(std::string_view text) {
  const std::vector<std::string_view> words = words_of(text, 2);
  if (words.empty()) return absl::OkStatus();
  const std::string_view key = words[0];
  if (key == "NF" || key == "IN") {
    return lines_.wrong(
        "EXTERNAL_FILE",
        absl::StrCat("it goes on in \"", fits::printable(words.size() > 1 ? words[1] : ""), "\""),
        "join the files into one");
  }
  if (key == "EN") {
    ended_ = true;
    return close();
  }
  if (key == "SE") {
    UNFOLD_RETURN_IF_ERROR(close());
    started_ = true;
    block_.open = true;
    return absl::OkStatus();
  }
  if (!block_.open) return absl::OkStatus();  // the file's header
  if (key == "ET") {
    if (!block_.type.empty()) return bad("ET is given twice in one event");
    block_.type = fits::printable(words.size() > 1 ? words[1].substr(0, 8) : "none");
    return absl::OkStatus();
  }
  if (block_.type != "CO") return absl::OkStatus();
  return field(key, text);
}

}  // namespace

double compton_angle(double scattered, double electron) {
  const double cosine =
      1 - kElectronRestEnergy / scattered + kElectronRestEnergy / (scattered + electron);
  if (!(std::abs(cosine) <= 1)) return std::numeric_limits<double>::quiet_NaN();
  return std::acos(cosine);
}

absl::StatusOr<EventCounts> read_events(const std::string& path, std::string_view shown,
                                        const std::function<void(const ComptonEvent&)>& take) {
  UNFOLD_ASSIGN_OR_RETURN(TextLines lines, TextLines::open(path, shown));
  EventReader reader(lines, take);
  std::string_view text;
  while (!reader.ended()) {
    UNFOLD_ASSIGN_OR_RETURN(const bool more, lines.next(text));
    if (!more) break;
    UNFOLD_RETURN_IF_ERROR(reader.line(text));
  }
  UNFOLD_RETURN_IF_ERROR(reader.close());
  if (!reader.started()) {
    return fits::bad_file(shown, "NOT_EVENTS", "it holds no events (lines \"SE\")",
                          "name a MEGAlib .tra or .tra.gz file");
  }
  return reader.counts();
}

bool looks_like_events(const std::string& path) {
  constexpr int kFirstLines = 100;
  auto lines = TextLines::open(path, "");
  if (!lines.ok()) return false;
  std::string_view text;
  for (int i = 0; i < kFirstLines; ++i) {
    const absl::StatusOr<bool> more = lines->next(text);
    if (!more.ok() || !*more) return false;
    const std::vector<std::string_view> words = words_of(text, 2);
    if (words.empty()) continue;
    if (words[0] == "SE" && words.size() == 1) return true;
    const bool type_line = words[0] == "Type" || words[0] == "TYPE";
    if (type_line && words.size() > 1) return words[1] == "tra" || words[1] == "TRA";
  }
  return false;
}

}  // namespace unfold::cosi
