#include "common/manager/service_manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace unfold {
namespace {

/// systemd's end of NOTIFY_SOCKET, in the abstract name space.
class Manager {
 public:
  explicit Manager(const std::string& watchdog_microseconds) {
    socket_ = ::socket(AF_UNIX, SOCK_DGRAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(sa_family_t)), 0);
    socklen_t size = sizeof address;
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    const std::string name(address.sun_path + 1, size - sizeof(sa_family_t) - 1);
    ::setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
    ::setenv("WATCHDOG_USEC", watchdog_microseconds.c_str(), 1);
    ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  }
  ~Manager() {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
    ::close(socket_);
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  std::string heard() {
    std::vector<char> text(4096);
    const ssize_t size = ::recv(socket_, text.data(), text.size(), 0);
    return {text.data(), static_cast<std::size_t>(size)};
  }
  bool silent() {
    char byte = 0;
    return ::recv(socket_, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0;
  }

 private:
  int socket_;
};

sigset_t blocked(int signal) {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, signal);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return set;
}

TEST(ServiceManager, SaysWhatSystemdExpects) {
  Manager systemd("30000000");
  const ServiceManager manager;
  ASSERT_TRUE(manager.beat());
  EXPECT_EQ(*manager.beat(), std::chrono::seconds(10));
  manager.ready("serving at unix:/run/x");
  manager.alive();
  manager.stopping();
  EXPECT_EQ(systemd.heard(), "READY=1\nSTATUS=serving at unix:/run/x");
  EXPECT_EQ(systemd.heard(), "WATCHDOG=1");
  EXPECT_EQ(systemd.heard(), "STOPPING=1");
}

TEST(ServiceManager, IsSilentWhereNobodyListens) {
  const ServiceManager manager;
  EXPECT_FALSE(manager.beat());
  manager.ready("");  // to nobody
  const sigset_t set = blocked(SIGUSR1);
  ::raise(SIGUSR1);
  EXPECT_EQ(wait_for_signal(set, manager, [] { return true; }), SIGUSR1);
}

TEST(ServiceManager, BeatsWhileResponsiveOnly) {
  Manager systemd("3000");
  const ServiceManager manager;
  const sigset_t set = blocked(SIGUSR1);
  const pthread_t waiting = ::pthread_self();
  int asked = 0;
  EXPECT_EQ(wait_for_signal(set, manager,
                            [&] {
                              if (++asked == 3) ::pthread_kill(waiting, SIGUSR1);
                              return asked == 2;
                            }),
            SIGUSR1);
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(systemd.heard(), "WATCHDOG=1");
  EXPECT_TRUE(systemd.silent());
}

TEST(Pulse, IsAYesOnceTheLoopHasAnswered) {
  std::vector<std::function<void()>> posted;
  Pulse pulse([&](std::function<void()> answer) { posted.push_back(std::move(answer)); });
  EXPECT_TRUE(pulse.beat());
  EXPECT_FALSE(pulse.beat());
  EXPECT_FALSE(pulse.beat());
  ASSERT_EQ(posted.size(), 1U);  // a stuck loop is asked once
  posted[0]();
  EXPECT_TRUE(pulse.beat());
  EXPECT_FALSE(pulse.beat());
}

}  // namespace
}  // namespace unfold
