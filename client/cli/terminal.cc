#include "client/cli/terminal.h"

#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace unfold::cli {

Terminal look_at_terminal(int fd) {
  Terminal out;
  const char* kind = std::getenv("TERM");
  const bool dumb = kind != nullptr && std::string_view(kind) == "dumb";
  out.is_terminal = isatty(fd) == 1 && !dumb;
  out.utf8 = std::string_view(nl_langinfo(CODESET)) == "UTF-8";
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    out.columns = size.ws_col;
    out.rows = size.ws_row;
  }
  return out;
}

}  // namespace unfold::cli
