#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace unfold::cosi {

/// The largest text that is read, decompressed.
inline constexpr std::uint64_t kMaxTextBytes = std::uint64_t{64} << 30;
/// The longest line.
inline constexpr std::size_t kMaxLineBytes = std::size_t{1} << 16;

/// The lines of a text file, plain or gzip (by content; several members are one text), read in
/// pieces: memory does not grow with the file. Move-only; one thread at a time.
class TextLines {
 public:
  /// INPUT_NOT_FOUND, NOT_A_FILE, PERMISSION_DENIED.
  static absl::StatusOr<TextLines> open(const std::string& path, std::string_view shown);
  TextLines(TextLines&&) noexcept;
  TextLines& operator=(TextLines&&) noexcept;
  ~TextLines();

  /// The next line without its end ("\n", "\r\n"), valid until the next call; false at the end.
  /// TRUNCATED (damaged gzip), TOO_LARGE (the text, or a line).
  absl::StatusOr<bool> next(std::string_view& line);
  /// Of the line that next() gave last, from 1.
  std::int64_t number() const;
  /// "cannot read "FILE" (line 7: why) [remedy]" with the reason.
  absl::Status wrong(std::string reason, std::string_view why, std::string remedy) const;

 private:
  struct State;
  explicit TextLines(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// The words of a line, at most `most` (further ones are dropped), cut at blanks and tabs.
std::vector<std::string_view> words_of(std::string_view line, std::size_t most = 32);

/// A finite number that is the whole word; false otherwise.
bool parse_number(std::string_view word, double& value);

}  // namespace unfold::cosi
