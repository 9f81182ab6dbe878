#include "workers/engines/imaging/checkpoints.h"

#include <google/protobuf/util/time_util.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace unfold::engine {

Checkpoints::Checkpoints(const Roots& roots, const v1::ImagingSpec& spec, std::string digest,
                         const Clock& clock, RunContext& context)
    : digest_(std::move(digest)),
      clock_(clock),
      context_(context),
      every_(google::protobuf::util::TimeUtil::DurationToNanoseconds(spec.checkpoint_every())),
      iterations_(spec.checkpoint_iterations()),
      due_(clock.now().monotonic + every_) {
  auto file = CheckpointFile::beside(roots, spec.output(), context.job_id);
  if (file.ok()) {
    file_.emplace(*std::move(file));
  } else {
    context.note(absl::StrCat("no checkpoints: ", std::string(file.status().message())));
  }
}

std::optional<imaging::Checkpoint> Checkpoints::resume() {
  if (!file_) return std::nullopt;
  auto earlier = file_->read(digest_);
  if (earlier.ok()) {
    context_.note("going on from the checkpoint of an earlier attempt");
    return *std::move(earlier);
  }
  if (!absl::IsNotFound(earlier.status())) {
    context_.note(std::string(earlier.status().message()));
  }
  return std::nullopt;
}

void Checkpoints::offer(const imaging::Checkpoint& numbers) {
  ++offered_;
  const Duration now = clock_.now().monotonic;
  const bool by_count = iterations_ > 0 && offered_ % iterations_ == 0;
  if (!file_ || (!by_count && now < due_)) return;
  due_ = now + every_;
  const absl::Status written = file_->write(digest_, numbers, context_.attempt);
  if (written.ok()) return;
  context_.note(absl::StrCat("no more checkpoints: ", std::string(written.message())));
  file_.reset();
}

}  // namespace unfold::engine
