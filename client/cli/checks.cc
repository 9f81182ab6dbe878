#include "client/cli/checks.h"

#include <dlfcn.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/cli/words.h"
#include "common/base/version.h"

namespace unfold::cli {
namespace {

namespace fs = std::filesystem;
using Result = Check::Result;

constexpr double kLeastFree = 0.02;
constexpr std::uint64_t kLeastFreeBytes = 1ULL << 30;

std::string version_text(const std::string& version, const std::string& commit) {
  return absl::StrCat(version, " (", commit, ")");
}

std::string folder_of(const std::string& root) {
  return std::string(absl::StripSuffix(root, ":ro"));
}

}  // namespace

Check check_server(const absl::StatusOr<v1::SchedulerStatus>& status, const std::string& server) {
  if (status.ok()) return {"scheduler", Result::kOk, "answers at " + server, ""};
  const std::string message(status.status().message());
  return {"scheduler", Result::kProblem, message.substr(0, message.find(" [")),
          "start it with `unfold up`, or name it with --server"};
}

Check check_version(const v1::SchedulerStatus& status) {
  const std::string here = version_text(kVersion, kCommit);
  const std::string there = version_text(status.version(), status.commit());
  if (here == there) return {"version", Result::kOk, here, ""};
  return {"version", Result::kWarning, absl::StrCat(here, " here, ", there, " there"),
          "install the same version of both"};
}

Check check_workers(const v1::ListWorkersResponse& workers) {
  int ready = 0;
  for (const v1::Worker& worker : workers.workers()) {
    ready += worker.state() == v1::WORKER_STATE_READY ? 1 : 0;
  }
  const std::string found = absl::StrCat(ready, " ready of ", workers.workers_size());
  if (ready > 0) return {"workers", Result::kOk, found, ""};
  return {"workers", Result::kWarning, found,
          "jobs wait until one connects: start unfold-worker, or `unfold up --workers 1`"};
}

Check check_root(const std::string& name, const std::string& folder) {
  const std::string label = "root " + name;
  const std::string path = folder_of(folder);
  std::error_code problem;
  if (!fs::is_directory(path, problem)) {
    return {label, Result::kProblem, path + " is no folder here",
            "make or mount it, or start the service with another --root"};
  }
  const bool read_only = folder.ends_with(":ro");
  if (access(path.c_str(), read_only ? R_OK | X_OK : R_OK | W_OK | X_OK) == 0) {
    return {label, Result::kOk, path + (read_only ? " (read-only)" : " (writable)"), ""};
  }
  return {label, Result::kProblem, absl::StrCat(path, ": ", std::strerror(errno)),
          "give this user access, or add :ro to the root"};
}

Check check_disk(const std::string& name, const std::string& folder) {
  const std::string label = "disk of " + name;
  struct statvfs stats {};
  if (statvfs(folder_of(folder).c_str(), &stats) != 0) {
    return {label, Result::kProblem, std::strerror(errno), "see the root above"};
  }
  const std::uint64_t free_bytes = std::uint64_t{stats.f_bavail} * stats.f_frsize;
  const double part = static_cast<double>(stats.f_bavail) / static_cast<double>(stats.f_blocks);
  const std::string found =
      absl::StrCat(people_bytes(static_cast<std::int64_t>(free_bytes)), " free");
  if (free_bytes >= kLeastFreeBytes && part >= kLeastFree) return {label, Result::kOk, found, ""};
  return {label, Result::kWarning, found, "make room before jobs fail to publish"};
}

Check check_clock() {
  timex state{};
  if (adjtimex(&state) >= 0 && (state.status & STA_UNSYNC) == 0) {
    return {"clock", Result::kOk, "synchronised, " + utc(timestamp_now()), ""};
  }
  return {"clock", Result::kWarning, "not synchronised, " + utc(timestamp_now()),
          "run chrony or systemd-timesyncd: deadlines and records are in UTC"};
}

// The words after "flags" of the first processor; empty where there is no such line.
std::string cpu_flags() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("flags", 0) == 0) return line + " ";
  }
  return "";
}

Check check_instruction_set() {
  const char* forced = std::getenv("UNFOLD_ISA");
  const std::string flags = cpu_flags();
  const auto has = [&flags](const char* flag) {
    return flags.find(absl::StrCat(" ", flag, " ")) != std::string::npos;
  };
  std::string found = has("sse4_2") ? "x86-64-v2" : "baseline";
  if (has("avx2") && has("fma")) found = "x86-64-v3 (AVX2)";
  if (has("avx512f") && has("avx512vl")) found = "x86-64-v4 (AVX-512)";
  if (forced == nullptr) return {"instruction set", Result::kOk, found, ""};
  return {"instruction set", Result::kWarning, absl::StrCat(found, ", UNFOLD_ISA=", forced),
          "unset UNFOLD_ISA unless you mean it"};
}

Check check_cuda(const std::string& program_folder) {
  const fs::path folder(program_folder);
  std::error_code problem;
  const bool module = fs::exists(folder / "libunfold_cuda.so", problem) ||
                      fs::exists(folder / "../lib/libunfold_cuda.so", problem);
  void* driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
  const bool has_driver = driver != nullptr;
  if (has_driver) dlclose(driver);
  if (module && has_driver) return {"cuda", Result::kOk, "module and driver found", ""};
  if (has_driver) {
    return {"cuda", Result::kWarning, "driver found, libunfold_cuda.so is not",
            "build with -DUNFOLD_CUDA=ON to use the GPU"};
  }
  return {"cuda", Result::kOk, "no driver: workers compute on the CPU", ""};
}

Check check_programs(const std::string& program_folder) {
  for (const char* name : {"unfold-scheduler", "unfold-worker"}) {
    if (access((fs::path(program_folder) / name).c_str(), X_OK) != 0) {
      return {"programs", Result::kProblem, absl::StrCat(name, " is not in ", program_folder),
              "install all three programs into one folder"};
    }
  }
  return {"programs", Result::kOk, "all in " + program_folder, ""};
}

}  // namespace unfold::cli
