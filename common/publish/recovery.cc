#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/publish/publication.h"

namespace unfold {
namespace {

absl::StatusOr<bool> has_content(PublishFiles& files, const std::string& name,
                                 const PublishFiles::Content& wanted) {
  auto found = files.content(name);
  if (absl::IsNotFound(found.status())) return false;
  if (!found.ok()) return found.status();
  return *found == wanted;
}

/// In place as recorded, or brought there from its .part.
absl::StatusOr<bool> finish_output(const Publication::Output& output,
                                   const Publication::Published& wanted, std::int64_t fence,
                                   bool overwrite) {
  PublishFiles& files = *output.files;
  UNFOLD_ASSIGN_OR_RETURN(const bool in_place,
                          has_content(files, output.final_name, wanted.content));
  if (in_place) return true;
  const std::string part = part_name(output.final_name, fence);
  UNFOLD_ASSIGN_OR_RETURN(const bool waiting, has_content(files, part, wanted.content));
  if (!waiting) return false;
  const absl::Status renamed = files.rename(part, output.final_name, overwrite);
  if (renamed.ok()) return true;
  // The dead may not be quite dead: its own rename may have come between.
  if (absl::IsNotFound(renamed) || absl::IsAlreadyExists(renamed)) {
    return has_content(files, output.final_name, wanted.content);
  }
  return renamed;
}

absl::Status take_back(const std::vector<Publication::Output>& outputs,
                       const RecordedPublication& recorded) {
  for (std::size_t i = 1; i < outputs.size(); ++i) {
    UNFOLD_ASSIGN_OR_RETURN(const bool ours, has_content(*outputs[i].files, outputs[i].final_name,
                                                         recorded.outputs[i].content));
    if (ours) UNFOLD_RETURN_IF_ERROR(outputs[i].files->remove(outputs[i].final_name));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<bool> recover_publication(const std::vector<Publication::Output>& outputs,
                                         const RecordedPublication& recorded, bool overwrite) {
  if (outputs.empty() || recorded.outputs.size() != outputs.size()) return false;
  for (std::size_t i = outputs.size(); i-- > 0;) {  // the commit point last, as in publication
    UNFOLD_ASSIGN_OR_RETURN(const bool finished, finish_output(outputs[i], recorded.outputs[i],
                                                               recorded.fence, overwrite));
    if (finished) continue;
    UNFOLD_RETURN_IF_ERROR(take_back(outputs, recorded));
    return false;
  }
  for (const Publication::Output& output : outputs) {
    UNFOLD_RETURN_IF_ERROR(output.files->sync_folder());
  }
  return true;
}

absl::Status sweep_parts(PublishFiles& files, const std::string& final_name,
                         const std::vector<std::int64_t>& dead_fences) {
  for (const std::int64_t fence : dead_fences) {
    UNFOLD_RETURN_IF_ERROR(files.remove(part_name(final_name, fence)));
  }
  return absl::OkStatus();
}

}  // namespace unfold
