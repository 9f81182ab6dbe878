#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "server/fleet/fleet.h"

namespace unfold::server {

inline constexpr std::int64_t kNoDeadline = std::numeric_limits<std::int64_t>::max();

/// What placement needs to know of a job that waits.
struct QueuedJob {
  std::string id;
  std::string engine;
  std::string submitter;
  std::string response_key;
  std::int64_t deadline_unix_ns = kNoDeadline;
  std::int32_t priority = 0;
  std::int64_t submitted_unix_ns = 0;
  std::int64_t response_bytes = 0;
  std::int64_t device_bytes = 0;
  std::int64_t outgrown_bytes = 0;
  double load_seconds = 0;
  double run_seconds = 0;
  std::string avoid_worker;  ///< another one is preferred, where there is another
  bool may_prefetch = true;
  int passed_over = 0;  ///< how often a later job was placed before it

  Demand demand() const {
    return {engine, response_key, response_bytes, device_bytes, outgrown_bytes};
  }
};

/// Jobs ready to be placed, in order: earliest deadline, then priority, then round-robin between
/// submitters (each job takes its submitter's next turn when it arrives: start-time fair queuing),
/// then arrival. So that nothing starves, every eighth placement begins with the job that waits
/// longest. Every operation but position() is O(log n). Not thread safe.
class JobQueue {
 public:
  static constexpr int kOldestEvery = 8;

  void push(QueuedJob job);
  bool remove(const std::string& id);  ///< it left for another reason than placement
  void placed(const std::string& id);
  void pass_over(const std::string& id);

  const QueuedJob* find(const std::string& id) const;
  std::size_t size() const { return jobs_.size(); }
  std::vector<std::string> engines() const;  ///< with jobs

  /// The first `limit` jobs of an engine in order of service.
  std::vector<const QueuedJob*> front(const std::string& engine, std::size_t limit) const;
  /// The first job of an engine that wants this response, or nullptr.
  const QueuedJob* first_with_response(const std::string& engine, const std::string& key) const;
  const QueuedJob* oldest(const std::string& engine) const;
  /// Jobs of its engine before it. Walks the queue: for people's questions only.
  std::int64_t position(const std::string& id) const;

  /// Equal deadline and priority: the order between such jobs may bend to residency.
  static bool same_rank(const QueuedJob& a, const QueuedJob& b) {
    return a.deadline_unix_ns == b.deadline_unix_ns && a.priority == b.priority;
  }
  /// Whether `a` is served before `b`; both in this queue.
  bool before(const QueuedJob& a, const QueuedJob& b) const;

 private:
  struct Order {
    std::int64_t deadline = 0;
    std::int32_t minus_priority = 0;
    std::int64_t turn = 0;
    std::uint64_t arrival = 0;
    auto operator<=>(const Order&) const = default;
  };
  struct Entry {
    QueuedJob job;
    Order order;
  };
  struct Lane {  // one submitter within one rank
    std::int64_t last_turn = 0;
    std::size_t jobs = 0;
  };
  struct Rank {
    std::int64_t served_turn = 0;
    std::map<std::string, Lane> lanes;
  };
  using RankKey = std::pair<std::int64_t, std::int32_t>;
  struct EngineQueue {
    std::map<Order, Entry*> in_order;
    std::map<std::pair<std::int64_t, std::uint64_t>, Entry*> by_age;
    std::map<std::string, std::map<Order, Entry*>> by_response;
    std::map<RankKey, Rank> ranks;
  };

  void erase(Entry& entry);

  std::unordered_map<std::string, Entry> jobs_;
  std::map<std::string, EngineQueue> engines_;
  std::uint64_t arrivals_ = 0;
  std::uint64_t placements_ = 0;
};

}  // namespace unfold::server
