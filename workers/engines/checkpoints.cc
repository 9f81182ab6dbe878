#include "workers/engines/checkpoints.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/sha256.h"
#include "common/base/version.h"
#include "workers/compute/isa.h"

namespace unfold::engine {

std::string checkpoint_digest(const google::protobuf::Message& options,
                              const std::string& response_key,
                              const std::map<std::string, std::string>& sha256) {
  std::string text =
      absl::StrCat(kVersion, " ", kCommit, " ", compute::to_string(compute::choose_isa()), "\n",
                   response_key, "\n", options.SerializeAsString());
  for (const auto& [path, digest] : sha256) absl::StrAppend(&text, "\n", path, " ", digest);
  Sha256 digest;
  digest.update(std::as_bytes(std::span(text)));
  return digest.hex();
}

Checkpoints::Checkpoints(const Roots& roots, const std::string& output, CheckpointPace pace,
                         std::string digest, const Clock& clock, RunContext& context)
    : digest_(std::move(digest)),
      clock_(clock),
      context_(context),
      pace_(pace),
      due_(clock.now().monotonic + pace.every) {
  auto file = CheckpointFile::beside(roots, output, context.job_id);
  if (file.ok()) {
    file_.emplace(*std::move(file));
  } else {
    context.note(absl::StrCat("no checkpoints: ", std::string(file.status().message())));
  }
}

std::optional<std::vector<double>> Checkpoints::resume() {
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

void Checkpoints::offer(std::span<const double> numbers) {
  ++offered_;
  const Duration now = clock_.now().monotonic;
  const bool by_count = pace_.steps > 0 && offered_ % pace_.steps == 0;
  if (!file_ || (!by_count && now < due_)) return;
  due_ = now + pace_.every;
  const absl::Status written = file_->write(digest_, numbers, context_.attempt);
  if (written.ok()) return;
  context_.note(absl::StrCat("no more checkpoints: ", std::string(written.message())));
  file_.reset();
}

}  // namespace unfold::engine
