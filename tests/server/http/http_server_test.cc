#include "server/http/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <future>

#include "common/base/error.h"

namespace unfold::server {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

HttpServer::Pages pages() {
  return {.metrics = [] { return std::string("unfold_leader 1\n"); },
          .ready = [] { return true; },
          .home = [] { return std::string("<h1>unfold</h1>"); }};
}

TEST(HttpServer, AnswersItsPages) {
  const auto server = HttpServer::start({.port = 0}, pages());
  ASSERT_TRUE(server.ok()) << server.status();
  httplib::Client client((*server)->address());
  EXPECT_EQ(client.Get("/healthz")->status, 200);
  EXPECT_EQ(client.Get("/readyz")->status, 200);
  EXPECT_THAT(client.Get("/")->body, HasSubstr("unfold"));
  EXPECT_EQ(client.Get("/nothing")->status, 404);
  const auto metrics = client.Get("/metrics");
  EXPECT_EQ(metrics->body, "unfold_leader 1\n");
  EXPECT_THAT(metrics->get_header_value("Content-Type"), StartsWith("text/plain; version=0.0.4"));
}

TEST(HttpServer, HeadOfMetricsWorks) {
  const auto server = HttpServer::start({.port = 0}, pages());
  httplib::Client client((*server)->address());
  const auto head = client.Head("/metrics");
  EXPECT_EQ(head->status, 200);
  EXPECT_TRUE(head->body.empty());
}

TEST(HttpServer, IsNotReadyWhileTheServiceIsNot) {
  HttpServer::Pages not_ready = pages();
  not_ready.ready = [] { return false; };
  const auto server = HttpServer::start({.port = 0}, not_ready);
  EXPECT_EQ(httplib::Client((*server)->address()).Get("/readyz")->status, 503);
  EXPECT_EQ(httplib::Client((*server)->address()).Get("/healthz")->status, 200);
}

int port_of(const HttpServer& server) {
  return std::stoi(server.address().substr(server.address().rfind(':') + 1));
}

TEST(HttpServer, ABusyPortIsAnErrorWhenExplicitAndSkippedWhenNot) {
  const auto first = HttpServer::start({.port = 0}, pages());
  const int busy = port_of(**first);
  const auto refused = HttpServer::start({.port = busy, .port_is_explicit = true}, pages());
  EXPECT_EQ(reason_of(refused.status()), "PORT_BUSY");
  const auto next = HttpServer::start({.port = busy}, pages());
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_NE(port_of(**next), busy);
}

TEST(HttpServer, ConnectionsBeyondItsThreadsAreToldSoAtOnce) {
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  std::promise<void> entered;
  HttpServer::Pages slow = pages();
  slow.home = [&, released] {
    entered.set_value();
    released.wait();
    return std::string("at last");
  };
  const auto server = HttpServer::start({.port = 0, .threads = 1, .most_waiting = 1}, slow);
  const auto get = [&](const char* path) {
    httplib::Client client((*server)->address());
    client.set_read_timeout(60);
    return client.Get(path);
  };
  auto first = std::async(std::launch::async, get, "/");
  entered.get_future().wait();  // the only thread is busy
  std::vector<std::future<httplib::Result>> more;
  for (int i = 0; i < 8; ++i) more.push_back(std::async(std::launch::async, get, "/healthz"));
  // One of the eight waits its turn, the others are turned away while the first still runs.
  int turned_away = 0;
  while (turned_away < 7) {
    for (auto& answer : more) {
      if (!answer.valid() ||
          answer.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready)
        continue;
      const auto result = answer.get();
      ASSERT_TRUE(result) << "no answer at all";
      EXPECT_EQ(result->status, 503);
      ++turned_away;
    }
  }
  release.set_value();
  EXPECT_EQ(first.get()->body, "at last");
  for (auto& answer : more) {
    if (!answer.valid()) continue;
    EXPECT_EQ(answer.get()->status, 200);
  }
}

}  // namespace
}  // namespace unfold::server
