#include <cmath>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/cosi/text_lines.h"
#include "common/formats/hdf5/file.h"
#include "common/formats/spi/geometry.h"

// CrystFEL's text: "key = value" for all panels that follow, "panel/key = value" for one.
namespace unfold::spi_data {
namespace {

constexpr std::size_t kMostPanels = 65536;

struct Line {
  std::string panel;  ///< or empty
  std::string key;
  std::string value;
};

std::string trimmed(std::string_view text) {
  return std::string(absl::StripAsciiWhitespace(absl::string_view(text.data(), text.size())));
}

// False where there is nothing on the line.
bool split(std::string_view text, Line& out) {
  const std::string whole = trimmed(text.substr(0, text.find(';')));
  const std::size_t equals = whole.find('=');
  if (equals == std::string::npos) return false;
  const std::string left = trimmed(std::string_view(whole).substr(0, equals));
  out.value = trimmed(std::string_view(whole).substr(equals + 1));
  const std::size_t slash = left.find('/');
  out.panel = slash == std::string::npos ? "" : left.substr(0, slash);
  out.key = slash == std::string::npos ? left : left.substr(slash + 1);
  return true;
}

// "1.5", "1.5 keV", "/path" or "/path mm".
bool parse_quantity(const std::string& value, Quantity& out) {
  const std::vector<std::string_view> words = cosi::words_of(value);
  if (words.empty() || words.size() > 2) return false;
  out = {};
  if (words.size() == 2) out.unit = std::string(words[1]);
  if (words[0][0] == '/') {
    out.path = std::string(words[0]);
    return true;
  }
  return cosi::parse_number(words[0], out.value);
}

// "+0.99x -0.01y + 0.1z": a number before each letter, 1 where there is only a sign.
bool parse_vector(const std::string& value, std::array<double, 3>& out) {
  out = {};
  std::string number;
  for (const char letter : value) {
    if (letter == ' ' || letter == '\t') continue;
    if (letter < 'x' || letter > 'z') {
      number += letter;
      continue;
    }
    const double sign = !number.empty() && number[0] == '-' ? -1 : 1;
    if (!number.empty() && (number[0] == '-' || number[0] == '+')) number.erase(0, 1);
    double size = 1;
    if (!number.empty() && !cosi::parse_number(number, size)) return false;
    out[static_cast<std::size_t>(letter - 'x')] += sign * size;
    number.clear();
  }
  return number.empty() && out != std::array<double, 3>{};
}

bool parse_bits(const std::string& value, std::uint64_t& out) {
  if (absl::StartsWith(value, "0x")) return absl::SimpleHexAtoi(value, &out);
  return absl::SimpleAtoi(value, &out);
}

bool parse_place(const std::string& value, std::int64_t& out) {
  double number = 0;
  if (!cosi::parse_number(value, number) || !(std::abs(number) < 1e6)) return false;
  out = static_cast<std::int64_t>(number);
  return static_cast<double>(out) == number;
}

enum class Took { kYes, kNo, kWrong };
Took took(bool good) { return good ? Took::kYes : Took::kWrong; }

Took take_panel(const Line& line, Panel& panel) {
  const std::string& key = line.key;
  const std::string& value = line.value;
  if (key == "min_fs") return took(parse_place(value, panel.min_fs));
  if (key == "max_fs") return took(parse_place(value, panel.max_fs));
  if (key == "min_ss") return took(parse_place(value, panel.min_ss));
  if (key == "max_ss") return took(parse_place(value, panel.max_ss));
  if (key == "corner_x") return took(cosi::parse_number(value, panel.corner_x));
  if (key == "corner_y") return took(cosi::parse_number(value, panel.corner_y));
  if (key == "fs") return took(parse_vector(value, panel.fs_step));
  if (key == "ss") return took(parse_vector(value, panel.ss_step));
  if (key == "res") return took(cosi::parse_number(value, panel.res) && panel.res > 0);
  if (key == "clen") return took(parse_quantity(value, panel.clen));
  if (key == "coffset") return took(cosi::parse_number(value, panel.coffset));
  if (key == "adu_per_photon") return took(cosi::parse_number(value, panel.adu_per_photon));
  if (key == "adu_per_eV") return took(cosi::parse_number(value, panel.adu_per_ev));
  if (key == "data") return took(!(panel.data = value).empty());
  if (key == "no_index") {
    panel.bad = value != "0" && value != "false";
    return Took::kYes;
  }
  if (absl::StartsWith(key, "dim")) {
    if (value == "%" || value == "fs" || value == "ss") return Took::kYes;
    return took(parse_place(value, panel.index));
  }
  return Took::kNo;
}

Took take_region(const Line& line, BadRegion& region) {
  if (line.key == "panel") {
    region.panel = line.value;
    return Took::kYes;
  }
  const std::string axis = line.key.size() > 4 ? line.key.substr(4) : "";
  const bool data = axis == "fs" || axis == "ss";
  if (!data && axis != "x" && axis != "y") return Took::kNo;
  const bool first = axis == "fs" || axis == "x";
  const bool least = absl::StartsWith(line.key, "min_");
  if (!least && !absl::StartsWith(line.key, "max_")) return Took::kNo;
  region.in_data = data;
  ++region.told;
  return took(cosi::parse_number(line.value, first ? (least ? region.min_1 : region.max_1)
                                                   : (least ? region.min_2 : region.max_2)));
}

Took take_global(const Line& line, Geometry& out) {
  if (line.key == "photon_energy") return took(parse_quantity(line.value, out.photon_energy));
  if (line.key == "mask" || line.key == "mask0_data")
    return took(!(out.mask_path = line.value).empty());
  if (line.key == "mask_good" || line.key == "mask0_goodbits") {
    out.mask_told = true;
    return took(parse_bits(line.value, out.mask_good));
  }
  if (line.key == "mask_bad" || line.key == "mask0_badbits") {
    out.mask_told = true;
    return took(parse_bits(line.value, out.mask_bad));
  }
  return Took::kNo;
}

// Reads line by line; panels begin as what was said of all so far.
class Parser {
 public:
  explicit Parser(Geometry& out) : out_(out) {}

