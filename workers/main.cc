#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/base/ids.h"
#include "common/base/version.h"
#include "common/roots/roots.h"
#include "workers/agent/agent.h"
#include "workers/agent/grpc_transport.h"
#include "workers/compute/cpu_device.h"
#include "workers/cuda/loader.h"
#include "workers/engines/extraction/extraction_engine.h"
#include "workers/engines/imaging/imaging_engine.h"
#include "workers/engines/probe/probe_engine.h"
#include "workers/engines/spi/spi_engine.h"
#include "workers/worker_options.h"

namespace unfold::worker {
namespace {

constexpr int kBadValue = 8;
constexpr int kStuck = 70;
constexpr int kKilledAgain = 130;

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  return "cpu";
}

std::string host_name() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

v1::Hello hello_of(const Options& options, const Roots& roots,
                   const std::vector<engine::Engine*>& engines) {
  v1::Hello hello;
  RandomIdSource ids;
  hello.set_worker(options.name);
  hello.set_incarnation(ids.uuid());
  hello.set_host(host_name());
  hello.set_pid(::getpid());
  hello.set_device("cpu");
  hello.set_device_name(processor_name());
  for (const engine::Engine* engine : engines) hello.add_engines(engine->name());
  hello.set_slots(options.slots);
  hello.set_memory_bytes(options.memory_bytes);
  hello.set_build(std::string(kVersion) + " " + kCommit);
  for (const auto& [name, folder] : roots.table()) hello.add_roots(name);
  return hello;
}

/// The signals that end this process, blocked in every thread and waited for in one.
sigset_t block_ending_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigaddset(&set, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return set;
}

void drain_at_first_stop_at_second(const sigset_t& set, agent::Agent& agent) {
  int signal = 0;
  ::sigwait(&set, &signal);
  agent.drain();
  ::sigwait(&set, &signal);
  ::_exit(kKilledAgain);
}

/// What keeps the engines from CUDA here; the module is opened to see.
std::string why_not_cuda() {
  try {
    const int devices = cuda::count_devices(cuda::load_module());
    return absl::StrCat(devices, " CUDA devices (no engine of this version uses them)");
  } catch (const cuda::ModuleUnavailable& problem) {
    return problem.what();
  }
}

/// Engines run on the CPU in this version. What was asked for is refused, never silently changed.
bool choose_device(const Options& options, const log::Logger& logger) {
  if (options.device == "cpu") return true;
  if (options.device == "auto") {
    logger.info("computing on the CPU", {{"cuda", why_not_cuda()}});
    return true;
  }
  logger.error("cannot use the device", {{"device", options.device}, {"error", why_not_cuda()}});
  return false;
}

int run(const Options& options) {
  if (options.exit_with_parent) {
    const pid_t parent = ::getppid();
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) return 0;  // it ended first
  }
  const sigset_t ending = block_ending_signals();
  const auto clock = std::make_shared<SystemClock>();
  const log::Logger logger(options.log_level, options.log_format, *clock);
  if (!choose_device(options, logger)) return kBadValue;
  const auto roots = Roots::make(options.roots);
  if (!roots.ok()) {
    logger.error("cannot use the roots", {{"error", std::string(roots.status().message())}});
    return kBadValue;
  }
  const auto responses = residency::make_response_cache(options.memory_bytes, clock);
  const auto probe = engine::make_probe_engine(clock);
  compute::Cpu cpu(options.threads);
  const auto extraction = engine::make_extraction_engine(*roots, cpu);
  const auto imaging = engine::make_imaging_engine(*roots, cpu, clock);
  const auto spi = engine::make_spi_engine(*roots, cpu, clock);
  const std::vector<engine::Engine*> engines = {extraction.get(), imaging.get(), spi.get(),
                                                probe.get()};

  agent::Agent::Options agent_options{.core = {.hello = hello_of(options, *roots, engines),
                                               .residency = nullptr,
                                               .cancel_grace = options.cancel_grace,
                                               .drain_timeout = options.drain_timeout},
                                      .slots = options.slots,
                                      .ownership = options.ownership};
  agent::Agent agent(std::move(agent_options), {*roots, *responses, engines, *clock, logger},
                     agent::grpc_transport(options.scheduler));
  std::thread([&] { drain_at_first_stop_at_second(ending, agent); }).detach();
  logger.info("worker begins", {{"worker", options.name}, {"scheduler", options.scheduler}});
  const agent::Exit exit = agent.run();
  logger.info("worker ends", {{"why", exit.why}});
  if (exit.stuck) ::_exit(kStuck);  // its threads cannot be waited for
  return 0;
}

}  // namespace
}  // namespace unfold::worker

int main(int argc, char** argv) {
  const unfold::worker::Parsed parsed = unfold::worker::parse_options(argc, argv);
  return parsed.exit ? parsed.exit_code : unfold::worker::run(parsed.options);
}
