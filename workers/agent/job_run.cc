#include "workers/agent/job_run.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"

namespace unfold::agent {
namespace {

v1::OutputFile to_proto(const Publication::Published& published) {
  v1::OutputFile file;
  file.set_path(published.rooted_path);
  file.set_size_bytes(published.content.size_bytes);
  file.set_sha256(published.content.sha256);
  return file;
}

std::vector<v1::OutputFile> to_proto(const std::vector<Publication::Published>& published) {
  std::vector<v1::OutputFile> files;
  for (const auto& one : published) files.push_back(to_proto(one));
  return files;
}

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

/// An intent on record in the order of the plan's outputs; empty where it is of other outputs.
RecordedPublication recorded(const v1::RecordedIntent& intent, const v1::Plan& plan) {
  RecordedPublication out{intent.fence(), {}};
  for (const v1::OutputFile& planned : plan.outputs()) {
    const auto found =
        std::find_if(intent.outputs().begin(), intent.outputs().end(),
                     [&](const v1::OutputFile& file) { return file.path() == planned.path(); });
    if (found == intent.outputs().end()) return {intent.fence(), {}};
    out.outputs.push_back({found->path(), {found->size_bytes(), found->sha256()}});
  }
  return out;
}

}  // namespace

JobRun::JobRun(v1::Assign assign, engine::Engine& engine, RunEnvironment environment)
    : assign_(std::move(assign)), engine_(engine), environment_(environment), arrived_(now()) {}

template <class Step>
absl::Status JobRun::timed(const std::string& name, Step step) {
  const Duration begin = now();
  const absl::Status status = step();
  outcome_.seconds[name] += seconds(now() - begin);
  return status;
}

bool JobRun::read() {
  environment_.supervisor.phase(fence(), Phase::kReading);
  const absl::Status status = timed("read", [&] { return prepare_and_read(); });
  if (!go_on(status, engine::Phase::kRead)) return false;
  if (outcome_.recovered_fence != 0) {
    end();
    return false;
  }
  environment_.supervisor.phase(fence(), Phase::kWaiting);
  return true;
}

absl::Status JobRun::prepare_and_read() {
  UNFOLD_RETURN_IF_ERROR(environment_.supervisor.wait_until_permitted(fence()));
  UNFOLD_RETURN_IF_ERROR(open_places());
  UNFOLD_ASSIGN_OR_RETURN(const bool recovered, recover());
  for (const Place& place : places_) {
    UNFOLD_RETURN_IF_ERROR(
        sweep_parts(*place.output.files, place.output.final_name,
                    {assign_.dead_fences().begin(), assign_.dead_fences().end()}));
  }
  if (recovered) return absl::OkStatus();
  for (const Place& place : places_) {
    UNFOLD_RETURN_IF_ERROR(check_publication_place(place.folder.fd(), place.output.final_name,
                                                   fence(), assign_.spec().overwrite()));
  }
  UNFOLD_RETURN_IF_ERROR(stopped());
  UNFOLD_ASSIGN_OR_RETURN(
      input_, engine::guarded([&] { return engine_.read(assign_.spec(), assign_.plan()); }));
  return stopped();
}

absl::Status JobRun::open_places() {
  for (const v1::OutputFile& file : assign_.plan().outputs()) {
    UNFOLD_ASSIGN_OR_RETURN(auto opened,
                            environment_.roots.open_output(file.path(), assign_.spec().parents()));
    Place place;
    place.folder = std::move(opened.folder);
    place.index = static_cast<int>(places_.size());
    place.output = {make_posix_publish_files(place.folder.fd(), environment_.ownership),
                    opened.name, file.path()};
    place.part_path = absl::StrCat(place.folder.proc_path(), "/", part_name(opened.name, fence()));
    places_.push_back(std::move(place));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> JobRun::recover() {
  for (const v1::RecordedIntent& intent : assign_.intents()) {
    const RecordedPublication earlier = recorded(intent, assign_.plan());
    if (earlier.outputs.empty()) continue;
    UNFOLD_ASSIGN_OR_RETURN(const bool in_place,
                            recover_publication(outputs(), earlier, assign_.spec().overwrite()));
    if (!in_place) continue;
    succeed(earlier.outputs);
    outcome_.recovered_fence = intent.fence();
    outcome_.log.push_back(
        absl::StrCat("found the product of fence ", intent.fence(), " and kept it"));
    return true;
  }
  return false;
}

Ready JobRun::ready(bool response_hit, double load_seconds,
                    std::optional<Duration> free_since) const {
  Ready out{.response_hit = response_hit, .load_seconds = load_seconds};
  if (free_since && *free_since > arrived_) {
    out.idle_seconds = seconds(now() - *free_since);
  } else {
    out.start_seconds = seconds(now() - arrived_);
  }
  return out;
}

bool JobRun::compute(std::optional<Duration> free_since) {
  environment_.supervisor.phase(fence(), Phase::kLoading);
  double load_seconds = 0;
  engine::RunContext context{
      .responses = environment_.responses,
      .progress = [this](const v1::Progress& p) { environment_.supervisor.progress(fence(), p); },
      .cancel = cancel_,
      .job_id = assign_.job_id(),
      .attempt = assign_.attempt(),
      .response_ready =
          [&](bool hit, double loading) {
            load_seconds = loading;
            environment_.supervisor.phase(fence(), Phase::kComputing);
            environment_.supervisor.response_ready(fence(), ready(hit, loading, free_since));
          },
      .note = [this](const std::string& line) { outcome_.log.push_back(line); }};
  const absl::Status status = timed("compute", [&]() -> absl::Status {
    UNFOLD_RETURN_IF_ERROR(stopped());
    UNFOLD_ASSIGN_OR_RETURN(
        const auto room, environment_.responses.reserve({.engine = engine_.name(),
                                                         .bytes = device_bytes(),
                                                         .kept = assign_.plan().response_key()}));
    context.room = room.get();
    UNFOLD_ASSIGN_OR_RETURN(
        product_, engine::guarded([&] { return engine_.compute(std::move(input_), context); }));
    return stopped();
  });
  outcome_.seconds["load"] = load_seconds;
  outcome_.seconds["compute"] -= load_seconds;
  if (!go_on(status, engine::Phase::kCompute)) return false;
  outcome_.summary = product_->summary;
  return true;
}

/// What it needs on the GPU beside its response.
std::int64_t JobRun::device_bytes() const {
  return engine_.device() == "cpu" ? 0 : assign_.plan().device_bytes();
}

void JobRun::hold() { environment_.supervisor.phase(fence(), Phase::kHolding); }

void JobRun::write() {
  environment_.supervisor.phase(fence(), Phase::kWriting);
  const absl::Status written = timed("write", [&]() -> absl::Status {
    UNFOLD_RETURN_IF_ERROR(environment_.supervisor.wait_until_permitted(fence()));
    return engine::guarded([&] { return engine_.write(*product_, targets()); });
  });
  product_.reset();
  if (!go_on(written, engine::Phase::kWrite)) return;
  environment_.supervisor.phase(fence(), Phase::kPublishing);
  const absl::Status published = timed("publish", [&] { return publish(); });
  if (go_on(published, engine::Phase::kPublish)) end();
}

absl::Status JobRun::publish() {
  Supervisor& supervisor = environment_.supervisor;
  const Publication::Hooks hooks{
      .verify =
          [this](const Publication::Output& output, const std::string&) {
            const auto place =
                std::find_if(places_.begin(), places_.end(), [&](const Place& candidate) {
                  return candidate.output.rooted_path == output.rooted_path;
                });
            return engine::guarded([&] { return engine_.verify(place->target()); });
          },
      .intent =
          [&](const auto& published) {
            return supervisor.request_intent(fence(), to_proto(published));
          },
      .lease_alive = [&] { return supervisor.lease_alive(fence()); }};
  Publication publication(outputs(), fence(), assign_.spec().overwrite(), hooks);
  while (publication.next() != Publication::Step::kDone) {
    // What has its final name is finished, come what may.
    absl::Status status = publication.next() == Publication::Step::kSyncFolder
                              ? absl::OkStatus()
                              : supervisor.wait_until_permitted(fence());
    if (status.ok()) status = publication.step();
    if (!status.ok()) {
      publication.discard();
      return status;
    }
  }
  succeed(publication.published());
  return absl::OkStatus();
}

std::vector<Publication::Output> JobRun::outputs() const {
  std::vector<Publication::Output> out;
  for (const Place& place : places_) out.push_back(place.output);
  return out;
}

std::vector<engine::OutputTarget> JobRun::targets() const {
  std::vector<engine::OutputTarget> out;
  for (const Place& place : places_) out.push_back(place.target());
  return out;
}

absl::Status JobRun::stopped() const {
  return cancel_.cancelled() ? absl::CancelledError("told to stop") : absl::OkStatus();
}

bool JobRun::go_on(const absl::Status& status, engine::Phase phase) {
  if (status.ok()) return true;
  for (const Place& place : places_) {
    place.output.files->remove(part_name(place.output.final_name, fence())).IgnoreError();
  }
  outcome_.status = status;
  outcome_.error_class = engine::classify(status, phase);
  outcome_.outputs.clear();
  end();
  return false;
}

void JobRun::succeed(const std::vector<Publication::Published>& published) {
  outcome_.outputs = to_proto(published);
}

/// What never is tried again: a success, bad input, and what a person or a time limit stopped. Of
/// other failures the scheduler decides.
bool JobRun::was_the_last() const {
  if (outcome_.status.ok()) return true;
  if (outcome_.error_class == v1::ERROR_CLASS_INPUT_ERROR) return true;
  const v1::ErrorClass reason = stop_reason_.load(std::memory_order_relaxed);
  return outcome_.error_class == v1::ERROR_CLASS_CANCELLED &&
         (reason == v1::ERROR_CLASS_CANCELLED || reason == v1::ERROR_CLASS_TIMEOUT);
}

void JobRun::end() {
  if (was_the_last()) engine_.forget(assign_.spec(), assign_.job_id());
  for (const auto& [name, seconds] : outcome_.seconds) {
    outcome_.log.push_back(absl::StrFormat("%s: %.3f s", name, seconds));
  }
  input_.reset();
  product_.reset();
  places_.clear();
  environment_.supervisor.ended(fence(), std::move(outcome_));
}

}  // namespace unfold::agent
