#include "workers/agent/messages.h"

namespace unfold::agent {

Send send(const v1::Hello& hello) {
  Send out;
  *out.message.mutable_hello() = hello;
  return out;
}

Send send(const v1::Heartbeat& beat) {
  Send out;
  *out.message.mutable_heartbeat() = beat;
  return out;
}

Send send(const v1::Started& started) {
  Send out;
  *out.message.mutable_started() = started;
  return out;
}

Send send(const v1::PublishIntent& intent) {
  Send out;
  *out.message.mutable_publish_intent() = intent;
  return out;
}

Send send(const v1::Finished& finished) {
  Send out;
  *out.message.mutable_finished() = finished;
  return out;
}

v1::Finished finished_of(const v1::Assign& assign) {
  v1::Finished finished;
  finished.set_lease_id(assign.lease_id());
  finished.set_job_id(assign.job_id());
  finished.set_fence(assign.fence());
  return finished;
}

std::string reason_text(v1::ErrorClass reason) {
  switch (reason) {
    case v1::ERROR_CLASS_TIMEOUT:
      return "the run time limit passed";
    case v1::ERROR_CLASS_PREEMPTED:
      return "given back by its worker";
    default:
      return "cancelled";
  }
}

}  // namespace unfold::agent
