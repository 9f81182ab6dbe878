#pragma once

#include <optional>
#include <string>

#include "workers/health/sensors.h"

namespace unfold::health {

/// What is known of a GPU since this was made. Pure; not thread safe. A fault, which forbids to
/// compute there, is: Xid 48, 63, 79, 94 or 95 (NVIDIA's Xid catalogue); an uncorrectable ECC error
/// more than at the first reading; a GPU that is lost.
class HealthRecord {
 public:
  void read(const Reading& reading);
  void xid(unsigned number);
  const v1::DeviceHealth& health() const { return health_; }

 private:
  void fault(std::int64_t count, const std::string& what);

  v1::DeviceHealth health_;
  bool begun_ = false;
  bool lost_ = false;
};

}  // namespace unfold::health
