#pragma once

#include <array>
#include <cstdint>

namespace unfold::render {

inline constexpr int kGlyphWidth = 5;
inline constexpr int kGlyphHeight = 9;  ///< 7 of a capital, 2 below the line
inline constexpr int kCapitalHeight = 7;
inline constexpr int kGlyphAdvance = 6;

/// Rows from the top; bit 4 is the leftmost pixel.
using Glyph = std::array<std::uint8_t, kGlyphHeight>;

/// The glyph of a printable ASCII character; a box for any other.
const Glyph& glyph_of(char character);

}  // namespace unfold::render
