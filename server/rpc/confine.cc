#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "server/rpc/plan_helper.h"

namespace unfold::server {
namespace {

// A helper opens files, maps memory and talks on one descriptor that it already has.
constexpr std::array kRefused = {SYS_socket,
                                 SYS_socketpair,
                                 SYS_connect,
                                 SYS_bind,
                                 SYS_listen,
                                 SYS_accept4,
                                 SYS_execve,
                                 SYS_execveat,
                                 SYS_ptrace,
                                 SYS_kill,
                                 SYS_tkill,
                                 SYS_mount,
                                 SYS_unshare,
                                 SYS_setns,
                                 SYS_process_vm_readv,
                                 SYS_process_vm_writev};

absl::Status failed(const char* what) {
  return absl::FailedPreconditionError(absl::StrCat(what, ": ", std::strerror(errno)));
}

absl::Status limit(decltype(RLIMIT_CORE) resource, std::int64_t value, const char* what) {
  const rlimit both{.rlim_cur = static_cast<rlim_t>(value), .rlim_max = static_cast<rlim_t>(value)};
  return setrlimit(resource, &both) == 0 ? absl::OkStatus() : failed(what);
}

// What is mapped already; a sanitizer's shadow may be terabytes.
std::int64_t mapped_bytes() {
  std::int64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * sysconf(_SC_PAGESIZE);
}

// A filter of numbers holds for one architecture; 0 where it is not known here.
std::uint32_t architecture() {
  utsname system{};
  uname(&system);
  const std::string_view machine = system.machine;
  if (machine == "x86_64") return AUDIT_ARCH_X86_64;
  if (machine == "aarch64") return AUDIT_ARCH_AARCH64;
  return 0;
}

absl::Status refuse_system_calls() {
  std::vector<sock_filter> program = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, architecture(), 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
  };
  for (const long call : kRefused) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog filter{.len = static_cast<unsigned short>(program.size()),
                          .filter = program.data()};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0 ? absl::OkStatus()
                                                                  : failed("seccomp");
}

}  // namespace

absl::Status confine_this_process(const HelperLimits& limits) {
  constexpr std::int64_t kDescriptors = 64;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  UNFOLD_RETURN_IF_ERROR(limit(RLIMIT_CORE, 0, "core limit"));
  UNFOLD_RETURN_IF_ERROR(limit(RLIMIT_NOFILE, kDescriptors, "descriptor limit"));
  UNFOLD_RETURN_IF_ERROR(
      limit(RLIMIT_AS, mapped_bytes() + limits.memory_bytes, "address space limit"));
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("no_new_privs");
  return refuse_system_calls();
}

}  // namespace unfold::server
