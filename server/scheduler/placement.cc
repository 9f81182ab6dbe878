#include "server/scheduler/placement.h"

#include <algorithm>
#include <limits>
#include <set>

namespace unfold::server {
namespace {

constexpr int kPrefetchDepth = 1;

/// A worker during one pass: what it can still take, and how long until a slot is free (seconds).
struct Place {
  const WorkerRecord* worker;
  int free_slots;
  int free_prefetch;
  double wait;
  std::int64_t held_bytes;         // by this pass's assignments, beside the worker's own
  std::set<std::string> arriving;  // responses that this pass's assignments bring

  bool takes_now() const { return free_slots > 0 || free_prefetch > 0; }
  bool has(const std::string& key) const {
    return key.empty() || worker->has_response(key) || arriving.contains(key);
  }
  bool fits(const QueuedJob& job) const {
    Demand demand = job.demand();
    if (arriving.contains(job.response_key)) demand.response_bytes = 0;  // among held_bytes
    return worker->fits_now(demand, held_bytes);
  }
};

class Pass {
 public:
  Pass(const JobQueue& queue, const Fleet& fleet, Duration now) : queue_(queue) {
    for (const auto& [name, worker] : fleet.workers()) {
      if (!worker.ready()) continue;
      places_.push_back(place_of(fleet, worker, now));
      open_ += places_.back().takes_now() ? 1 : 0;
    }
  }

  Placements run() {
    if (open_ == 0) return {};
    for (const QueuedJob* job : candidates()) {
      if (open_ == 0) break;
      if (!taken_.contains(job->id)) consider(*job);
    }
    for (Place& place : places_) fill_by_residency(place);
    return std::move(result_);
  }

 private:
  static Place place_of(const Fleet& fleet, const WorkerRecord& worker, Duration now) {
    Place place{.worker = &worker,
                .free_slots = worker.free_slots(),
                .free_prefetch = 0,
                .wait = 0,
                .held_bytes = 0,
                .arriving = {}};
    if (place.free_slots > 0) return place;
    place.free_prefetch = std::max(0, kPrefetchDepth - worker.prefetched);
    double soonest = std::numeric_limits<double>::infinity();
    double waiting = 0;
    for (const std::string& id : worker.jobs) {
      const Lease& lease = *fleet.lease(id);
      const double left = std::chrono::duration<double>(lease.predicted_end - now).count();
      if (lease.row.prefetch) {
        waiting += std::max(0.0, left);
      } else {
        soonest = std::min(soonest, std::max(0.0, left));
      }
    }
    place.wait = soonest + waiting;
    return place;
  }

  /// The first jobs of every engine, merged in order of service.
  std::vector<const QueuedJob*> candidates() const {
    std::vector<std::vector<const QueuedJob*>> fronts;
    for (const std::string& engine : queue_.engines()) {
      fronts.push_back(queue_.front(engine, kLookAhead));
      std::reverse(fronts.back().begin(), fronts.back().end());
    }
    std::vector<const QueuedJob*> jobs;
    const auto sooner = [this](const auto& a, const auto& b) {
      return !a.empty() && (b.empty() || queue_.before(*a.back(), *b.back()));
    };
    while (true) {
      const auto next = std::min_element(fronts.begin(), fronts.end(), sooner);
      if (next == fronts.end() || next->empty()) return jobs;
      jobs.push_back(next->back());
      next->pop_back();
    }
  }

  void consider(const QueuedJob& job) {
    const bool overdue = job.passed_over >= kMaxPassedOver;
    bool fits_some = false;
    Place* best = nullptr;
    double best_finish = std::numeric_limits<double>::infinity();
    const bool avoid = has_alternative(job);
    for (Place& place : places_) {
      if (!place.worker->offers(job.engine)) continue;
      if (!place.worker->fits_ever(job.demand())) continue;
      fits_some = true;
      if (!place.fits(job) || (avoid && place.worker->name == job.avoid_worker)) continue;
      if (overdue && !takes(place, job)) continue;
      const double finish = predicted_finish(place, job);
      if (finish < best_finish || (finish == best_finish && roomier(place, *best))) {
        best = &place;
        best_finish = finish;
      }
    }
    if (!fits_some && offered(job.engine)) result_.too_big.push_back(job.id);
    if (best == nullptr) {
      if (overdue) reserve(job);
      skipped_.push_back(&job);
    } else if (!takes(*best, job)) {
      best->wait += job.run_seconds;  // it queues there, for the eyes of those behind it
      skipped_.push_back(&job);
    } else {
      assign(*best, resident_instead(*best, job, overdue));
    }
  }

