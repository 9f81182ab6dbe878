#include "client/cli/interrupt.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>

#include "client/cli/exit_codes.h"

namespace unfold::cli {
namespace {

// What a signal handler may touch: plain memory, filled before the handler is installed.
std::array<char, 1024> message_text{};
std::size_t message_size = 0;

extern "C" void on_interrupt(int) {
  if (write(STDERR_FILENO, message_text.data(), message_size) >= 0) _exit(kInterrupted);
  _exit(kInterrupted);
}

}  // namespace

void say_on_interrupt(std::string_view message) {
  std::signal(SIGINT, SIG_DFL);
  message_size = std::min(message.size(), message_text.size());
  std::memcpy(message_text.data(), message.data(), message_size);
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  sigaction(SIGINT, &action, nullptr);
}

}  // namespace unfold::cli
