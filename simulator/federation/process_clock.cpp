#include "simulator/federation/process_clock.h"

#include <algorithm>

namespace muster::simulator {

void ProcessClock::Start(Micros now, Micros local) {
  since_ = now;
  local_ = local;
  rate_ = kTrueRate;
}

Micros ProcessClock::WhenItReads(MonotonicMs at, Micros now) const {
  const Micros wanted = at * kMillisecond - local_;
  if (wanted <= 0) return now;
  return std::max(now, since_ + (wanted * kTrueRate + rate_ - 1) / rate_);
}

void ProcessClock::SetRate(Micros now, std::int64_t rate) {
  local_ = Local(now);
  since_ = now;
  rate_ = rate;
}

}  // namespace muster::simulator