  static bool takes(const Place& place, const QueuedJob& job) {
    return place.free_slots > 0 || (place.free_prefetch > 0 && job.may_prefetch);
  }

  static double predicted_finish(const Place& place, const QueuedJob& job) {
    const double load = place.has(job.response_key) ? 0 : job.load_seconds;
    // A prefetched job loads while the slots compute.
    return (place.free_slots > 0 ? load : std::max(place.wait, load)) + job.run_seconds;
  }

  static bool roomier(const Place& a, const Place& b) {
    if (a.free_slots != b.free_slots) return a.free_slots > b.free_slots;
    return a.worker->residency.size() < b.worker->residency.size();
  }

  bool offered(const std::string& engine) const {
    return std::any_of(places_.begin(), places_.end(),
                       [&](const Place& place) { return place.worker->offers(engine); });
  }

  bool has_alternative(const QueuedJob& job) const {
    if (job.avoid_worker.empty()) return false;
    return std::any_of(places_.begin(), places_.end(), [&](const Place& place) {
      return place.worker->name != job.avoid_worker && place.worker->offers(job.engine) &&
             place.worker->fits_ever(job.demand());
    });
  }

  /// Rather than load a response for `job`, the worker may first serve a job of equal rank whose
  /// response it has.
  const QueuedJob& resident_instead(const Place& place, const QueuedJob& job, bool overdue) {
    if (overdue || job.load_seconds <= 0 || place.has(job.response_key)) return job;
    const QueuedJob* other = resident_job(place, job.engine);
    if (other == nullptr || !JobQueue::same_rank(*other, job)) return job;
    skipped_.push_back(&job);
    return *other;
  }

  const QueuedJob* resident_job(const Place& place, const std::string& engine) const {
    const QueuedJob* first = nullptr;
    for (const auto& [key, residency] : place.worker->residency) {
      const QueuedJob* job = queue_.first_with_response(engine, key);
      if (job == nullptr || taken_.contains(job->id) || !takes(place, *job)) continue;
      if (!place.fits(*job) || job->avoid_worker == place.worker->name) continue;
      if (first == nullptr || queue_.before(*job, *first)) first = job;
    }
    return first;
  }

  void reserve(const QueuedJob& job) {
    for (Place& place : places_) {
      if (!place.worker->offers(job.engine) || !place.worker->fits_ever(job.demand())) continue;
      if (place.takes_now()) --open_;
      place.free_slots = 0;
      place.free_prefetch = 0;
    }
  }

  /// All the first jobs wait for other workers: this one need not stand idle.
  void fill_by_residency(Place& place) {
    for (const std::string& engine : place.worker->hello.engines()) {
      while (place.free_slots > 0) {
        const QueuedJob* job = resident_job(place, engine);
        if (job == nullptr) break;
        assign(place, *job);
      }
    }
  }

  void assign(Place& place, const QueuedJob& job) {
    const bool prefetch = place.free_slots == 0;
    --(prefetch ? place.free_prefetch : place.free_slots);
    place.wait += job.run_seconds;
    if (!place.takes_now()) --open_;
    const bool resident = place.has(job.response_key);
    if (!job.response_key.empty() && !place.worker->held_keys.contains(job.response_key) &&
        place.arriving.insert(job.response_key).second) {
      place.held_bytes += job.response_bytes;
    }
    if (!prefetch && is_gpu(place.worker->device_of(job.engine))) {
      place.held_bytes += job.device_bytes;
    }
    taken_.insert(job.id);
    result_.assignments.push_back({job.id, place.worker->name, prefetch, resident});
    for (const QueuedJob* skipped : skipped_) {
      if (skipped->engine == job.engine && queue_.before(*skipped, job)) {
        result_.passed_over.push_back(skipped->id);
      }
    }
  }

  const JobQueue& queue_;
  std::vector<Place> places_;
  int open_ = 0;
  std::vector<const QueuedJob*> skipped_;
  std::set<std::string> taken_;
  Placements result_;
};

}  // namespace

Placements place(const JobQueue& queue, const Fleet& fleet, Duration now) {
  if (queue.size() == 0) return {};
  return Pass(queue, fleet, now).run();
}

}  // namespace unfold::server
