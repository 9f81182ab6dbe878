#include "client/cli/up_devices.h"

#include <sys/wait.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/supervise/child.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"

namespace unfold::cli {
namespace {

struct Gpus {
  std::vector<std::string> names;
  std::string why_none;
};

absl::StatusOr<Gpus> list_gpus(const std::string& bin, const std::string& dir) {
  const supervise::Program lister{.name = "unfold-worker --list-devices",
                                  .command = {bin + "/unfold-worker", "--list-devices"},
                                  .log_file = dir + "/devices.log"};
  std::error_code ignored;
  std::filesystem::remove(lister.log_file, ignored);
  UNFOLD_ASSIGN_OR_RETURN(const pid_t child, supervise::start_child(lister, -1));
  ::waitpid(child, nullptr, 0);
  Gpus gpus;
  std::ifstream lines(lister.log_file);
  for (std::string line; std::getline(lines, line);) {
    if (absl::StartsWith(line, "cuda:")) {
      gpus.names.push_back(line.substr(0, line.find('\t')));
    } else {
      gpus.why_none = line;
    }
  }
  return gpus;
}

}  // namespace

absl::StatusOr<UpDevices> up_devices(const std::string& device, std::optional<int> workers,
                                     const std::string& bin, const std::string& dir) {
  const auto count = static_cast<std::size_t>(workers.value_or(1));
  if (device != "auto" && device != "cuda") {
    return UpDevices{std::vector<std::string>(count, device), ""};
  }
  UNFOLD_ASSIGN_OR_RETURN(Gpus gpus, list_gpus(bin, dir));
  if (!gpus.names.empty()) {
    if (workers) gpus.names.resize(std::min(count, gpus.names.size()));
    return UpDevices{std::move(gpus.names), ""};
  }
  if (device == "auto") {
    return UpDevices{std::vector<std::string>(count, "cpu"),
                     absl::StrCat("workers compute on the CPU (", gpus.why_none, ")")};
  }
  return error({.code = absl::StatusCode::kNotFound,
                .reason = "NO_GPU",
                .field = "",
                .what = "there is no GPU for a worker",
                .why = gpus.why_none,
                .remedy = "install an NVIDIA driver, or use --device cpu"});
}

}  // namespace unfold::cli
