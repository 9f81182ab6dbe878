#include "server/jobs/store_types.h"

#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace unfold::server {

absl::Status fenced_off(const IntentRow& intent) {
  return error({.code = absl::StatusCode::kAborted,
                .reason = "FENCED",
                .field = "",
                .what = absl::StrCat("job ", intent.job_id, " may not be published"),
                .why = absl::StrCat("fence ", intent.fence, " does not hold its lease"),
                .remedy = ""});
}

}  // namespace unfold::server
