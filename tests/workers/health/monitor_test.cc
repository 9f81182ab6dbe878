#include "workers/health/monitor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <utility>

namespace unfold::health {
namespace {

struct Script {
  std::atomic<int> temperature{50};
  std::atomic<unsigned> xid{0};
  std::atomic<bool> waited{false};
};

class ScriptedSensors final : public Sensors {
 public:
  explicit ScriptedSensors(Script& script) : script_(script) {}
  Reading read() override {
    Reading reading;
    reading.health.set_temperature_celsius(script_.temperature);
    return reading;
  }
  std::optional<unsigned> next_xid(Duration at_most) override {
    if (at_most > Duration::zero()) script_.waited = true;
    const unsigned xid = script_.xid.exchange(0);
    return xid != 0 ? std::optional(xid) : std::nullopt;
  }

 private:
  Script& script_;
};

TEST(Monitor, HasAReadingFromTheStart) {
  Script script;
  const Monitor monitor(std::make_unique<ScriptedSensors>(script), std::chrono::hours(1));
  EXPECT_EQ(monitor.latest().temperature_celsius(), 50);
}

TEST(Monitor, ReadsAgainAtOnceWhenAskedAndWaitsForAnXidOnItsWay) {
  Script script;
  Monitor monitor(std::make_unique<ScriptedSensors>(script), std::chrono::hours(1));
  EXPECT_FALSE(script.waited);
  script.temperature = 70;
  script.xid = 79;
  monitor.read_again();
  EXPECT_TRUE(script.waited);
  EXPECT_EQ(monitor.latest().temperature_celsius(), 70);
  EXPECT_EQ(monitor.latest().faults(), 1);
}

TEST(Monitor, ReadsByItself) {
  Script script;
  const Monitor monitor(std::make_unique<ScriptedSensors>(script), std::chrono::milliseconds(1));
  script.xid = 31;
  while (monitor.latest().xids().empty()) std::this_thread::yield();
  EXPECT_EQ(monitor.latest().xids().at(31), 1);
}

}  // namespace
}  // namespace unfold::health
