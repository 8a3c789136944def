// Who looks on at a run is told of what its class overrides, and of nothing else.
#include "simulator/federation/observer.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace muster::simulator {
namespace {

class Listener : public Watcher {
 public:
  Listener(std::string name, std::string& heard) : name_(std::move(name)), heard_(heard) {}
  void OnEnd() override { heard_ += name_ + " end;"; }
  void OnSpooled(coordinator::UploadId upload, ByteSpan /*bytes*/) override {
    heard_ += name_ + " " + std::to_string(upload) + ";";
  }

 private:
  const std::string name_;
  std::string& heard_;
};

/// Overrides nothing itself.
class Heir : public Listener {
 public:
  using Listener::Listener;
};

TEST(ObserverTest, TellsInTheOrderInWhichTheyWereAdded) {
  std::string heard;
  Listener first("first", heard);
  Heir second("second", heard);
  Observer observer;
  observer.Add(first);
  observer.Add(second);
  observer.Tell<&Watcher::OnSpooled>(coordinator::UploadId{7}, ByteSpan());
  observer.Tell<&Watcher::OnWritten>(Batch());
  observer.Tell<&Watcher::OnEnd>();
  EXPECT_EQ(heard, "first 7;second 7;first end;second end;");
}

TEST(ObserverDeathTest, RefusesAWatcherOfWhichItWouldTellNothing) {
  std::string heard;
  Listener listener("listener", heard);
  Watcher& base = listener;
  Observer observer;
  EXPECT_DEATH(observer.Add(base), "as what it is");
}

}  // namespace
}  // namespace muster::simulator
