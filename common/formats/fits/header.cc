#include "common/formats/fits/header.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/formats/fits/errors.h"

namespace unfold::fits {
namespace {

constexpr std::size_t kKeyBytes = 8;
constexpr std::size_t kValueStart = 10;     // after "KEYWORD = "
constexpr std::size_t kFixedValueEnd = 30;  // numbers are right-aligned up to here
constexpr std::size_t kMaxText = 68;        // characters of a string between its quotes
constexpr std::string_view kHierarch = "HIERARCH ";
constexpr std::string_view kContinue = "CONTINUE";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// What follows the value indicator, or nothing where the card has none.
std::optional<std::string_view> after_indicator(std::string_view card) {
  if (card.substr(0, kHierarch.size()) == kHierarch) {
    const std::size_t equals = card.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    return card.substr(equals + 1);
  }
  if (card.size() < kValueStart || card.substr(kKeyBytes, 2) != "= ") return std::nullopt;
  return card.substr(kValueStart);
}

// A quoted string at the start of `text` (quotes doubled inside), or nothing.
std::optional<std::string> quoted_text(std::string_view text) {
  text = trimmed(text);
  if (text.empty() || text.front() != '\'') return std::nullopt;
  std::string out;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] != '\'') {
      out += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == '\'') {
      out += '\'';
      ++i;
    } else {
      while (!out.empty() && out.back() == ' ') out.pop_back();
      return out;
    }
  }
  return std::nullopt;  // never closed
}

std::string_view before_comment(std::string_view text) {
  return trimmed(text.substr(0, text.find('/')));
}

absl::Status bad_value(std::string_view key, std::size_t card, std::string_view value,
                       std::string_view wanted) {
  return error({.reason = "BAD_HEADER_VALUE",
                .what = absl::StrCat(std::string(key), " (card ", card + 1, ") is \"",
                                     printable(value), "\", not ", std::string(wanted))});
}

// A number's text as from_chars takes it: no plus sign, E for D.
std::string number_text(std::string_view raw) {
  std::string text(quoted_text(raw).value_or(std::string(before_comment(raw))));
  text = std::string(trimmed(text));
  if (!text.empty() && text.front() == '+') text.erase(0, 1);
  std::replace(text.begin(), text.end(), 'D', 'E');
  return text;
}

template <class T>
std::optional<T> parsed(const std::string& text) {
  T value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string padded(std::string card) {
  card.resize(kCardBytes, ' ');
  return card;
}

std::string with_comment(std::string card, std::string_view comment) {
  if (!comment.empty() && card.size() + 4 < kCardBytes) {
    absl::StrAppend(&card, " / ", std::string(comment));
  }
  return padded(std::move(card));
}

std::string key_field(std::string_view key) {
  std::string card(key.substr(0, kKeyBytes));
  card.resize(kKeyBytes, ' ');
  return card + "= ";
}

std::string fixed_card(std::string_view key, const std::string& value, std::string_view comment) {
  std::string card = key_field(key);
  const std::size_t width = kFixedValueEnd - kValueStart;
  if (value.size() < width) card.append(width - value.size(), ' ');
  return with_comment(card + value, comment);
}

std::string real_text(double value) {
  char buffer[32];
  const auto [end, failure] = std::to_chars(buffer, buffer + sizeof buffer, value);
  std::string text(buffer, end);
  std::replace(text.begin(), text.end(), 'e', 'E');
  if (text.find_first_of(".E") == std::string::npos) text += ".0";
  return text;
}

// Pieces of an escaped string that fit a card each, quotes never torn apart.
std::vector<std::string> pieces_of(const std::string& escaped) {
  if (escaped.size() <= kMaxText) return {escaped};
  std::vector<std::string> pieces;
  std::size_t at = 0;
  while (at < escaped.size()) {
    std::size_t size = std::min(kMaxText - 1, escaped.size() - at);
    const std::size_t quotes = static_cast<std::size_t>(
        std::count(escaped.begin() + static_cast<std::ptrdiff_t>(at),
                   escaped.begin() + static_cast<std::ptrdiff_t>(at + size), '\''));
    if (quotes % 2 == 1) --size;
    pieces.push_back(escaped.substr(at, size));
    at += size;
  }
  for (std::size_t i = 0; i + 1 < pieces.size(); ++i) pieces[i] += '&';
  return pieces;
}

}  // namespace

std::string_view keyword_of(std::string_view card) {
  if (card.substr(0, kHierarch.size()) == kHierarch) {
    return trimmed(card.substr(kHierarch.size(), card.find('=') - kHierarch.size()));
  }
  return trimmed(card.substr(0, kKeyBytes));
}

void Header::append_card(std::string_view card) { cards_.push_back(padded(std::string(card))); }

