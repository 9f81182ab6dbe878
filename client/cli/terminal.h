#pragma once

namespace unfold::cli {

/// What one of the standard streams is connected to.
struct Terminal {
  bool is_terminal = false;
  bool utf8 = false;  ///< the locale's character set
  int columns = 80;
  int rows = 24;
};

/// Of file descriptor `fd`; asks anew each time, as windows are resized.
Terminal look_at_terminal(int fd);

}  // namespace unfold::cli
