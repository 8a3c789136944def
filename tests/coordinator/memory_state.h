// A durable state in memory: applies batches as the store does, and forgets the unsynced on demand.
#pragma once

#include "protocol/records.h"

namespace muster::testing {

class MemoryState {
 public:
  void Apply(const Batch& batch);
  const RecoveredState& state() const { return state_; }
  RecoveredState& state() { return state_; }

 private:
  RecoveredState state_;
};

}  // namespace muster::testing
