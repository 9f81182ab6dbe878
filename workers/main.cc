#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/ids.h"
#include "common/base/version.h"
#include "common/manager/service_manager.h"
#include "common/roots/roots.h"
#include "workers/agent/agent.h"
#include "workers/agent/grpc_transport.h"
#include "workers/compute/cpu_device.h"
#include "workers/cuda/loader.h"
#include "workers/engines/extraction/extraction_engine.h"
#include "workers/engines/imaging/imaging_engine.h"
#include "workers/engines/probe/probe_engine.h"
#include "workers/engines/spi/spi_engine.h"
#include "workers/health/monitor.h"
#include "workers/health/nvml.h"
#include "workers/offered_device.h"
#include "workers/worker_options.h"

namespace unfold::worker {
namespace {

constexpr int kBadValue = 8;
constexpr int kStuck = 70;
constexpr int kDeviceFailed = 75;
constexpr int kKilledAgain = 130;

std::string host_name() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

using Engines = std::vector<std::unique_ptr<engine::Engine>>;

/// Those that compute on the CPU although the worker offers a GPU.
std::vector<std::string> left_on_cpu(const OfferedDevice& device, const Engines& engines) {
  std::vector<std::string> names;
  for (const auto& engine : engines) {
    if (device.gpu && engine->device() == "cpu") names.push_back(engine->name());
  }
  return names;
}

v1::Hello hello_of(const Options& options, const OfferedDevice& device, const Roots& roots,
                   const Engines& engines) {
  v1::Hello hello;
  RandomIdSource ids;
  hello.set_worker(options.name);
  hello.set_incarnation(ids.uuid());
  hello.set_host(host_name());
  hello.set_pid(::getpid());
  hello.set_device(device.name);
  hello.set_device_name(device.description);
  for (const auto& engine : engines) hello.add_engines(engine->name());
  const std::vector<std::string> on_cpu = left_on_cpu(device, engines);
  hello.mutable_cpu_engines()->Assign(on_cpu.begin(), on_cpu.end());
  hello.set_slots(options.slots);
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

void drain_at_first_stop_at_second(const sigset_t& set, agent::Agent& agent,
                                   const ServiceManager& manager) {
  Pulse pulse([&](std::function<void()> answer) { agent.ask(std::move(answer)); });
  const auto responsive = [&] { return pulse.beat(); };
  wait_for_signal(set, manager, responsive);
  manager.stopping();
  agent.drain();
  wait_for_signal(set, manager, responsive);
  ::_exit(kKilledAgain);
}

int list_devices() {
  try {
    for (const OfferedDevice& gpu : gpus()) {
      std::cout << gpu.name << "\t" << gpu.memory_bytes << "\t" << gpu.description << "\n";
    }
  } catch (const std::exception& problem) {
    std::cerr << "unfold-worker: " << problem.what() << "\n";
  }
  return 0;
}

/// With `auto` a GPU where there is one. Throws where what was asked for is not here.
OfferedDevice choose_device(const Options& options, const log::Logger& logger) {
  if (options.device != "auto") return offered_device(options.device);
  std::string why = "no GPU";
  try {
    if (const auto found = gpus(); !found.empty()) return found.front();
  } catch (const std::exception& problem) {
    why = problem.what();
  }
  logger.info("computing on the CPU", {{"cuda", why}});
  return processor();
}

Engines make_engines(const OfferedDevice& device, const Roots& roots, compute::Cpu& cpu,
                     const std::shared_ptr<const Clock>& clock) {
  Engines engines;
  engines.push_back(engine::make_extraction_engine(roots, cpu, device.gpu));
  engines.push_back(engine::make_imaging_engine(roots, cpu, clock, device.gpu));
  engines.push_back(engine::make_spi_engine(roots, cpu, clock, device.gpu));
  engines.push_back(engine::make_probe_engine(clock, device.name));
  return engines;
}

void tell_device(const OfferedDevice& device, const std::vector<std::string>& on_cpu,
                 std::int64_t budget_bytes, const log::Logger& logger) {
  if (!device.gpu) return;
  logger.info("computing on a GPU", {{"device", device.name},
                                     {"name", device.description},
                                     {"budget_bytes", budget_bytes},
                                     {"engines_on_cpu", absl::StrJoin(on_cpu, " ")}});
}

/// None for a CPU, or where NVML cannot be had: then nobody watches the GPU.
std::unique_ptr<health::Monitor> watch_health(const OfferedDevice& device,
                                              const log::Logger& logger) {
  if (!device.gpu) return nullptr;
  try {
    return std::make_unique<health::Monitor>(health::open_nvml(device.uuid));
  } catch (const health::NvmlUnavailable& problem) {
    logger.warning("nobody watches the GPU's health", {{"error", problem.what()}});
    return nullptr;
  }
}

agent::Agent::Options agent_options(const Options& options, v1::Hello hello,
                                    health::Monitor* monitor) {
  agent::Agent::Options out{.core = {.hello = std::move(hello),
                                     .residency = nullptr,
                                     .cancel_grace = options.cancel_grace,
                                     .drain_timeout = options.drain_timeout},
                            .slots = options.slots,
                            .ownership = options.ownership};
  if (monitor == nullptr) return out;
  out.core.health = [monitor] { return monitor->latest(); };
  out.read_health_again = [monitor] { monitor->read_again(); };
  return out;
}

int work(const Options& options, const OfferedDevice& device, const Roots& roots,
         const std::shared_ptr<const Clock>& clock, const log::Logger& logger,
         const sigset_t& ending) {
  compute::Cpu cpu(options.threads);
  const Engines engines = make_engines(device, roots, cpu, clock);
  const std::vector<std::string> on_cpu = left_on_cpu(device, engines);
  const std::int64_t most = default_budget(device, !on_cpu.empty());
  const std::int64_t asked = options.memory_bytes.value_or(most);
  const std::int64_t budget = device.gpu ? std::min(most, asked) : asked;
  tell_device(device, on_cpu, budget, logger);
  v1::Hello hello = hello_of(options, device, roots, engines);
  hello.set_memory_bytes(budget);
  const auto responses = residency::make_response_cache(budget, clock);
  const auto monitor = watch_health(device, logger);
  std::vector<engine::Engine*> offered;
  for (const auto& engine : engines) offered.push_back(engine.get());

  agent::Agent agent(agent_options(options, std::move(hello), monitor.get()),
                     {roots, *responses, offered, *clock, logger},
                     agent::grpc_transport(options.scheduler));
  const ServiceManager manager;
  std::thread([&] { drain_at_first_stop_at_second(ending, agent, manager); }).detach();
  manager.ready(device.name + " for " + options.scheduler);
  logger.info("worker begins", {{"worker", options.name}, {"scheduler", options.scheduler}});
  const agent::Exit exit = agent.run();
  logger.info("worker ends", {{"why", exit.why}});
  if (exit.device_failed) ::_exit(kDeviceFailed);  // nothing there can be given back in order
  if (exit.stuck) ::_exit(kStuck);                 // its threads cannot be waited for
  return 0;
}

int run(const Options& options) {
  if (options.list_devices) return list_devices();
  if (options.exit_with_parent) {
    const pid_t parent = ::getppid();
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) return 0;  // it ended first
  }
  const sigset_t ending = block_ending_signals();  // before any thread, the driver's too
  const auto clock = std::make_shared<SystemClock>();
  const log::Logger logger(options.log_level, options.log_format, *clock);
  OfferedDevice device;
  try {
    device = choose_device(options, logger);
  } catch (const std::exception& problem) {
    logger.error("cannot use the device", {{"device", options.device}, {"error", problem.what()}});
    return kBadValue;
  }
  const auto roots = Roots::make(options.roots);
  if (!roots.ok()) {
    logger.error("cannot use the roots", {{"error", std::string(roots.status().message())}});
    return kBadValue;
  }
  return work(options, device, *roots, clock, logger, ending);
}

}  // namespace
}  // namespace unfold::worker

int main(int argc, char** argv) {
  const unfold::worker::Parsed parsed = unfold::worker::parse_options(argc, argv);
  return parsed.exit ? parsed.exit_code : unfold::worker::run(parsed.options);
}
