#include "server/fleet/fleet.h"

#include "absl/strings/match.h"

namespace unfold::server {

bool is_gpu(const std::string& device) { return absl::StartsWith(device, "cuda"); }

bool WorkerRecord::offers(const std::string& engine) const {
  return std::find(hello.engines().begin(), hello.engines().end(), engine) != hello.engines().end();
}

std::string WorkerRecord::device_of(const std::string& engine) const {
  const auto& cpu = hello.cpu_engines();
  const bool gpu = is_gpu(hello.device()) && std::find(cpu.begin(), cpu.end(), engine) == cpu.end();
  return gpu ? hello.device() : "cpu";
}

bool WorkerRecord::fits_ever(const Demand& demand) const {
  if (hello.memory_bytes() <= 0) return true;
  if (!is_gpu(device_of(demand.engine))) return demand.response_bytes <= hello.memory_bytes();
  return demand.outgrown_bytes < hello.memory_bytes() &&
         demand.response_bytes + demand.device_bytes <= hello.memory_bytes();
}

bool WorkerRecord::fits_now(const Demand& demand, std::int64_t coming_bytes) const {
  if (hello.memory_bytes() <= 0) return true;
  const bool held = held_keys.contains(demand.response_key);
  const std::int64_t responses = held_bytes + coming_bytes + (held ? 0 : demand.response_bytes);
  if (!is_gpu(device_of(demand.engine))) return held || responses <= hello.memory_bytes();
  // One that waits for a slot computes after a job that has one.
  const std::int64_t beside = free_slots() > 0 ? scratch_bytes : 0;
  return responses + beside + demand.device_bytes <= hello.memory_bytes();
}

WorkerRecord& Fleet::add_worker(const std::string& name, const std::string& incarnation) {
  WorkerRecord& worker = workers_[name];
  worker.name = name;
  worker.incarnation = incarnation;
  return worker;
}

WorkerRecord* Fleet::worker(const std::string& name) {
  const auto found = workers_.find(name);
  return found == workers_.end() ? nullptr : &found->second;
}

const WorkerRecord* Fleet::worker(const std::string& name) const {
  const auto found = workers_.find(name);
  return found == workers_.end() ? nullptr : &found->second;
}

WorkerRecord* Fleet::by_session(SessionId session) {
  const auto found = sessions_.find(session);
  return found == sessions_.end() ? nullptr : worker(found->second);
}

void Fleet::bind_session(SessionId session, WorkerRecord& worker) {
  sessions_[session] = worker.name;
  worker.session = session;
}

void Fleet::unbind_session(SessionId session) {
  if (WorkerRecord* worker = by_session(session); worker && worker->session == session) {
    worker->session = 0;
  }
  sessions_.erase(session);
}

Lease& Fleet::add_lease(Lease lease) {
  const std::string job_id = lease.row.job_id;
  WorkerRecord& holder = workers_.at(lease.row.worker);
  holder.jobs.insert(job_id);
  ++(lease.row.prefetch ? holder.prefetched : holder.running);
  if (!lease.row.prefetch) holder.scratch_bytes += lease.device_bytes;
  if (!lease.response_key.empty()) {
    auto& [users, bytes] = holder.held_keys[lease.response_key];
    if (users++ == 0) {
      bytes = lease.response_bytes;
      holder.held_bytes += bytes;
    }
  }
  return leases_[job_id] = std::move(lease);
}

Lease* Fleet::lease(const std::string& job_id) {
  const auto found = leases_.find(job_id);
  return found == leases_.end() ? nullptr : &found->second;
}

const Lease* Fleet::lease(const std::string& job_id) const {
  const auto found = leases_.find(job_id);
  return found == leases_.end() ? nullptr : &found->second;
}

void Fleet::erase_lease(const std::string& job_id) {
  const auto found = leases_.find(job_id);
  if (found == leases_.end()) return;
  const Lease& lease = found->second;
  WorkerRecord& holder = workers_.at(lease.row.worker);
  holder.jobs.erase(job_id);
  --(lease.row.prefetch ? holder.prefetched : holder.running);
  if (!lease.row.prefetch) holder.scratch_bytes -= lease.device_bytes;
  if (const auto held = holder.held_keys.find(lease.response_key);
      held != holder.held_keys.end() && --held->second.first == 0) {
    holder.held_bytes -= held->second.second;
    holder.held_keys.erase(held);
  }
  leases_.erase(found);
}

Lease* Fleet::promote_prefetched(WorkerRecord& worker) {
  if (worker.prefetched == 0 || worker.running >= std::max(1, worker.hello.slots())) return nullptr;
  Lease* oldest = nullptr;
  for (const std::string& job : worker.jobs) {
    Lease& candidate = leases_.at(job);
    if (!candidate.row.prefetch) continue;
    if (oldest == nullptr || candidate.row.fence < oldest->row.fence) oldest = &candidate;
  }
  oldest->row.prefetch = false;
  --worker.prefetched;
  ++worker.running;
  worker.scratch_bytes += oldest->device_bytes;
  return oldest;
}

v1::Worker Fleet::view(const WorkerRecord& worker, Time now) const {
  v1::Worker out;
  out.set_name(worker.name);
  out.set_incarnation(worker.incarnation);
  out.set_host(worker.hello.host());
  out.set_device(worker.hello.device());
  out.set_device_name(worker.hello.device_name());
  out.set_state(worker.session == 0                 ? v1::WORKER_STATE_LOST
                : worker.cordoned()                 ? v1::WORKER_STATE_CORDONED
                : worker.draining || worker.leaving ? v1::WORKER_STATE_DRAINING
                                                    : v1::WORKER_STATE_READY);
  *out.mutable_engines() = worker.hello.engines();
  out.set_slots(worker.hello.slots());
  out.set_busy(worker.running);
  for (const std::string& job : worker.jobs) out.add_jobs(job);
  out.set_memory_bytes(worker.hello.memory_bytes());
  for (const auto& [key, residency] : worker.residency) {
    *out.add_responses() = residency;
    out.set_resident_bytes(out.resident_bytes() + residency.bytes());
  }
  const std::chrono::duration<double> silence = now.monotonic - worker.last_heartbeat;
  out.set_heartbeat_age_seconds(silence.count());
  constexpr std::int64_t kSecond = 1'000'000'000;
  out.mutable_connected_at()->set_seconds(worker.connected_unix_ns / kSecond);
  out.mutable_connected_at()->set_nanos(
      static_cast<std::int32_t>(worker.connected_unix_ns % kSecond));
  out.set_build(worker.hello.build());
  out.set_pid(worker.hello.pid());
  *out.mutable_cpu_engines() = worker.hello.cpu_engines();
  if (worker.cordoned()) out.set_cordon(worker.cordon_reason());
  if (is_gpu(worker.hello.device())) *out.mutable_health() = worker.health;
  *out.mutable_workspace() = worker.workspace;
  return out;
}

}  // namespace unfold::server
