#include "server/options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/base/version.h"
#include "common/config/layers.h"
#include "common/config/units.h"

namespace unfold::server {
namespace {

constexpr char kDescription[] =
    "The unfold scheduler: takes jobs over gRPC, keeps them durably, and gives them to workers.\n"
    "`unfold up` starts it together with workers; run it alone to serve workers on other hosts.";

constexpr char kFooter[] =
    "Every option may also come from the environment (UNFOLD_SCHEDULER__LEASE=15s) or from the\n"
    "file of --config (TOML, lease = \"15s\"); a flag wins over the environment, which wins over\n"
    "the file. Durations: 15s, 0.2s, 10m, 1h30m.\n\n"
    "SIGTERM or SIGINT stops it cleanly: jobs stay in --dir, running ones are adopted at restart.\n"
    "Exit codes: 0 ok; 2 usage; 8 a bad path or root; 10 another scheduler runs; 70 internal.";

// Flags as text, before they have units.
struct Flags {
  std::string config;
  std::string http;
  std::string heartbeat = "2s";
  std::string lease = "15s";
  std::string adoption = "30s";
  std::string plan_timeout = "60s";
  std::string log_level = "info";
  std::string log_format = "auto";
};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string default_listen() {
  const std::string runtime = environment("XDG_RUNTIME_DIR");
  const std::string folder = runtime.empty() ? absl::StrCat("/tmp/unfold-", getuid()) : runtime;
  return absl::StrCat("unix:", folder, "/unfold.sock");
}

std::string default_dir() {
  const std::string state = environment("XDG_STATE_HOME");
  if (!state.empty()) return state + "/unfold";
  const std::string home = environment("HOME");
  return (home.empty() ? std::string("/var/lib") : home + "/.local/state") + "/unfold";
}

void add_places(CLI::App& app, Options& options, Flags& flags) {
  app.add_option("--dir", options.dir, "State folder, on a local disk")->capture_default_str();
  app.add_option("--listen", options.listen,
                 "Where the API answers: unix:PATH or HOST:PORT (port 0: any)")
      ->capture_default_str();
  app.add_option("--http", flags.http,
                 "Where metrics and the status page answer: HOST:PORT (port 0: any)\n"
                 "[127.0.0.1:9477, or the next free port]");
  app.add_option("--root", options.roots,
                 "A folder that jobs may use, NAME=DIR or NAME=DIR:ro; repeatable")
      ->allow_extra_args(false);
  app.add_option("--config", flags.config, "TOML file with values for these options")
      ->configurable(false);
}

void add_timing(CLI::App& app, Options& options, Flags& flags) {
  app.add_option("--heartbeat", flags.heartbeat, "How often workers report")->capture_default_str();
  app.add_option("--lease", flags.lease, "How long a silent worker keeps its jobs")
      ->capture_default_str();
  app.add_option("--adoption", flags.adoption,
                 "How long workers have to come back after a restart of the scheduler")
      ->capture_default_str();
  app.add_option("--cordon-after-hangs", options.cordon_after_hangs,
                 "A GPU where so many different jobs in a row hung gets none; 0: never")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  app.add_option("--max-queued", options.max_queued, "Most jobs that wait; beyond it, refused")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--plan-timeout", flags.plan_timeout, "Longest validation of one job")
      ->capture_default_str();
  app.add_option("--plan-helpers", options.plan_helpers,
                 "Validation processes (twice that on load)")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
}

void add_switches(CLI::App& app, Options& options, Flags& flags) {
  app.add_flag("--enable-probe-engine", options.enable_probe_engine,
               "Accept probe jobs, which test the service and compute nothing");
  app.add_flag("--insecure", options.insecure,
               "Listen beyond this machine although there is no access control");
  app.add_option("--log-level", flags.log_level, "debug, info, warning or error")
      ->capture_default_str();
  app.add_option("--log-format", flags.log_format, "json, text, or auto: text on a terminal")
      ->check(CLI::IsMember({"auto", "json", "text"}))
      ->capture_default_str();
  app.add_option("--ready-fd", options.ready_fd,
                 "Descriptor that gets the line \"READY API-ADDRESS HTTP-ADDRESS\"")
      ->configurable(false);
  app.add_option("--plan-helper", options.plan_helper, "")->group("")->configurable(false);
}

absl::Status set_http(const std::string& text, Options& options) {
  if (text.empty()) return absl::OkStatus();
  const std::size_t colon = text.rfind(':');
  int port = -1;
  if (colon == std::string::npos || colon == 0 ||
      !absl::SimpleAtoi(text.substr(colon + 1), &port) || port < 0 || port > 65535) {
    return error({.code = absl::StatusCode::kInvalidArgument,
                  .reason = "BAD_SETTING",
                  .field = "http",
                  .what = absl::StrCat("cannot serve HTTP on \"", text, "\""),
                  .why = "no port from 0 to 65535 after a host",
                  .remedy = "use HOST:PORT, for example 127.0.0.1:9477"});
  }
  options.http_host = text.substr(0, colon);
  options.http_port = port;
  options.http_port_is_explicit = true;
  return absl::OkStatus();
}

absl::Status convert(const Flags& flags, Options& options) {
  UNFOLD_RETURN_IF_ERROR(set_http(flags.http, options));
  UNFOLD_ASSIGN_OR_RETURN(options.heartbeat, config::parse_duration(flags.heartbeat, "heartbeat"));
  UNFOLD_ASSIGN_OR_RETURN(options.lease, config::parse_duration(flags.lease, "lease"));
  UNFOLD_ASSIGN_OR_RETURN(options.adoption, config::parse_duration(flags.adoption, "adoption"));
  UNFOLD_ASSIGN_OR_RETURN(options.plan_timeout,
                          config::parse_duration(flags.plan_timeout, "plan-timeout"));
  UNFOLD_ASSIGN_OR_RETURN(options.log_level, log::parse_level(flags.log_level));
  options.log_format = flags.log_format == "json"   ? log::Format::kJson
                       : flags.log_format == "text" ? log::Format::kText
                                                    : log::Format::kAuto;
  if (options.heartbeat > Duration::zero() && options.lease >= 2 * options.heartbeat) {
    return absl::OkStatus();
  }
  return error({.code = absl::StatusCode::kInvalidArgument,
                .reason = "BAD_SETTING",
                .field = "lease",
                .what = "the lease is too short",
                .why = "it must outlast at least two heartbeats, and these must be positive",
                .remedy = "raise --lease or lower --heartbeat"});
}

Invocation refused(const std::string& message) {
  std::fprintf(stderr, "unfold-scheduler: %s\n", message.c_str());
  return {.options = {}, .exits = true, .exit_code = 2};
}

}  // namespace

Invocation parse_command_line(int argc, const char* const* argv) {
  Invocation invocation;
  Options& options = invocation.options;
  options.listen = default_listen();
  options.dir = default_dir();
  Flags flags;
  CLI::App app(kDescription, "unfold-scheduler");
  app.footer(kFooter);
  app.set_version_flag("--version",
                       absl::StrCat("unfold-scheduler ", kVersion, " (", kCommit, ")"));
  add_places(app, options, flags);
  add_timing(app, options, flags);
  add_switches(app, options, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& shown) {
    app.exit(shown);
    invocation.exits = true;
    return invocation;
  } catch (const CLI::ParseError& failure) {
    return refused(absl::StrCat(failure.what(), " [see --help]"));
  }
  absl::Status status = config::fill_from_layers(app, "UNFOLD_SCHEDULER__", flags.config);
  if (status.ok()) status = convert(flags, options);
  if (!status.ok()) return refused(std::string(status.message()));
  return invocation;
}

int exit_code_of(const absl::Status& status) {
  if (status.ok()) return 0;
  const std::string reason = reason_of(status);
  const auto is_one_of = [&](const std::set<std::string>& reasons) {
    return reasons.count(reason) > 0;
  };
  if (is_one_of({"BAD_SETTING", "NOT_LOOPBACK"})) return 2;
  if (is_one_of({"STATE_IN_USE", "ALREADY_RUNNING", "PORT_BUSY"})) return 10;
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kPermissionDenied:
      return 8;
    default:
      return 70;
  }
}

}  // namespace unfold::server
