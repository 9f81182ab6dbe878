#include "server/scheduler/job_queue.h"

#include <algorithm>
#include <iterator>

namespace unfold::server {

void JobQueue::push(QueuedJob job) {
  EngineQueue& queue = engines_[job.engine];
  Rank& rank = queue.ranks[{job.deadline_unix_ns, -job.priority}];
  Lane& lane = rank.lanes[job.submitter];
  // A submitter that comes back starts at the turn being served, not at its old one.
  lane.last_turn = std::max(lane.last_turn, rank.served_turn) + 1;
  ++lane.jobs;
  const Order order{.deadline = job.deadline_unix_ns,
                    .minus_priority = -job.priority,
                    .turn = lane.last_turn,
                    .arrival = ++arrivals_};
  const std::string id = job.id;
  Entry& entry = jobs_[id] = {std::move(job), order};
  queue.in_order[order] = &entry;
  queue.by_age[{entry.job.submitted_unix_ns, order.arrival}] = &entry;
  if (!entry.job.response_key.empty()) queue.by_response[entry.job.response_key][order] = &entry;
}

void JobQueue::erase(Entry& entry) {
  const QueuedJob& job = entry.job;
  EngineQueue& queue = engines_.at(job.engine);
  queue.in_order.erase(entry.order);
  queue.by_age.erase({job.submitted_unix_ns, entry.order.arrival});
  if (const auto response = queue.by_response.find(job.response_key);
      response != queue.by_response.end()) {
    response->second.erase(entry.order);
    if (response->second.empty()) queue.by_response.erase(response);
  }
  const auto rank = queue.ranks.find({job.deadline_unix_ns, -job.priority});
  const auto lane = rank->second.lanes.find(job.submitter);
  if (--lane->second.jobs == 0) rank->second.lanes.erase(lane);
  if (rank->second.lanes.empty()) queue.ranks.erase(rank);
  if (queue.in_order.empty()) engines_.erase(job.engine);
  jobs_.erase(std::string(job.id));
}

bool JobQueue::remove(const std::string& id) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return false;
  erase(found->second);
  return true;
}

void JobQueue::placed(const std::string& id) {
  Entry& entry = jobs_.at(id);
  Rank& rank =
      engines_.at(entry.job.engine).ranks.at({entry.job.deadline_unix_ns, -entry.job.priority});
  rank.served_turn = std::max(rank.served_turn, entry.order.turn);
  ++placements_;
  erase(entry);
}

void JobQueue::pass_over(const std::string& id) {
  if (const auto found = jobs_.find(id); found != jobs_.end()) ++found->second.job.passed_over;
}

const QueuedJob* JobQueue::find(const std::string& id) const {
  const auto found = jobs_.find(id);
  return found == jobs_.end() ? nullptr : &found->second.job;
}

std::vector<std::string> JobQueue::engines() const {
  std::vector<std::string> names;
  for (const auto& [name, queue] : engines_) names.push_back(name);
  return names;
}

std::vector<const QueuedJob*> JobQueue::front(const std::string& engine, std::size_t limit) const {
  std::vector<const QueuedJob*> jobs;
  const auto queue = engines_.find(engine);
  if (queue == engines_.end()) return jobs;
  const QueuedJob* first = nullptr;
  if (placements_ % kOldestEvery == kOldestEvery - 1) {
    first = oldest(engine);
    jobs.push_back(first);
  }
  for (const auto& [order, entry] : queue->second.in_order) {
    if (jobs.size() >= limit) break;
    if (&entry->job != first) jobs.push_back(&entry->job);
  }
  return jobs;
}

const QueuedJob* JobQueue::first_with_response(const std::string& engine,
                                               const std::string& key) const {
  const auto queue = engines_.find(engine);
  if (queue == engines_.end()) return nullptr;
  const auto response = queue->second.by_response.find(key);
  if (response == queue->second.by_response.end()) return nullptr;
  return &response->second.begin()->second->job;
}

const QueuedJob* JobQueue::oldest(const std::string& engine) const {
  const auto queue = engines_.find(engine);
  return queue == engines_.end() ? nullptr : &queue->second.by_age.begin()->second->job;
}

std::int64_t JobQueue::position(const std::string& id) const {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return -1;
  const auto& in_order = engines_.at(found->second.job.engine).in_order;
  return std::distance(in_order.begin(), in_order.find(found->second.order));
}

bool JobQueue::before(const QueuedJob& a, const QueuedJob& b) const {
  return jobs_.at(a.id).order < jobs_.at(b.id).order;
}

}  // namespace unfold::server
