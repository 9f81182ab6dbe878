#include <algorithm>
#include <array>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/cosi/text_lines.h"
#include "common/formats/spi/dragonfly.h"

namespace unfold::spi_data {
namespace {

constexpr int kMostLinks = 16;
constexpr std::size_t kMostKeys = 4096;
constexpr std::string_view kLink = ":::";

using Key = std::pair<std::string, std::string>;  // section, key
struct Entry {
  std::string value;
  std::int64_t line = 0;
};
using Entries = std::map<Key, Entry>;

// Dragonfly's keys of [emc] that unfold has no use for; what is neither here nor used is unknown.
constexpr std::array<std::string_view, 20> kWithoutEffect = {
    "alpha",     "axial_sym",        "fixed_seed",       "friedel_sym",    "gaussian_sigma",
    "h5_output", "hdf5_output",      "num_nonrot_modes", "num_rot",        "oversampling",
    "quat_list", "radius",           "radius_schedule",  "save_prob",      "scale_file",
    "size",      "start_model_file", "sym_icosahedral",  "sym_octahedral", "update_scale"};

absl::Status bad_config(const NamedFile& file, const std::string& where, const std::string& why) {
  return error({.reason = "BAD_CONFIG",
                .field = "config",
                .what = absl::StrCat("cannot use \"", file.shown, "\""),
                .why = absl::StrCat(where, ": ", why),
                .remedy = "correct it"});
}

absl::StatusOr<Entries> read_entries(const NamedFile& file) {
  UNFOLD_ASSIGN_OR_RETURN(cosi::TextLines lines, cosi::TextLines::open(file.path, file.shown));
  Entries out;
  std::string section;
  for (std::string_view line;;) {
    UNFOLD_ASSIGN_OR_RETURN(const bool more, lines.next(line));
    if (!more) return out;
    const std::string text(absl::StripAsciiWhitespace(absl::string_view(line.data(), line.size())));
    if (text.empty() || text[0] == '#' || text[0] == ';') continue;
    if (text[0] == '[') {
      const std::size_t end = text.find(']');
      if (end == std::string::npos) return lines.wrong("BAD_CONFIG", "a [ without ]", "close it");
      section = text.substr(1, end - 1);
      continue;
    }
    const std::size_t stop = text.find_first_of(" \t=");
    if (stop == std::string::npos || stop == 0) {
      return lines.wrong("BAD_CONFIG", "it is not \"key = value\"", "give the key a value");
    }
    const std::size_t value = text.find_first_not_of(" \t=", stop);
    if (value == std::string::npos) {
      return lines.wrong("BAD_CONFIG", "the key has no value", "give it one, or leave it out");
    }
    out[{section, text.substr(0, stop)}] = {text.substr(value), lines.number()};
    if (out.size() > kMostKeys) {
      return lines.wrong("TOO_LARGE", "too many keys", "check that this is the right file");
    }
  }
}

// Takes keys of [emc] out of the entries, one after another; what stays was not understood.
class Reader {
 public:
  Reader(const NamedFile& file, Entries entries) : file_(file), entries_(std::move(entries)) {}
  const absl::Status& status() const { return status_; }

