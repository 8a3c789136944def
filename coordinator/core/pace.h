// How long members take, and the deadline that follows from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "common/ids.h"
#include "coordinator/core/deadline.h"

namespace muster::coordinator {

/// What this life of the coordinator saw of one member.
struct MemberPace {
  std::uint64_t updates = 0;    ///< Accepted and timed.
  std::int64_t last_ms = 0;     ///< The last of them: from the task to the whole update.
  std::int64_t typical_ms = 0;  ///< The median of the last kMemberTimesMax.
  std::uint64_t late = 0;       ///< Rounds that closed before its update was whole.
  std::uint64_t missed = 0;     ///< Deadlines that passed while it was awaited (elastic: PassOn).
};
inline constexpr std::size_t kMemberTimesMax = 8;

/// The middle one in ascending order; of an even number the larger of the two in the middle; 0 of
/// none.
std::int64_t Median(std::vector<std::int64_t> values);

/// The times of all members, as far as this process saw them: a restart forgets all of it, and an
/// adaptive deadline is the longest allowed again until kPaceUpdatesLeast updates were accepted.
/// Times are of the coordinator's clock, without the gaps in which its loop stood still. Bounded:
/// UpdatesMax times, and for each roster entry its task and kMemberTimesMax times. Deterministic;
/// not thread-safe.
class Pace {
 public:
  /// How many times are remembered: of the last four rounds, within [32, kPaceUpdatesMax].
  static std::size_t UpdatesMax(std::uint32_t goal);

  explicit Pace(std::uint32_t goal) : updates_max_(UpdatesMax(goal)) {}

  /// Tasks of rounds up to this one may have been given by an earlier life: what was trained
  /// meanwhile would seem to take the time of its upload alone, so none of them is timed.
  void StartBehind(Round round) { untimed_ = round; }

  /// A task was given. Of one that is given again, to another process of the name or in the next
  /// attempt, the first time counts.
  void OnTask(RosterIndex member, const UpdateId& id, MonotonicMs now);
  /// The update's bytes are whole and within the bounds.
  void OnWhole(RosterIndex member, const UpdateId& id, MonotonicMs now);
  /// It is accepted: its time counts, unless this process did not give the task. Once: what is
  /// accepted again (accepts in memory, after a raise of the bounds) was not trained again.
  void OnAccepted(RosterIndex member, const UpdateId& id);
  /// Its round closed without it, or it was offered after that. Counts once for an id.
  void OnLate(RosterIndex member, const UpdateId& id);
  /// Whether its last task was given after `time`.
  bool BeganAfter(RosterIndex member, MonotonicMs time) const;
  /// An attempt's deadline has passed without it, or by one a lease of its went to another.
  void OnMissed(RosterIndex member);
  /// The loop stood still for so long: no task took that time.
  void OnGap(std::int64_t gap_ms);

  /// Of the last updates, whoever sent them. O(n log n) of those remembered.
  PaceEstimate Estimate() const;
  /// Of one member; all 0 if nothing was seen of it.
  MemberPace Of(RosterIndex member) const;

 private:
  struct Task {
    UpdateId id;
    MonotonicMs given_at = 0;
    std::optional<std::int64_t> took_ms;  ///< Once it is whole.
    bool counted = false;
  };
  struct Member {
    MemberPace pace;
    std::optional<Task> task;
    std::optional<UpdateId> late;    ///< The last one that was counted.
    std::deque<std::int64_t> times;  ///< The last kMemberTimesMax.
  };
  Task* Find(RosterIndex member, const UpdateId& id);

  const std::size_t updates_max_;
  Round untimed_ = 0;
  std::deque<std::int64_t> times_;
  std::map<RosterIndex, Member> members_;
};

}  // namespace muster::coordinator
