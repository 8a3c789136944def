// Async: who is next among those who wait for a task.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "common/ids.h"

namespace muster::coordinator {

/// Whoever waited longest for a task is first. One whose task came to nothing, in its attempt, its
/// session or before it was too stale, goes behind as many tasks as there are members here; twice
/// as many after the next such task, and so on until an update of it is accepted. So members that
/// never deliver take ever fewer of the places under a cap, and nobody is shut out for being
/// preempted. Of one life of the coordinator, over its sessions; a few numbers a member.
class Turns {
 public:
  void OnTask(RosterIndex member) { members_[member].place = next_++; }
  /// Its task came to nothing. `members`: those who are here.
  void OnMissed(RosterIndex member, std::size_t members);
  /// Its upload gave way to another's.
  void OnYield(RosterIndex member) { ++members_[member].yields; }
  void OnAccepted(RosterIndex member);

  /// Smaller ones are first; 0: it had no task yet.
  std::uint64_t PlaceOf(RosterIndex member) const;
  /// How often its uploads gave way since one of it was accepted.
  std::uint32_t YieldsOf(RosterIndex member) const;

 private:
  static constexpr std::uint32_t kDoublingsMax = 10;

  struct Member {
    std::uint64_t place = 0;
    std::uint32_t missed = 0;  ///< In a row.
    std::uint32_t yields = 0;
  };
  std::map<RosterIndex, Member> members_;
  std::uint64_t next_ = 1;
};

}  // namespace muster::coordinator