  std::optional<std::string> text(const std::string& section, const std::string& key) {
    const auto found = entries_.find({section, key});
    if (found == entries_.end() || !status_.ok()) return std::nullopt;
    used_.push_back(found->first);
    std::string value = found->second.value;
    for (int link = 0; absl::StrContains(value, absl::string_view(kLink.data(), kLink.size()));
         ++link) {
      const std::size_t at = value.find(kLink);
      const auto next = entries_.find({value.substr(0, at), value.substr(at + kLink.size())});
      if (next == entries_.end() || link == kMostLinks) {
        fail(
            section, key,
            absl::StrCat("\"", value, "\" leads ", link == kMostLinks ? "in a circle" : "nowhere"));
        return std::nullopt;
      }
      value = next->second.value;
    }
    return value;
  }
  void path(const std::string& key, std::string& out) {
    if (const auto value = text("emc", key)) out = *value;
  }
  /// Numbers parted by blanks, from `least` to `most` of them.
  std::vector<double> numbers(const std::string& section, const std::string& key, std::size_t least,
                              std::size_t most) {
    const auto value = text(section, key);
    if (!value) return {};
    std::vector<double> out;
    for (const std::string_view word : cosi::words_of(*value)) {
      double number = 0;
      if (!cosi::parse_number(word, number)) {
        fail(section, key, absl::StrCat("\"", *value, "\" is no number"));
        return {};
      }
      out.push_back(number);
    }
    if (out.size() >= least && out.size() <= most) return out;
    fail(section, key, absl::StrCat("\"", *value, "\" is not ", least, " to ", most, " numbers"));
    return {};
  }
  void fail(const std::string& section, const std::string& key, const std::string& why) {
    const std::int64_t line = entries_[{section, key}].line;
    status_.Update(bad_config(file_, absl::StrCat("line ", line, ", [", section, "] ", key), why));
  }
  std::vector<std::string> left_over() const {
    std::vector<std::string> out;
    for (const auto& [key, entry] : entries_) {
      if (key.first == "emc" && std::count(used_.begin(), used_.end(), key) == 0) {
        out.push_back(key.second);
      }
    }
    return out;
  }

