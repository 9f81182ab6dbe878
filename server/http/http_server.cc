#include "server/http/http_server.h"

#include <httplib.h>
#include <sys/socket.h>

#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "server/http/bounded_pool.h"

namespace unfold::server {
namespace {

constexpr int kPortsToTry = 100;
constexpr int kSecondsToSendARequest = 5;

// Without SO_REUSEPORT, which cpp-httplib sets by default: two servers must never share a port.
void socket_options(socket_t socket) {
  const int yes = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
}

absl::StatusOr<int> bind_somewhere(httplib::Server& server, const HttpServer::Options& options) {
  const int tries = options.port_is_explicit ? 1 : kPortsToTry;
  if (options.port == 0) {
    const int port = server.bind_to_any_port(options.host.c_str());
    if (port > 0) return port;
  }
  for (int i = 0; i < tries && options.port != 0; ++i) {
    if (server.bind_to_port(options.host, options.port + i)) return options.port + i;
  }
  return error({.code = absl::StatusCode::kUnavailable,
                .reason = "PORT_BUSY",
                .field = "http",
                .what = absl::StrCat("cannot listen on ", options.host, ":", options.port),
                .why = tries == 1 ? "the port is in use, or the address is not this machine's"
                                  : "so are the next 100 ports",
                .remedy = "give another with --http"});
}

}  // namespace

struct HttpServer::Impl {
  Pages pages;
  httplib::Server server;
  std::string address;
  std::thread listener;

  void configure(const Options& options);
  void add_pages();
};

void HttpServer::Impl::configure(const Options& options) {
  server.new_task_queue = [options] {
    return new BoundedPool(options.threads, options.most_waiting);  // the server owns it
  };
  server.set_socket_options(socket_options);
  server.set_keep_alive_timeout(kSecondsToSendARequest);
  server.set_read_timeout(kSecondsToSendARequest);
  server.set_write_timeout(kSecondsToSendARequest);
  server.set_payload_max_length(0);
  server.set_default_headers({{"X-Content-Type-Options", "nosniff"},
                              {"Content-Security-Policy", "default-src 'self'"},
                              {"Cache-Control", "no-store"}});
  server.set_pre_routing_handler([](const httplib::Request&, httplib::Response& response) {
    if (!BoundedPool::is_doorman()) return httplib::Server::HandlerResponse::Unhandled;
    response.status = 503;
    response.set_header("Connection", "close");
    response.set_content("too many connections [try again]\n", "text/plain");
    return httplib::Server::HandlerResponse::Handled;
  });
}

void HttpServer::Impl::add_pages() {
  server.Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
    response.set_content(pages.metrics(), "text/plain; version=0.0.4; charset=utf-8");
  });
  server.Get("/healthz", [](const httplib::Request&, httplib::Response& response) {
    response.set_content("ok\n", "text/plain");
  });
  server.Get("/readyz", [this](const httplib::Request&, httplib::Response& response) {
    const bool ready = pages.ready();
    response.status = ready ? 200 : 503;
    response.set_content(ready ? "ready\n" : "not ready\n", "text/plain");
  });
  server.Get("/", [this](const httplib::Request&, httplib::Response& response) {
    response.set_content(pages.home(), "text/html; charset=utf-8");
  });
}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::start(const Options& options, Pages pages) {
  auto impl = std::make_unique<Impl>();
  impl->pages = std::move(pages);
  impl->configure(options);
  impl->add_pages();
  const auto port = bind_somewhere(impl->server, options);
  if (!port.ok()) return port.status();
  impl->address = absl::StrCat("http://", options.host, ":", *port);
  impl->listener = std::thread([&server = impl->server] { server.listen_after_bind(); });
  // stop() does nothing to a server that does not run yet, and its thread would never end.
  while (!impl->server.is_running()) std::this_thread::yield();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() { stop(); }

std::string HttpServer::address() const { return impl_->address; }

void HttpServer::stop() {
  impl_->server.stop();
  if (impl_->listener.joinable()) impl_->listener.join();
}

}  // namespace unfold::server
