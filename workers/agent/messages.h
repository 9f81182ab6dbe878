#pragma once

#include <string>

#include "unfold/v1/worker_service.pb.h"
#include "workers/agent/session_core.h"

namespace unfold::agent {

Send send(const v1::Hello& hello);
Send send(const v1::Heartbeat& beat);
Send send(const v1::Started& started);
Send send(const v1::PublishIntent& intent);
Send send(const v1::Finished& finished);

/// The report on an assignment, without its outcome.
v1::Finished finished_of(const v1::Assign& assign);

/// For people: why an attempt was stopped.
std::string reason_text(v1::ErrorClass reason);

}  // namespace unfold::agent
