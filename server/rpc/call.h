#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/rpc/backend.h"
#include "server/rpc/rpcs.h"

namespace unfold::server {

/// Counts and times one call, and logs what went wrong in the service itself.
void record_call(const Backend& backend, Rpc rpc, Time began, const absl::Status& status);

/// One unary call in flight: copied into the continuations of its handler, finished once. The
/// request, response and context live until then.
class Call {
 public:
  Call(const Backend& backend, Rpc rpc, grpc::CallbackServerContext* context)
      : backend_(backend),
        rpc_(rpc),
        began_(backend.clock.now()),
        context_(context),
        reactor_(context->DefaultReactor()) {}

  grpc::ServerUnaryReactor* reactor() const { return reactor_; }

  /// For `return call.finish(...)` in a handler; nothing of the call is valid afterwards.
  grpc::ServerUnaryReactor* finish(const absl::Status& status) const;

  /// Fills `*out` from a result, then finishes.
  template <class T>
  grpc::ServerUnaryReactor* finish(absl::StatusOr<T> result, T* out) const {
    if (result.ok()) *out = *std::move(result);
    return finish(result.status());
  }

  /// Posts an event made with the token that it is given; `then` runs with the core's reply.
  /// `Body` is the alternative of ReplyBody that the event is answered with.
  template <class Body>
  grpc::ServerUnaryReactor* act(const std::function<Event(Token)>& event,
                                std::function<absl::Status(Body)> then) const {
    const Call call = *this;
    const Token token =
        backend_.replies.expect([call, then = std::move(then)](absl::StatusOr<ReplyBody> reply) {
          call.finish(reply.ok() ? then(std::get<Body>(*std::move(reply))) : reply.status());
        });
    backend_.loop.post(event(token));
    return reactor_;
  }

  /// Who calls: the metadata `unfold-user` that clients send, else the peer's address. A claim, not
  /// proof: access is limited to this machine until there is authentication.
  std::string submitter() const;

 private:
  const Backend& backend_;
  Rpc rpc_;
  Time began_;
  grpc::CallbackServerContext* context_;
  grpc::ServerUnaryReactor* reactor_;
};

std::string submitter_of(const grpc::ServerContextBase& context);

}  // namespace unfold::server
