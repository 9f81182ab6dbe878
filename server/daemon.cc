#include "server/daemon.h"

#include <atomic>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status_macros.h"
#include "common/manager/service_manager.h"
#include "common/plan/plan.h"
#include "server/disk_watch.h"
#include "server/event_log.h"
#include "server/home_page.h"
#include "server/http/http_server.h"
#include "server/jobs/sqlite_job_store.h"
#include "server/metrics_page.h"
#include "server/rpc/api_server.h"
#include "server/rpc/job_observer.h"
#include "server/rpc/listen_address.h"
#include "server/rpc/plan_pool.h"
#include "server/rpc/rpcs.h"

namespace unfold::server {
namespace {

constexpr Duration kGrace = std::chrono::seconds(1);
constexpr Duration kDiskInterval = std::chrono::seconds(10);

std::vector<std::string> helper_command(const Options& options) {
  const std::string program = options.helper_program.empty()
                                  ? std::filesystem::read_symlink("/proc/self/exe").string()
                                  : options.helper_program;
  std::vector<std::string> command = {program, "--plan-helper", "{fd}"};
  for (const std::string& root : options.roots) {
    command.insert(command.end(), {"--root", root});
  }
  return command;
}

}  // namespace

/// In order of construction; each part uses only those above it.
struct Daemon::Parts {
  Parts(const Options& options_in, const log::Logger& log_in, const Clock& clock_in, Roots roots_in,
        std::unique_ptr<JobStore> store_in)
      : options(options_in),
        log(log_in),
        clock(clock_in),
        roots(std::move(roots_in)),
        store(std::move(store_in)),
        events(log),
        observer(std::make_shared<JobObserver>(metrics, *store)),
        feed(store->revision(), clock) {}

  absl::Status start();
  absl::Status start_http();
  CoreLoop::Handlers handlers();
  void publish(const std::vector<StoreWrite>& writes);
  void send(Send message);
  void stop();

