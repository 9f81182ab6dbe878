#include "common/compare/layout.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/header.h"
#include "common/formats/fits/scan.h"

namespace unfold::compare {
namespace {

/// Keywords that may differ between two equal products, and those of structure (compared as
/// shapes). A trailing * stands for any ending.
constexpr std::array<std::string_view, 33> kNotCompared = {
    "",        "SIMPLE",   "XTENSION", "BITPIX", "NAXIS*",   "EXTEND",  "PCOUNT",
    "GCOUNT",  "TFIELDS",  "TFORM*",   "TTYPE*", "TDIM*",    "TUNIT*",  "TNULL*",
    "BZERO",   "BSCALE",   "EXTNAME",  "EXTVER", "CHECKSUM", "DATASUM", "COMMENT",
    "HISTORY", "CONTINUE", "LONGSTRN", "DATE",   "IN_PSF",   "IN_IMG",  "ORIG_PSF",
    "SPECTER", "DEPNAM*",  "DEPVER*",  "UF*",    "FILENAME"};

bool compared(std::string_view key) {
  return std::none_of(kNotCompared.begin(), kNotCompared.end(), [key](std::string_view pattern) {
    if (pattern.empty() || pattern.back() != '*') return key == pattern;
    pattern.remove_suffix(1);
    return key.substr(0, pattern.size()) == pattern;
  });
}

std::string name_of(const fits::Structure& file, std::size_t index) {
  const std::string& name = file.hdus[index].name;
  return name.empty() ? absl::StrCat("HDU", index) : name;
}

std::string type_of(const fits::Hdu& hdu) {
  if (hdu.type != fits::HduType::kImage) {
    std::vector<std::string> columns;
    for (const fits::Column& c : hdu.columns) {
      columns.push_back(absl::StrCat(c.name, ":", c.repeat, std::string(1, c.type)));
    }
    const std::int64_t rows = hdu.axes.size() > 1 ? hdu.axes[1] : 0;
    return absl::StrCat("table of ", rows, " rows ", absl::StrJoin(columns, " "));
  }
  // BZERO tells unsigned integers from signed ones.
  const std::string zero = hdu.header.raw("BZERO").value_or("");
  return absl::StrCat("bitpix ", hdu.bitpix, zero.empty() ? "" : " zero " + zero, ", ",
                      absl::StrJoin(hdu.axes, " x "));
}

/// Values as written, trimmed of blanks inside a string's quotes.
std::map<std::string, std::string> cards_of(const fits::Header& header) {
  std::map<std::string, std::string> out;
  for (const std::string& card : header.cards()) {
    const std::string key(fits::keyword_of(card));
    if (!compared(key)) continue;
    if (const absl::StatusOr<double> number = header.real(key); number.ok()) {
      out[key] = absl::StrCat(*number);
    } else if (const absl::StatusOr<std::string> text = header.string(key); text.ok()) {
      out[key] = *text;
    } else {
      out[key] = header.raw(key).value_or("");
    }
  }
  return out;
}

void compare_cards(const std::string& name, const fits::Header& a, const fits::Header& b,
                   Layouts& out) {
  const std::map<std::string, std::string> left = cards_of(a);
  const std::map<std::string, std::string> right = cards_of(b);
  std::set<std::string> keys;
  for (const auto& [key, value] : left) keys.insert(key);
  for (const auto& [key, value] : right) keys.insert(key);
  for (const std::string& key : keys) {
    const auto l = left.find(key);
    const auto r = right.find(key);
    if (l != left.end() && r != right.end() && l->second == r->second) continue;
    out.cards.push_back(absl::StrCat(name, " ", key, ": ", l == left.end() ? "absent" : l->second,
                                     " / ", r == right.end() ? "absent" : r->second));
  }
}

}  // namespace

absl::StatusOr<Layouts> compare_layouts(const std::string& a, const std::string& b) {
  UNFOLD_ASSIGN_OR_RETURN(const fits::ScannedHeaders left, fits::scan_headers(a, a));
  UNFOLD_ASSIGN_OR_RETURN(const fits::ScannedHeaders right, fits::scan_headers(b, b));
  std::map<std::string, const fits::Hdu*> others;
  for (std::size_t i = 0; i < right.structure.hdus.size(); ++i) {
    others.emplace(name_of(right.structure, i), &right.structure.hdus[i]);
  }
  Layouts out;
  for (std::size_t i = 0; i < left.structure.hdus.size(); ++i) {
    const std::string name = name_of(left.structure, i);
    const fits::Hdu& hdu = left.structure.hdus[i];
    const auto other = others.extract(name);
    if (other.empty()) {
      out.layout.push_back(name + ": present / absent");
      continue;
    }
    if (type_of(hdu) != type_of(*other.mapped())) {
      out.layout.push_back(absl::StrCat(name, ": ", type_of(hdu), " / ", type_of(*other.mapped())));
    }
    compare_cards(name, hdu.header, other.mapped()->header, out);
  }
  for (const auto& [name, hdu] : others) out.layout.push_back(name + ": absent / present");
  return out;
}

}  // namespace unfold::compare
