// What the world outside has been told: the promises that every later state must keep.
#pragma once

#include <functional>
#include <map>
#include <set>

#include "common/digest.h"
#include "common/ids.h"

namespace muster::simulator {

struct Observer {
  /// Whoever sent them may forget them: they may never be trained again (P3).
  std::set<UpdateId> acknowledged;
  /// Versions that anybody has heard of, by message or notice (P1).
  std::map<Version, Sha256Digest> announced;
  /// Called when head or attempt of the open round moved, and at every start: a scenario decides by
  /// it who is there. The same call may come again.
  std::function<void(Version head, Attempt attempt)> on_progress;
};

}  // namespace muster::simulator
