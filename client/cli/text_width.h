#pragma once

#include <string>
#include <string_view>

namespace unfold::cli {

/// Columns that UTF-8 `text` takes on a terminal: combining marks 0, East Asian wide and emoji 2,
/// control bytes and invalid sequences 1 a byte.
int display_width(std::string_view text);

/// `text` cut to at most `columns`, never inside a character; cut text ends in "~".
std::string fit_to_width(std::string_view text, int columns);

/// `text` with every control character replaced by "?": what a file name or a message says must not
/// drive the terminal.
std::string printable(std::string_view text);

}  // namespace unfold::cli