  const Options options;
  const log::Logger& log;
  const Clock& clock;
  const Roots roots;
  const metrics::SchedulerMetrics metrics{rpc_names()};
  RandomIdSource ids;
  std::unique_ptr<JobStore> store;
  EventLog events;
  std::shared_ptr<JobObserver> observer;
  JobFeed feed;
  ReplyRouter replies;
  WorkerSessions sessions;
  std::int64_t last_assigned_unix_ns = 0;  // of the last commit; loop's thread only
  std::unique_ptr<CoreLoop> loop;
  Pulse pulse{[this](std::function<void()> answer) {
    loop->post_read([answer = std::move(answer)](const Core&, Time) { answer(); });
  }};
  std::optional<PlanPool> planner;
  std::optional<MetricsPage> metrics_page;
  std::optional<DiskWatch> disks;
  std::atomic<bool> ready = false;
  std::unique_ptr<HttpServer> http;
  std::optional<Backend> backend;
  std::unique_ptr<ApiServer> api;
};

// Watchers see what is durable, in order; the newest assignment dates the Assign that follows it.
void Daemon::Parts::publish(const std::vector<StoreWrite>& writes) {
  std::vector<JobPtr> jobs;
  for (const StoreWrite& write : writes) {
    const auto* put = std::get_if<PutJob>(&write);
    if (put == nullptr) continue;
    jobs.push_back(std::make_shared<v1::Job>(put->job));
    if (put->job.attempts_size() == 0) continue;
    const auto& at = put->job.attempts().rbegin()->assigned_at();
    last_assigned_unix_ns =
        std::max(last_assigned_unix_ns, at.seconds() * 1'000'000'000 + at.nanos());
  }
  if (!jobs.empty()) feed.publish(std::move(jobs));
}

void Daemon::Parts::send(Send message) {
  const bool assigns = message.message.has_assign();
  sessions.send(std::move(message));
  if (!assigns) return;
  const std::int64_t took = clock.now().unix_ns - last_assigned_unix_ns;
  metrics.dispatch_seconds.at({}).Observe(1e-9 *
                                          static_cast<double>(std::max<std::int64_t>(took, 0)));
}

CoreLoop::Handlers Daemon::Parts::handlers() {
  return {.reply = [this](Reply reply) { replies.deliver(std::move(reply)); },
          .send = [this](Send message) { send(std::move(message)); },
          .close = [this](const CloseSession& close) { sessions.close(close); },
          .committed = [this](const std::vector<StoreWrite>& writes) { publish(writes); },
          .log = [this](const JobEvent& event) { events.add(event); },
          .measured =
              [this](const CoreLoop::Batch& batch) {
                const std::chrono::duration<double> took = batch.commit;
                metrics.commit_seconds.at({}).Observe(took.count());
                metrics.commit_batch.at({}).Observe(static_cast<double>(batch.events));
              }};
}

absl::Status Daemon::Parts::start() {
  feed.subscribe(observer, {});
  const CoreConfig core = {.heartbeat = options.heartbeat,
                           .lease = options.lease,
                           .adoption = options.adoption,
                           .max_queued = options.max_queued,
                           .hangs_to_cordon = options.cordon_after_hangs};
  UNFOLD_ASSIGN_OR_RETURN(loop, CoreLoop::start(core, *store, clock, ids, handlers()));
  planner.emplace(
      PlanPool::Options{.command = helper_command(options),
                        .helpers = options.plan_helpers,
                        .most_helpers = 2 * options.plan_helpers,
                        .timeout = options.plan_timeout},
      [this](const v1::JobSpec& spec) { return plan::plan(spec, roots); }, metrics, log, clock);
  UNFOLD_RETURN_IF_ERROR(start_http());
  backend.emplace(Backend{.loop = *loop,
                          .store = *store,
                          .planner = *planner,
                          .feed = feed,
                          .replies = replies,
                          .roots = roots,
                          .metrics = metrics,
                          .log = log,
                          .clock = clock,
                          .facts = {.started_unix_ns = clock.now().unix_ns,
                                    .http_address = http->address(),
                                    .probe_engine = options.enable_probe_engine}});
  UNFOLD_ASSIGN_OR_RETURN(
      api, ApiServer::start({.listen = options.listen, .insecure = options.insecure}, *backend,
                            sessions));
  ready = true;
  return absl::OkStatus();
}

absl::Status Daemon::Parts::start_http() {
  UNFOLD_RETURN_IF_ERROR(check_exposure(
      {.text = options.http_host, .unix_path = {}, .host = options.http_host}, options.insecure));
  std::map<std::string, std::string> folders = roots.table();
  folders["state"] = options.dir;
  disks.emplace(metrics.disks, std::move(folders), kDiskInterval);
  metrics_page.emplace(metrics, *loop, options.dir + "/unfold.db");
  UNFOLD_ASSIGN_OR_RETURN(http,
                          HttpServer::start({.host = options.http_host,
                                             .port = options.http_port,
                                             .port_is_explicit = options.http_port_is_explicit},
                                            {.metrics = [this] { return metrics_page->text(); },
                                             .ready = [this] { return ready.load(); },
                                             .home = [this] { return home_page(*store); }}));
  return absl::OkStatus();
}

void Daemon::Parts::stop() {
  ready = false;
  if (planner) planner->stop();  // a submission may wait for a file system that does not answer
  if (api != nullptr) api->stop(kGrace);
  if (http != nullptr) http->stop();
  if (loop != nullptr) loop->stop();
  feed.stop();
}

absl::StatusOr<std::unique_ptr<Daemon>> Daemon::start(const Options& options,
                                                      const log::Logger& log, const Clock& clock) {
  UNFOLD_ASSIGN_OR_RETURN(const ListenAddress address, parse_listen_address(options.listen));
  UNFOLD_RETURN_IF_ERROR(check_exposure(address, options.insecure));
  UNFOLD_ASSIGN_OR_RETURN(Roots roots, Roots::make(options.roots));
  std::error_code ignored;
  std::filesystem::create_directories(options.dir, ignored);  // the store says what is wrong
  UNFOLD_ASSIGN_OR_RETURN(auto store, open_sqlite_job_store(options.dir));
  auto parts = std::make_unique<Parts>(options, log, clock, std::move(roots), std::move(store));
  const absl::Status started = parts->start();
  std::unique_ptr<Daemon> daemon(new Daemon(std::move(parts)));
  if (!started.ok()) return started;
  return daemon;
}

Daemon::Daemon(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Daemon::~Daemon() { stop(); }

bool Daemon::responsive() { return parts_->pulse.beat(); }
std::string Daemon::api_address() const { return parts_->api->address(); }
std::string Daemon::http_address() const { return parts_->http->address(); }
void Daemon::stop() { parts_->stop(); }

}  // namespace unfold::server
