// The monotonic clock of one process: its own zero, its own rate, jumps forward.
#pragma once

#include <cstdint>

#include "common/ids.h"
#include "simulator/world/trace.h"

namespace muster::simulator {

/// Never goes back. There is no wall clock: no core has one. Not thread-safe.
class ProcessClock {
 public:
  /// Of rates: local time for so much world time.
  static constexpr std::int64_t kTrueRate = 1'024;

  /// A process begins: at world time `now` its clock reads `local`, and runs true.
  void Start(Micros now, Micros local);
  /// What it reads at world time `now`.
  MonotonicMs Read(Micros now) const { return Local(now) / kMillisecond; }
  /// The first world time, `now` at the earliest, at which it reads `at`.
  Micros WhenItReads(MonotonicMs at, Micros now) const;
  /// REQUIRES: rate > 0.
  void SetRate(Micros now, std::int64_t rate);
  /// The machine was suspended on a system whose monotonic clock counts that.
  void Jump(Micros by) { local_ += by; }

 private:
  Micros Local(Micros now) const { return local_ + (now - since_) * rate_ / kTrueRate; }

  Micros since_ = 0;  ///< World time at which it read `local_`.
  Micros local_ = 0;
  std::int64_t rate_ = kTrueRate;
};

}  // namespace muster::simulator
