#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <optional>
#include <ostream>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/cli/commands.h"
#include "client/cli/flag_types.h"
#include "client/cli/up_devices.h"
#include "client/supervise/supervisor.h"
#include "common/base/error.h"
#include "common/config/units.h"

namespace unfold::cli {
namespace {

namespace fs = std::filesystem;

constexpr char kExamples[] =
    R"(The scheduler and its workers are started from this program's own folder and run until
Ctrl-C, which drains them; Ctrl-C again stops them at once. Jobs survive both: they are
stored in --dir and go on at the next start. Logs are in --dir too.

Examples:
  unfold up                                   serves files below the current folder
  unfold up --workers 2 --root raw=/data/preproc:ro --root out=/data/frames
  unfold up --listen 127.0.0.1:7070 --http 127.0.0.1:9477 --dir /var/lib/unfold)";

constexpr double kWorkerShareOfDrain = 0.8;

struct Flags {
  std::optional<int> workers;
  std::string device = "auto";
  std::string dir;
  std::string http;
  std::vector<std::string> roots;
  std::string drain_timeout = "10s";
  std::string heartbeat;
  std::string lease;
  std::string adoption;
  bool enable_probe_engine = false;
  bool insecure = false;
};

fs::path default_state_folder() {
  if (const char* set = std::getenv("XDG_STATE_HOME"); set != nullptr && *set != '\0') {
    return fs::path(set) / "unfold";
  }
  const char* home = std::getenv("HOME");
  return fs::path(home != nullptr ? home : "/") / ".local/state/unfold";
}

std::string host_name() {
  std::string name(256, '\0');
  if (gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.substr(0, name.find('\0'));
}

std::chrono::duration<double> drain_timeout(const Flags& flags) {
  return std::chrono::duration<double>(seconds_flag(flags.drain_timeout, "--drain-timeout"));
}

// Only its owner may look into it: the socket and the job store are the user's own.
absl::Status make_private_folder(const fs::path& folder) {
  const mode_t before = umask(S_IRWXG | S_IRWXO);
  std::error_code problem;
  fs::create_directories(folder, problem);
  umask(before);
  if (!problem) return absl::OkStatus();
  return error({.code = absl::StatusCode::kFailedPrecondition,
                .reason = "NO_FOLDER",
                .field = "",
                .what = absl::StrCat("cannot make the folder ", folder.string()),
                .why = problem.message(),
                .remedy = "name another with --dir or --listen"});
}

void append_if_set(std::vector<std::string>& command, const char* flag, const std::string& value) {
  if (!value.empty()) command.insert(command.end(), {flag, value});
}

// The workers of one machine share it.
unsigned share_of_cores(std::size_t workers) {
  return std::max(1U, std::thread::hardware_concurrency() / static_cast<unsigned>(workers));
}
std::int64_t share_of_memory(std::size_t workers) {
  return std::int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE) /
         (2 * static_cast<std::int64_t>(workers));
}

// A worker gives its job back in good order before the supervisor loses patience.
std::string worker_drain_timeout(const Flags& flags) {
  return config::format_duration(
      std::chrono::duration_cast<Duration>(drain_timeout(flags) * kWorkerShareOfDrain));
}

supervise::Program scheduler(const Flags& flags, const fs::path& bin, const fs::path& dir,
                             const std::string& listen) {
  std::vector<std::string> command = {(bin / "unfold-scheduler").string(), "--dir", dir.string(),
                                      "--listen", listen};
  append_if_set(command, "--http", flags.http);
  append_if_set(command, "--heartbeat", flags.heartbeat);
  append_if_set(command, "--lease", flags.lease);
  append_if_set(command, "--adoption", flags.adoption);
  for (const std::string& root : flags.roots) append_if_set(command, "--root", root);
  if (flags.enable_probe_engine) command.emplace_back("--enable-probe-engine");
  if (flags.insecure) command.emplace_back("--insecure");
  return {"scheduler", command, (dir / "scheduler.log").string()};
}

supervise::Program worker(const Flags& flags, const fs::path& bin, const fs::path& dir,
                          const std::string& listen, const std::vector<std::string>& devices,
                          std::size_t index) {
  const std::string name = absl::StrCat("worker-", index);
  std::vector<std::string> command = {(bin / "unfold-worker").string(),
                                      "--scheduler",
                                      listen,
                                      "--device",
                                      devices[index],
                                      "--name",
                                      absl::StrCat(host_name(), "-", index),
                                      "--threads",
                                      absl::StrCat(share_of_cores(devices.size())),
                                      "--drain-timeout",
                                      worker_drain_timeout(flags)};
  if (devices[index] == "cpu") {  // a GPU's worker has the device's own
    command.insert(command.end(), {"--memory", absl::StrCat(share_of_memory(devices.size()))});
  }
  for (const std::string& root : flags.roots) append_if_set(command, "--root", root);
  return {name, command, (dir / (name + ".log")).string()};
}

// `line` is the scheduler's "READY API-ADDRESS HTTP-URL".
void announce(Session& session, const fs::path& dir, const std::string& line) {
  const std::vector<std::string> words =
      absl::StrSplit(absl::StripAsciiWhitespace(line), ' ', absl::SkipEmpty());
  session.err << "unfold is up at " << session.server << ", logs in " << dir.string() << "\n";
  if (words.size() == 3) session.err << "  dashboard:  " << words[2] << "/\n";
  const std::string flag =
      session.server == client::default_server() ? "" : absl::StrCat(" --server ", session.server);
  session.err << "  submit:     unfold submit extraction" << flag
              << " -i IMAGE -p PSF -o FRAME --wait\n"
              << "  stop:       Ctrl-C\n";
  session.err.flush();
}

int run(Session& session, Flags flags) {
  const fs::path bin = fs::read_symlink("/proc/self/exe").parent_path();
  const fs::path dir =
      fs::absolute(flags.dir.empty() ? default_state_folder() : fs::path(flags.dir));
  if (flags.roots.empty()) flags.roots = {absl::StrCat("cwd=", fs::current_path().string())};
  if (absl::Status made = make_private_folder(dir); !made.ok()) {
    return session.fail(made, CallKind::kSubmit);
  }
  if (session.server.starts_with("unix:")) {
    const fs::path socket(session.server.substr(std::string("unix:").size()));
    if (absl::Status made = make_private_folder(socket.parent_path()); !made.ok()) {
      return session.fail(made, CallKind::kSubmit);
    }
  }
  const auto devices = up_devices(flags.device, flags.workers, bin.string(), dir.string());
  if (!devices.ok()) return session.fail(devices.status(), CallKind::kSubmit);
  if (!devices->note.empty()) session.err << "unfold: " << devices->note << "\n";
  supervise::Fleet fleet;
  fleet.scheduler = scheduler(flags, bin, dir, session.server);
  for (std::size_t i = 0; i < devices->workers.size(); ++i) {
    fleet.workers.push_back(worker(flags, bin, dir, session.server, devices->workers, i));
  }
  fleet.drain_timeout = std::chrono::duration_cast<Duration>(drain_timeout(flags));
  const SystemClock clock;
  supervise::Supervisor supervisor(std::move(fleet), clock, session.err);
  const absl::Status status =
      supervisor.run([&](const std::string& line) { announce(session, dir, line); });
  if (status.ok()) return kOk;
  session.fail(status);
  const int code = supervisor.scheduler_exit_code();
  return code != 0 ? code : static_cast<int>(kInternal);
}

void check_duration(CLI::App& command, const char* name, std::string& value, const char* help) {
  command
      .add_option_function<std::string>(
          name,
          [&value, name](const std::string& text) {
            seconds_flag(text, name);
            value = text;
          },
          help)
      ->type_name("TIME")
      ->group("Timing");
}

void add_places(CLI::App& command, Session& session, Flags& flags) {
  command
      .add_option("--root", flags.roots,
                  "Folder that jobs may use: NAME=DIR or NAME=DIR:ro; may be repeated "
                  "[cwd=the current folder]")
      ->allow_extra_args(false)
      ->type_name("NAME=DIR")
      ->group("Places");
  command.add_option("--dir", flags.dir, "State and logs [$XDG_STATE_HOME/unfold]")
      ->type_name("DIR")
      ->group("Places");
  command
      .add_option("--listen,--server", session.server,
                  "Where the scheduler listens: unix:PATH or HOST:PORT; also UNFOLD_SERVER")
      ->check([](const std::string& address) {
        // Its workers and clients must know the address beforehand.
        return address.ends_with(":0") ? "'" + address + "' names no port" : std::string();
      })
      ->type_name("ADDRESS")
      ->group("Places");
  command
      .add_option("--http", flags.http,
                  "Dashboard and metrics [127.0.0.1:9477, or the next free port]; port 0: any")
      ->type_name("HOST:PORT")
      ->group("Places");
}

}  // namespace

