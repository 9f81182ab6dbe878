#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace unfold::fits {

inline constexpr std::size_t kCardBytes = 80;
inline constexpr std::size_t kBlockBytes = 2880;

/// The cards of one HDU in file order, END left out, each exactly 80 characters and kept verbatim,
/// so that a header can be passed on unchanged. Keywords are compared as written (upper case);
/// HIERARCH keywords are named without that word. Value semantics; not thread safe for writing.
class Header {
 public:
  const std::vector<std::string>& cards() const { return cards_; }
  /// Pads or cuts to 80 characters.
  void append_card(std::string_view card);

  bool has(std::string_view key) const;
  /// Getters of a keyword's first card. NotFound/MISSING_HEADER_VALUE where absent,
  /// InvalidArgument/BAD_HEADER_VALUE (with the card's position) where it does not parse; a real
  /// number must be finite. CONTINUE cards are joined.
  absl::StatusOr<std::string> string(std::string_view key) const;
  absl::StatusOr<double> real(std::string_view key) const;
  absl::StatusOr<std::int64_t> integer(std::string_view key) const;
  absl::StatusOr<bool> logical(std::string_view key) const;
  /// The value's text as it stands in the card, or nothing.
  std::optional<std::string> raw(std::string_view key) const;

  /// Replaces the keyword's first card in its place, or appends one. Keys of up to 8 characters;
  /// a string too long for its card goes on in CONTINUE cards; a comment that does not fit is cut.
  void set(std::string_view key, std::string_view value, std::string_view comment = {});
  void set(std::string_view key, const char* value, std::string_view comment = {}) {
    set(key, std::string_view(value), comment);
  }
  void set(std::string_view key, double value, std::string_view comment = {});
  void set(std::string_view key, std::int64_t value, std::string_view comment = {});
  void set(std::string_view key, int value, std::string_view comment = {}) {
    set(key, std::int64_t{value}, comment);
  }
  void set(std::string_view key, bool value, std::string_view comment = {});
  /// Removes every card of the keyword (and what continues it).
  void erase(std::string_view key);

 private:
  std::optional<std::size_t> find(std::string_view key) const;
  std::size_t continued_until(std::size_t index) const;
  void replace(std::string_view key, std::vector<std::string> cards);

  std::vector<std::string> cards_;
};

/// The keyword of a card: trailing blanks removed, HIERARCH resolved.
std::string_view keyword_of(std::string_view card);

}  // namespace unfold::fits