  Took take(const Line& line) {
    if (line.panel.empty()) {
      if (absl::StartsWith(line.key, "group") || absl::StartsWith(line.key, "rigid_group")) {
        return Took::kYes;  // for refinement
      }
      const Took global = take_global(line, out_);
      return note(line, global == Took::kNo ? take_panel(line, common_) : global);
    }
    if (absl::StartsWith(line.panel, "bad")) {
      const auto [at, fresh] = regions_.try_emplace(line.panel, out_.bad.size());
      if (fresh) out_.bad.emplace_back();
      return note(line, take_region(line, out_.bad[at->second]));
    }
    const auto [at, fresh] = panels_.try_emplace(line.panel, out_.panels.size());
    if (fresh) {
      out_.panels.push_back(common_);
      out_.panels.back().name = line.panel;
    }
    return note(line, take_panel(line, out_.panels[at->second]));
  }

 private:
  Took note(const Line& line, Took result) {
    if (result == Took::kNo && warned_.insert(line.key).second && warned_.size() < 100) {
      out_.warnings.push_back(absl::StrCat("geometry: ", line.key, " has no effect in unfold"));
    }
    return result;
  }

  Geometry& out_;
  Panel common_;
  std::map<std::string, std::size_t> panels_;
  std::map<std::string, std::size_t> regions_;
  std::set<std::string> warned_;
};

absl::Status check_panels(const Geometry& geometry, const NamedFile& file) {
  const auto wrong = [&](const std::string& why) {
    return error({.reason = "BAD_GEOMETRY",
                  .field = "detector",
                  .what = absl::StrCat("cannot use \"", file.shown, "\""),
                  .why = why,
                  .remedy = "correct the geometry file"});
  };
  if (geometry.panels.empty()) return wrong("it has no panel");
  for (const Panel& panel : geometry.panels) {
    if (panel.min_fs < 0 || panel.min_ss < 0 || panel.max_fs < panel.min_fs ||
        panel.max_ss < panel.min_ss || panel.index < 0) {
      return wrong(
          absl::StrCat("panel ", panel.name, " has no sane min_fs, max_fs, min_ss, max_ss"));
    }
    if (!(panel.res > 0)) return wrong(absl::StrCat("panel ", panel.name, " has no res"));
    if (panel.data != geometry.panels.front().data) {
      return wrong(absl::StrCat("panel ", panel.name, " has data of its own"));
    }
  }
  for (const BadRegion& region : geometry.bad) {
    if (region.told != 4) return wrong("a bad region has not four bounds");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<bool> is_geometry(const NamedFile& file) {
  UNFOLD_ASSIGN_OR_RETURN(const bool tree, hdf5::is_hdf5(file.path, file.shown));
  if (tree) return false;
  UNFOLD_ASSIGN_OR_RETURN(cosi::TextLines lines, cosi::TextLines::open(file.path, file.shown));
  for (std::string_view line;;) {
    UNFOLD_ASSIGN_OR_RETURN(const bool more, lines.next(line));
    if (!more) return false;
    const std::string text = trimmed(line.substr(0, line.find(';')));
    if (!text.empty()) return absl::StrContains(text, "=");
  }
}

absl::StatusOr<Geometry> read_geometry(const NamedFile& file) {
  UNFOLD_ASSIGN_OR_RETURN(cosi::TextLines lines, cosi::TextLines::open(file.path, file.shown));
  Geometry out;
  Parser parser(out);
  for (std::string_view text;;) {
    UNFOLD_ASSIGN_OR_RETURN(const bool more, lines.next(text));
    if (!more) break;
    Line line;
    if (!split(text, line)) continue;
    if (parser.take(line) == Took::kWrong) {
      return lines.wrong("BAD_GEOMETRY", absl::StrCat(line.key, " cannot be \"", line.value, "\""),
                         "correct the geometry file");
    }
    if (out.panels.size() > kMostPanels || out.bad.size() > kMostPanels) {
      return lines.wrong("TOO_LARGE", "too many panels", "check that this is the right file");
    }
  }
  UNFOLD_RETURN_IF_ERROR(check_panels(out, file));
  return out;
}

}  // namespace unfold::spi_data
