// Which process of a name is the newest, and which are over.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "common/ids.h"

namespace muster::coordinator {

/// The processes of all names that this life of the coordinator saw: the newest of each name, and
/// the last limits::kEndedIncarnationsMax that are over. Keyed by name as well: nobody ends
/// another's process.
class Processes {
 public:
  /// A hello came, whatever becomes of it. Another process that connected before the newest of the
  /// name is over: the first word of a process that died can come after its successor's.
  void OnWord(RosterIndex index, const Incarnation& incarnation, std::uint64_t connection);
  /// Its hello is followed: it is the newest of the name. The one before it is over, whether or not
  /// it still had a session: a hello of its own may be late (a duplicate, or what it sends when it
  /// goes on after a long pause).
  void OnFollowed(RosterIndex index, const Incarnation& incarnation, std::uint64_t connection);
  void OnEnded(RosterIndex index, const Incarnation& incarnation);

  bool IsOver(RosterIndex index, const Incarnation& incarnation) const {
    return ended_.contains({index, incarnation});
  }

 private:
  struct Newest {
    Incarnation incarnation;
    std::uint64_t connection = 0;  ///< Its newest one.
  };

  std::map<RosterIndex, Newest> newest_;
  std::set<std::pair<RosterIndex, Incarnation>> ended_;
  std::deque<std::pair<RosterIndex, Incarnation>> ended_order_;
};

}  // namespace muster::coordinator
