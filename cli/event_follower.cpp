#include "cli/event_follower.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "cli/child_process.h"
#include "cli/run_event.h"

namespace muster::cli {
namespace {

constexpr std::chrono::milliseconds kPollInterval{200};

}  // namespace

EventFollower::EventFollower(const std::string& path, Format format)
    : format_(format),
      tail_(path, FileBytes(path)),
      lines_(MakeLineOutput()),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

EventFollower::~EventFollower() {
  thread_.request_stop();
  thread_.join();
  SayNew();
}

void EventFollower::Run(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    SayNew();
    changed.wait_for(lock, stop, kPollInterval, [] { return false; });
  }
}

void EventFollower::SayNew() {
  while (true) {
    const auto lines = tail_.Poll();
    if (!lines || lines->empty()) return;
    for (const std::string& line : *lines) {
      if (format_ == Format::json) {
        Print(line + "\n");
      } else if (const auto event = ParseEvent(line)) {
        lines_->OnEvent(*event);
      }
    }
  }
}

}  // namespace muster::cli
