#include "workers/health/health_record.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"

namespace unfold::health {
namespace {

/// Of an Xid event that forbids to go on; nullptr for the others.
const char* meaning_of(unsigned xid) {
  switch (xid) {
    case 48:
      return "double-bit ECC error";
    case 63:
      return "a page was retired or a row remapped";
    case 79:
      return "the GPU has fallen off the bus";
    case 94:
      return "contained ECC error";
    case 95:
      return "uncontained ECC error";
    default:
      return nullptr;
  }
}

/// How many came since; a counter that was set back began anew.
std::int64_t risen(std::int64_t before, std::int64_t now) {
  return std::max<std::int64_t>(0, now - before);
}

}  // namespace

void HealthRecord::read(const Reading& reading) {
  if (reading.lost) {  // its numbers are gone with it
    if (!std::exchange(lost_, true)) fault(1, "the GPU is lost");
    return;
  }
  const v1::DeviceHealth before = health_;
  health_ = reading.health;
  *health_.mutable_xids() = before.xids();
  health_.set_faults(before.faults());
  health_.set_fault(before.fault());
  if (!std::exchange(begun_, true)) return;
  const std::int64_t errors =
      std::max(risen(before.ecc_volatile().uncorrected(), health_.ecc_volatile().uncorrected()),
               risen(before.ecc_aggregate().uncorrected(), health_.ecc_aggregate().uncorrected()));
  if (errors > 0) fault(errors, "uncorrectable ECC error");
}

void HealthRecord::xid(unsigned number) {
  ++(*health_.mutable_xids())[number];
  if (const char* meaning = meaning_of(number)) {
    fault(1, absl::StrCat("Xid ", number, ": ", meaning));
  }
}

void HealthRecord::fault(std::int64_t count, const std::string& what) {
  health_.set_faults(health_.faults() + count);
  health_.set_fault(what);
}

}  // namespace unfold::health
