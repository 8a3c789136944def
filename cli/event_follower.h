// Says on standard output what a serving process writes to its event log.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "cli/event_tail.h"
#include "cli/output.h"
#include "cli/run_output.h"

namespace muster::cli {

/// Follows `path` from its present end, in a thread of its own, until it is destroyed; whatever was
/// written before that is said. What cannot be read is passed over: the log itself is the record.
class EventFollower {
 public:
  EventFollower(const std::string& path, Format format);
  ~EventFollower();
  EventFollower(const EventFollower&) = delete;
  EventFollower& operator=(const EventFollower&) = delete;

 private:
  void Run(const std::stop_token& stop);
  void SayNew();

  const Format format_;
  EventTail tail_;
  std::unique_ptr<RunOutput> lines_;
  std::jthread thread_;
};

}  // namespace muster::cli
