#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace unfold::config {

/// The candidate that `word` was probably meant to be: fewest edits (a swap of neighbours counts
/// one), at most a third of the word's length. Empty when none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace unfold::config
