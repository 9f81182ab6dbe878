#include "server/rpc/listen_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/error.h"

namespace unfold::server {
namespace {

using testing::HasSubstr;

TEST(ListenAddress, IsASocketPathOrAHostAndPort) {
  EXPECT_EQ(parse_listen_address("unix:/run/u.sock")->unix_path, "/run/u.sock");
  EXPECT_EQ(parse_listen_address("127.0.0.1:7070")->host, "127.0.0.1");
  EXPECT_EQ(parse_listen_address("[::1]:0")->host, "[::1]");
}

TEST(ListenAddress, AnythingElseIsRefused) {
  const std::vector<std::string> wrong = {
      "", "unix:", ":80", "host", "host:", "host:99999", "unix:/" + std::string(120, 'x')};
  for (const std::string& text : wrong) {
    const auto parsed = parse_listen_address(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(field_of(parsed.status()), "listen");
  }
}

TEST(Exposure, OnlyLoopbackAndSocketsAreAcceptedWithoutInsecure) {
  for (const char* text :
       {"unix:/run/u.sock", "127.0.0.1:1", "127.8.8.8:1", "localhost:1", "[::1]:1"}) {
    EXPECT_TRUE(check_exposure(*parse_listen_address(text), false).ok()) << text;
  }
  for (const char* text : {"0.0.0.0:1", "[::]:1", "192.168.0.1:1", "example.org:1", "*:1"}) {
    const absl::Status refused = check_exposure(*parse_listen_address(text), false);
    EXPECT_EQ(refused.code(), absl::StatusCode::kPermissionDenied) << text;
    EXPECT_THAT(std::string(refused.message()), HasSubstr("--insecure"));
    EXPECT_TRUE(check_exposure(*parse_listen_address(text), true).ok()) << text;
  }
}

}  // namespace
}  // namespace unfold::server
