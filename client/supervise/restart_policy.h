#pragma once

#include "common/base/clock.h"

namespace unfold::supervise {

/// How long to wait before a dead child is started again: 1 s, twice as long each time, at most
/// 30 s; from 1 s again once a child has lived for a minute.
class RestartPolicy {
 public:
  /// After a child that lived for `lived`.
  Duration delay_after(Duration lived);

 private:
  Duration next_{};
};

}  // namespace unfold::supervise
