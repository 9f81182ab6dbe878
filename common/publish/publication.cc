#include "common/publish/publication.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"

namespace unfold {
namespace {

absl::Status fenced(const std::string& rooted_path) {
  return error({.code = absl::StatusCode::kAborted,
                .reason = "FENCED",
                .field = "",
                .what = absl::StrCat("did not publish ", rooted_path),
                .why = "a newer assignment of the job removed this one's file",
                .remedy = ""});
}

/// The file that a step works on is gone: only a newer assignment removes it.
absl::Status gone_means_fenced(absl::Status status, const std::string& rooted_path) {
  return absl::IsNotFound(status) ? fenced(rooted_path) : status;
}

}  // namespace

std::string part_name(const std::string& final_name, std::int64_t fence) {
  return absl::StrCat(".", final_name, ".", fence, ".part");
}

Publication::Publication(std::vector<Output> outputs, std::int64_t fence, bool overwrite,
                         Hooks hooks)
    : outputs_(std::move(outputs)), fence_(fence), overwrite_(overwrite), hooks_(std::move(hooks)) {
  if (outputs_.empty()) next_ = Step::kDone;
}

absl::Status Publication::step() {
  switch (next_) {
    case Step::kSync:
      UNFOLD_RETURN_IF_ERROR(sync());
      next_ = Step::kVerify;
      return absl::OkStatus();
    case Step::kVerify:
      UNFOLD_RETURN_IF_ERROR(verify());
      next_ = Step::kIntent;
      return absl::OkStatus();
    case Step::kIntent:
      UNFOLD_RETURN_IF_ERROR(hooks_.intent(published_));
      next_ = Step::kRename;
      return absl::OkStatus();
    case Step::kRename:
      UNFOLD_RETURN_IF_ERROR(rename());
      if (renamed_ == outputs_.size()) next_ = Step::kSyncFolder;
      return absl::OkStatus();
    case Step::kSyncFolder:
      UNFOLD_RETURN_IF_ERROR(sync_folders());
      next_ = Step::kDone;
      return absl::OkStatus();
    case Step::kDone:
      return absl::OkStatus();
  }
  return absl::InternalError("no such step of a publication");
}

absl::Status Publication::run() {
  while (next_ != Step::kDone) UNFOLD_RETURN_IF_ERROR(step());
  return absl::OkStatus();
}

void Publication::discard() noexcept {
  const bool committed = renamed_ == outputs_.size();
  // Taking back what was renamed is only ours to do while no newer assignment may be finishing it.
  const bool may_take_back = !committed && !overwrite_ && hooks_.lease_alive();
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const Output& output = outputs_[i];
    const bool renamed = i >= outputs_.size() - renamed_;
    if (!renamed) {
      output.files->remove(part_name(output.final_name, fence_)).IgnoreError();
    } else if (may_take_back) {
      output.files->remove(output.final_name).IgnoreError();
    }
  }
}

absl::Status Publication::sync() {
  for (const Output& output : outputs_) {
    UNFOLD_RETURN_IF_ERROR(gone_means_fenced(
        output.files->sync_file(part_name(output.final_name, fence_)), output.rooted_path));
  }
  return absl::OkStatus();
}

absl::Status Publication::verify() {
  for (const Output& output : outputs_) {
    const std::string part = part_name(output.final_name, fence_);
    UNFOLD_RETURN_IF_ERROR(gone_means_fenced(hooks_.verify(output, part), output.rooted_path));
    auto content = output.files->content(part);
    if (!content.ok()) return gone_means_fenced(content.status(), output.rooted_path);
    published_.push_back({output.rooted_path, *std::move(content)});
  }
  return absl::OkStatus();
}

absl::Status Publication::rename() {
  const Output& output = outputs_[outputs_.size() - 1 - renamed_];
  if (!hooks_.lease_alive()) {
    return error({.code = absl::StatusCode::kAborted,
                  .reason = "LEASE_ENDED",
                  .field = "",
                  .what = absl::StrCat("did not publish ", output.rooted_path),
                  .why = "this assignment's lease ended first",
                  .remedy = ""});
  }
  UNFOLD_RETURN_IF_ERROR(gone_means_fenced(
      output.files->rename(part_name(output.final_name, fence_), output.final_name, overwrite_),
      output.rooted_path));
  ++renamed_;
  return absl::OkStatus();
}

absl::Status Publication::sync_folders() {
  for (const Output& output : outputs_) UNFOLD_RETURN_IF_ERROR(output.files->sync_folder());
  return absl::OkStatus();
}

}  // namespace unfold