 private:
  const NamedFile& file_;
  Entries entries_;
  std::vector<Key> used_;
  absl::Status status_;
};

bool whole_in(double value, double least, double most) {
  return value >= least && value <= most && value == static_cast<double>(static_cast<int>(value));
}

void read_paths(Reader& reader, Config& out) {
  reader.path("in_photons_file", out.photons_file);
  reader.path("in_photons_list", out.photons_list);
  reader.path("in_detector_file", out.detector_file);
  reader.path("in_detector_list", out.detector_list);
  reader.path("background_file", out.background_file);
  reader.path("blacklist_file", out.blacklist_file);
  reader.path("output_folder", out.output_folder);
  reader.path("log_file", out.log_file);
}

void read_annealing(Reader& reader, Config& out) {
  const auto beta = reader.text("emc", "beta");
  if (beta && *beta != "auto") {
    for (const double value : reader.numbers("emc", "beta", 1, 1)) out.beta = value;
    if (out.beta && !(*out.beta > 0)) reader.fail("emc", "beta", "it is not positive");
  }
  for (const double value : reader.numbers("emc", "beta_factor", 1, 1)) {
    out.beta_factor = value;
    if (!(value > 0)) reader.fail("emc", "beta_factor", "it is not positive");
  }
  const std::vector<double> schedule = reader.numbers("emc", "beta_schedule", 2, 2);
  if (schedule.empty()) return;
  if (!(schedule[0] > 0) || !whole_in(schedule[1], 1, 1e6)) {
    reader.fail("emc", "beta_schedule", "it is not a factor and a number of iterations");
    return;
  }
  out.beta_schedule = {schedule[0], static_cast<int>(schedule[1])};
}

void read_numbers(Reader& reader, Config& out) {
  for (const double value : reader.numbers("emc", "num_div", 1, 2)) {
    if (!whole_in(value, 1, 500)) return reader.fail("emc", "num_div", "it is not from 1 to 500");
    out.num_div.push_back(static_cast<int>(value));
  }
  for (const double value : reader.numbers("emc", "need_scaling", 1, 1)) {
    out.need_scaling = value != 0;
  }
  for (const double value : reader.numbers("emc", "num_modes", 1, 1)) {
    if (!whole_in(value, 1, 64)) return reader.fail("emc", "num_modes", "it is not from 1 to 64");
    out.num_modes = static_cast<int>(value);
  }
  for (const double value : reader.numbers("parameters", "lambda", 1, 1)) {
    if (!(value > 0)) return reader.fail("parameters", "lambda", "it is not positive");
    out.wavelength = value;
  }
}

void read_choice(Reader& reader, Config& out) {
  if (const auto selection = reader.text("emc", "selection")) {
    if (*selection == "odd_only" || *selection == "odd") {
      out.selection = Selection::kOdd;
    } else if (*selection == "even_only" || *selection == "even") {
      out.selection = Selection::kEven;
    } else {
      reader.fail("emc", "selection", "it is neither odd_only nor even_only");
    }
  }
  const auto kind = reader.text("emc", "recon_type");
  if (kind && absl::AsciiStrToLower(*kind) != "3d") {
    reader.fail("emc", "recon_type", "only 3d is reconstructed");
  }
}

}  // namespace

absl::StatusOr<Config> read_config(const NamedFile& file) {
  UNFOLD_ASSIGN_OR_RETURN(Entries entries, read_entries(file));
  Reader reader(file, std::move(entries));
  Config out;
  read_paths(reader, out);
  read_annealing(reader, out);
  read_numbers(reader, out);
  read_choice(reader, out);
  UNFOLD_RETURN_IF_ERROR(reader.status());
  if (out.photons_file.empty() == out.photons_list.empty()) {
    return bad_config(file, "[emc]",
                      out.photons_file.empty() ? "neither in_photons_file nor in_photons_list"
                                               : "both in_photons_file and in_photons_list");
  }
  if (!out.detector_file.empty() && !out.detector_list.empty()) {
    return bad_config(file, "[emc]", "both in_detector_file and in_detector_list");
  }
  for (const std::string& key : reader.left_over()) {
    const bool known =
        std::find(kWithoutEffect.begin(), kWithoutEffect.end(), key) != kWithoutEffect.end();
    out.warnings.push_back(
        absl::StrCat("[emc] ", key, known ? " has no effect in unfold" : " is not known"));
  }
  return out;
}

std::int64_t rotations_of(int num_div) {
  const std::int64_t n = num_div;
  return 10 * (5 * n * n * n + n);
}

absl::StatusOr<std::vector<std::string>> read_list(const NamedFile& file) {
  constexpr std::size_t kMostNames = 100'000;
  UNFOLD_ASSIGN_OR_RETURN(cosi::TextLines lines, cosi::TextLines::open(file.path, file.shown));
  std::vector<std::string> out;
  for (std::string_view line;;) {
    UNFOLD_ASSIGN_OR_RETURN(const bool more, lines.next(line));
    if (!more) return out;
    const std::string name(absl::StripAsciiWhitespace(absl::string_view(line.data(), line.size())));
    if (!name.empty()) out.push_back(name);
    if (out.size() > kMostNames) {
      return lines.wrong("TOO_LARGE", "too many names", "check that this is the right file");
    }
  }
}

absl::StatusOr<std::vector<std::int64_t>> read_blacklist(const NamedFile& file,
                                                         std::int64_t frames) {
  UNFOLD_ASSIGN_OR_RETURN(cosi::TextLines lines, cosi::TextLines::open(file.path, file.shown));
  const std::string remedy = "give one number a frame, 1: leave it out";
  std::vector<std::int64_t> out;
  std::int64_t frame = 0;
  for (std::string_view line;;) {
    UNFOLD_ASSIGN_OR_RETURN(const bool more, lines.next(line));
    if (!more) break;
    for (const std::string_view word : cosi::words_of(line, 1 << 16)) {
      double value = 0;
      if (!cosi::parse_number(word, value))
        return lines.wrong("BAD_BLACKLIST", "no number", remedy);
      if (frame == frames) {
        return lines.wrong("BAD_BLACKLIST", absl::StrCat("more than ", frames, " numbers"), remedy);
      }
      if (value != 0) out.push_back(frame);
      ++frame;
    }
  }
  if (frame == frames) return out;
  return lines.wrong("BAD_BLACKLIST",
                     absl::StrCat("only ", frame, " numbers for ", frames, " frames"), remedy);
}

std::vector<std::int64_t> selected(Selection selection, std::int64_t frames,
                                   const std::vector<std::int64_t>& blacklist) {
  std::vector<std::uint8_t> out_of(static_cast<std::size_t>(frames));
  for (const std::int64_t frame : blacklist) {
    if (frame >= 0 && frame < frames) out_of[static_cast<std::size_t>(frame)] = 1;
  }
  std::vector<std::int64_t> out;
  bool odd = false;
  for (std::int64_t frame = 0; frame < frames; ++frame) {
    if (out_of[static_cast<std::size_t>(frame)] != 0) continue;
    if (selection == Selection::kAll || odd == (selection == Selection::kOdd)) out.push_back(frame);
    odd = !odd;
  }
  return out;
}

}  // namespace unfold::spi_data
