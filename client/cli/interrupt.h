#pragma once

#include <string_view>

namespace unfold::cli {

/// From now on Ctrl-C writes `message` to stderr and ends the process with exit code 130. For
/// commands that wait: the jobs go on, and the message says how to cancel them.
void say_on_interrupt(std::string_view message);

}  // namespace unfold::cli
