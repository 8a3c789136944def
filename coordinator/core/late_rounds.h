// Late updates (round.late = "fold"): which may still count.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "coordinator/core/core.h"

namespace muster::coordinator {

/// The rounds that are over and that an update may still be late for: those on whose parents, in
/// this lineage, no more than round.staleness_max versions were committed. Follows from the records
/// alone, so a restart finds the same. Bounded: staleness_max + 1 rounds, each with the slots of
/// its cohort at most. Of other jobs there is none.
class LateRounds {
 public:
  LateRounds(const RoundSpec& round, const std::vector<UnfinishedRound>& found);

  /// Its round is over: what it left unfinished may be late from now on.
  void OnCommitted(const RoundRecord& record);

  /// Its late update was refused for good: no other of it is taken, unless this process ends.
  void OnRefused(const UpdateId& id);

  /// The version that a late update of this round was trained on.
  std::optional<Version> BaseOf(Round round) const;
  /// Why an update of a round that is over cannot count any more: round_closed, too_stale,
  /// base_version_wrong. REQUIRES: it is of this lineage, and no later one of its slot was
  /// accepted.
  std::optional<Refused> Judge(const UpdateId& id, Version base) const;

 private:
  const bool fold_;
  const std::uint32_t staleness_max_;
  std::map<Round, UnfinishedRound> rounds_;
};

}  // namespace muster::coordinator
