#include "workers/worker_options.h"

#include <grp.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/base/version.h"
#include "common/config/layers.h"
#include "common/config/units.h"

namespace unfold::worker {
namespace {

constexpr int kUsage = 2;

/// As the command line has it, before units are understood.
struct Texts {
  std::string config;
  std::string memory;
  std::string drain_timeout = "10s";
  std::string cancel_grace = "2s";
  std::string product_mode = "0644";
  std::string product_group;
  std::string log_level = "info";
  std::string log_format = "auto";
};

std::string host_name() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

absl::Status bad_option(const std::string& option, const std::string& value,
                        const std::string& remedy) {
  return error({.code = absl::StatusCode::kInvalidArgument,
                .reason = "BAD_SETTING",
                .field = option,
                .what = absl::StrCat("cannot use --", option, " ", value),
                .why = "",
                .remedy = remedy});
}

absl::StatusOr<std::uint32_t> parse_mode(const std::string& text) {
  std::size_t used = 0;
  unsigned long mode = 0;
  try {
    mode = std::stoul(text, &used, 8);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used != text.size() || mode > 0777) {
    return bad_option("product-mode", text, "give octal permissions such as 0644");
  }
  return static_cast<std::uint32_t>(mode);
}

absl::StatusOr<std::int64_t> parse_group(const std::string& text) {
  std::int64_t number = -1;
  if (text.empty() || absl::SimpleAtoi(text, &number)) return number;
  if (const group* known = ::getgrnam(text.c_str())) return std::int64_t{known->gr_gid};
  return bad_option("product-group", text, "name a group of this machine");
}

absl::StatusOr<log::Format> parse_format(const std::string& text) {
  if (text == "auto") return log::Format::kAuto;
  if (text == "json") return log::Format::kJson;
  if (text == "text") return log::Format::kText;
  return bad_option("log-format", text, "use auto, json or text");
}

void declare(CLI::App& app, Options& options, Texts& texts) {
  app.set_version_flag("--version", absl::StrCat("unfold-worker ", kVersion, " (", kCommit, ")"));
  app.add_option("--scheduler", options.scheduler,
                 "address of the scheduler: unix:PATH or HOST:PORT");
  app.add_option("--device", options.device, "where engines compute: auto, cpu, cuda[:I]")
      ->capture_default_str();
  app.add_option("--name", options.name, "unique name of this worker [the host's name]");
  app.add_option("--slots", options.slots, "jobs computed at the same time")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  app.add_option("--threads", options.threads, "threads of the computing pool; 0: one per core")
      ->capture_default_str()
      ->check(CLI::Range(0, 4096));
  app.add_option(
      "--memory", texts.memory,
      "memory for responses, for example 8GiB [half of this machine's]; of a GPU: for all "
      "of a job [15/16 of the device's]");
  app.add_option("--root", options.roots,
                 "folder that jobs may use, NAME=DIR or NAME=DIR:ro; repeatable");
  app.add_option("--drain-timeout", texts.drain_timeout, "how long running jobs may end at SIGTERM")
      ->capture_default_str();
  app.add_option("--cancel-grace", texts.cancel_grace,
                 "how soon an engine must react to being told to stop")
      ->capture_default_str();
  app.add_option("--product-mode", texts.product_mode, "permissions of products, octal")
      ->capture_default_str();
  app.add_option("--product-group", texts.product_group, "group of products [the folder's]");
  app.add_option("--log-level", texts.log_level, "debug, info, warning, error")
      ->capture_default_str();
  app.add_option("--log-format", texts.log_format, "auto, json, text")->capture_default_str();
  app.add_option("--config", texts.config, "TOML file of these settings, by their long names");
  app.add_flag("--exit-with-parent", options.exit_with_parent,
               "drain when the process that started this one ends");
  app.add_flag("--list-devices", options.list_devices,
               "print the GPUs here, one a line: device, bytes of memory, name; and exit");
  app.footer("Settings also come from UNFOLD_WORKER__NAME variables. SIGTERM drains, twice stops.");
}

bool is_device(const std::string& text) {
  int ordinal = -1;
  return text == "auto" || text == "cpu" || text == "cuda" ||
         (absl::StartsWith(text, "cuda:") && absl::SimpleAtoi(text.substr(5), &ordinal) &&
          ordinal >= 0);
}

absl::Status understand(const Texts& texts, Options& options) {
  if (options.scheduler.empty() && !options.list_devices) {
    return bad_option("scheduler", "\"\"", "name the scheduler's address, unix:PATH or HOST:PORT");
  }
  if (!is_device(options.device)) {
    return bad_option("device", options.device, "use auto, cpu, cuda or cuda:N");
  }
  if (options.name.empty()) options.name = host_name();
  UNFOLD_ASSIGN_OR_RETURN(options.drain_timeout,
                          config::parse_duration(texts.drain_timeout, "drain-timeout"));
  UNFOLD_ASSIGN_OR_RETURN(options.cancel_grace,
                          config::parse_duration(texts.cancel_grace, "cancel-grace"));
  if (!texts.memory.empty()) {
    UNFOLD_ASSIGN_OR_RETURN(const std::int64_t bytes, config::parse_size(texts.memory, "memory"));
    options.memory_bytes = bytes;
  }
  UNFOLD_ASSIGN_OR_RETURN(options.ownership.mode, parse_mode(texts.product_mode));
  UNFOLD_ASSIGN_OR_RETURN(options.ownership.group, parse_group(texts.product_group));
  UNFOLD_ASSIGN_OR_RETURN(options.log_level, log::parse_level(texts.log_level));
  UNFOLD_ASSIGN_OR_RETURN(options.log_format, parse_format(texts.log_format));
  if (options.threads == 0) options.threads = static_cast<int>(std::thread::hardware_concurrency());
  return absl::OkStatus();
}

}  // namespace

Parsed parse_options(int argc, char** argv) {
  Parsed parsed;
  Texts texts;
  CLI::App app("unfold-worker: computes the jobs that a scheduler gives it", "unfold-worker");
  declare(app, parsed.options, texts);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& failure) {
    parsed.exit = true;
    parsed.exit_code = app.exit(failure) == 0 ? 0 : kUsage;
    return parsed;
  }
  absl::Status status = config::fill_from_layers(app, "UNFOLD_WORKER__", texts.config);
  if (status.ok()) status = understand(texts, parsed.options);
  if (!status.ok()) {
    std::cerr << "unfold-worker: " << status.message() << "\n";
    parsed.exit = true;
    parsed.exit_code = kUsage;
  }
  return parsed;
}

}  // namespace unfold::worker