void add_up(CLI::App& root, Session& session) {
  CLI::App* command = root.add_subcommand("up", "Run a scheduler and workers on this machine");
  command->group("Service");
  const auto flags = std::make_shared<Flags>();
  command->add_option("--workers", flags->workers, "How many [one for each GPU; without GPUs 1]")
      ->check(CLI::Range(0, 1024))
      ->type_name("N");
  command->add_option("--device", flags->device, "auto, cpu, cuda or cuda:I [auto]")
      ->check([](const std::string& text) {
        const bool cuda_index = text.starts_with("cuda:") && text.size() > 5 &&
                                text.find_first_not_of("0123456789", 5) == std::string::npos;
        const bool known = text == "auto" || text == "cpu" || text == "cuda" || cuda_index;
        return known ? std::string() : "'" + text + "' is not auto, cpu, cuda or cuda:I";
      })
      ->type_name("DEVICE");
  add_places(*command, session, *flags);
  check_duration(*command, "--drain-timeout", flags->drain_timeout,
                 "Longest time to drain at Ctrl-C [10s]");
  check_duration(*command, "--heartbeat", flags->heartbeat, "Of workers [2s]");
  check_duration(*command, "--lease", flags->lease,
                 "A worker silent this long loses its job [15s]");
  check_duration(*command, "--adoption", flags->adoption,
                 "A restarted scheduler waits this long for workers to come back [30s]");
  command->add_flag("--enable-probe-engine", flags->enable_probe_engine,
                    "Take `submit probe`, for trying the service itself");
  command->add_flag("--insecure", flags->insecure,
                    "Allow --listen beyond this machine, without access control");
  command->footer(kExamples);
  set_action(*command, session, [&session, flags] { return run(session, *flags); });
}

}  // namespace unfold::cli
