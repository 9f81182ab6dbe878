#pragma once

#include <optional>

#include "common/base/clock.h"
#include "unfold/v1/device.pb.h"

namespace unfold::health {

/// What a GPU tells at one moment: all of a DeviceHealth but its xids and faults.
struct Reading {
  v1::DeviceHealth health;
  bool lost = false;  ///< it does not answer any more
};

/// Where a GPU's readings come from. One thread at a time.
class Sensors {
 public:
  virtual ~Sensors() = default;
  virtual Reading read() = 0;
  /// The number of the next Xid event that has not been told, or nothing when none came within
  /// `at_most`.
  virtual std::optional<unsigned> next_xid(Duration at_most) = 0;
};

}  // namespace unfold::health