std::optional<std::size_t> Header::find(std::string_view key) const {
  for (std::size_t i = 0; i < cards_.size(); ++i) {
    if (keyword_of(cards_[i]) == key && after_indicator(cards_[i])) return i;
  }
  return std::nullopt;
}

std::size_t Header::continued_until(std::size_t index) const {
  std::size_t end = index + 1;
  while (end < cards_.size() && cards_[end].compare(0, kKeyBytes, kContinue) == 0) ++end;
  return end;
}

bool Header::has(std::string_view key) const { return find(key).has_value(); }

std::optional<std::string> Header::raw(std::string_view key) const {
  const auto at = find(key);
  if (!at) return std::nullopt;
  const std::string_view rest = *after_indicator(cards_[*at]);
  const std::string_view value = trimmed(rest);
  if (!value.empty() && value.front() == '\'') return std::string(value);
  return std::string(before_comment(rest));
}

absl::StatusOr<std::string> Header::string(std::string_view key) const {
  const auto at = find(key);
  if (!at) {
    return error({.code = absl::StatusCode::kNotFound,
                  .reason = "MISSING_HEADER_VALUE",
                  .what = absl::StrCat(std::string(key), " is missing")});
  }
  const std::string_view rest = *after_indicator(cards_[*at]);
  std::optional<std::string> text = quoted_text(rest);
  if (!text) {
    if (trimmed(rest).substr(0, 1) == "'") return bad_value(key, *at, rest, "a closed string");
    return std::string(before_comment(rest));
  }
  for (std::size_t i = *at + 1; i < continued_until(*at) && absl::EndsWith(*text, "&"); ++i) {
    text->pop_back();
    *text += quoted_text(std::string_view(cards_[i]).substr(kValueStart)).value_or("");
  }
  return *std::move(text);
}

absl::StatusOr<double> Header::real(std::string_view key) const {
  const absl::StatusOr<std::string> text = string(key);
  if (!text.ok()) return text.status();
  const auto value = parsed<double>(number_text(*text));
  if (!value || !std::isfinite(*value)) return bad_value(key, *find(key), *text, "a finite number");
  return *value;
}

absl::StatusOr<std::int64_t> Header::integer(std::string_view key) const {
  const absl::StatusOr<std::string> text = string(key);
  if (!text.ok()) return text.status();
  const auto value = parsed<std::int64_t>(number_text(*text));
  if (!value) return bad_value(key, *find(key), *text, "an integer");
  return *value;
}

absl::StatusOr<bool> Header::logical(std::string_view key) const {
  const absl::StatusOr<std::string> text = string(key);
  if (!text.ok()) return text.status();
  if (*text != "T" && *text != "F") return bad_value(key, *find(key), *text, "T or F");
  return *text == "T";
}

void Header::replace(std::string_view key, std::vector<std::string> cards) {
  const auto at = find(key);
  auto place = cards_.end();
  if (at) {
    place = cards_.erase(cards_.begin() + static_cast<std::ptrdiff_t>(*at),
                         cards_.begin() + static_cast<std::ptrdiff_t>(continued_until(*at)));
  }
  cards_.insert(place, std::make_move_iterator(cards.begin()),
                std::make_move_iterator(cards.end()));
}

void Header::set(std::string_view key, std::string_view value, std::string_view comment) {
  std::string escaped = absl::StrReplaceAll(std::string(value), {{"'", "''"}});
  escaped.resize(std::max<std::size_t>(escaped.size(), 8), ' ');
  std::vector<std::string> cards;
  for (const std::string& piece : pieces_of(escaped)) {
    cards.push_back(absl::StrCat(cards.empty() ? key_field(key) : "CONTINUE  ", "'", piece, "'"));
  }
  if (!comment.empty()) cards.back().resize(std::max(cards.back().size(), kFixedValueEnd), ' ');
  cards.back() = with_comment(cards.back(), comment);
  for (std::string& card : cards) card = padded(std::move(card));
  replace(key, std::move(cards));
}

void Header::set(std::string_view key, double value, std::string_view comment) {
  replace(key, {fixed_card(key, real_text(value), comment)});
}

void Header::set(std::string_view key, std::int64_t value, std::string_view comment) {
  replace(key, {fixed_card(key, absl::StrCat(value), comment)});
}

void Header::set(std::string_view key, bool value, std::string_view comment) {
  replace(key, {fixed_card(key, value ? "T" : "F", comment)});
}

void Header::erase(std::string_view key) {
  while (const auto at = find(key)) {
    cards_.erase(cards_.begin() + static_cast<std::ptrdiff_t>(*at),
                 cards_.begin() + static_cast<std::ptrdiff_t>(continued_until(*at)));
  }
}

}  // namespace unfold::fits
