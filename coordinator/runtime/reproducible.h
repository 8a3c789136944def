// Whether a run's digest is a function of job and roster alone, and if not, what broke it.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/store.h"
#include "common/error.h"
#include "model/job.h"
#include "protocol/records.h"

namespace muster::coordinator {

struct ReproducibilityCause {
  Round round = 0;  ///< 0: the whole run.
  Reason cause = Reason::round_closed;
  std::string who;  ///< A roster name; empty if not about one.
  bool operator==(const ReproducibilityCause&) const = default;
};

struct Reproducibility {
  bool reproducible = true;
  std::vector<ReproducibilityCause> causes;  ///< At most kCausesMax, the earliest rounds first.
  std::uint64_t cause_count = 0;             ///< Of all.
  std::uint64_t attempts = 0;                ///< Of all rounds that were committed.
};

/// Takes a run's records in order and judges them. A pure function of what it is given: no clock,
/// no process, no restart enters. True if
///  - slots were drawn from job and roster, or are blocks of elastic data, which follow from the
///    job alone and whose updates are the same whoever trained them (else selected_from_present,
///    once for the run: what was drawn from and drawn first is then itself a fact of who was
///    connected, so the next two points have nothing to compare with and name nobody; in async
///    instead mode_async, once),
///  - every accepted set equals the slots first drawn (else, for a slot that did not deliver,
///    deadline_passed or round_closed; for one that came in its place, replaced; for a late one of
///    an earlier round, late_folded),
///  - client-side state, where the job has some, was never lost: what was trained began from what
///    became current when this slot counted last (else client_state_lost),
///  - the roster that selection drew from stayed that of round 1 (else roster_changed),
///  - the trainer promises equal bits (else trainer_not_deterministic),
///  - there is one lineage, and no version is a copy of an older one (else lineage_forked, once for
///    each copy, which is what a lineage begins with).
class ReproducibilityJudge {
 public:
  static constexpr std::size_t kCausesMax = 1000;

  ReproducibilityJudge(const JobSpec& job, bool trainer_deterministic,
                       std::span<const LineageRecord> lineages,
                       std::span<const RosterEntry> roster);

  /// The next record, ascending by version; version 0 says nothing and may be left out.
  void Add(const RoundRecord& record);
  Reproducibility Verdict() const;

 private:
  void CompareRoster(const RoundRecord& record);
  void CompareAccepted(const RoundRecord& record);
  void CompareClientStates(const RoundRecord& record);
  void AddCause(Round round, Reason cause, std::string who);
  std::string NameOf(RosterIndex index) const;
  std::string NameOfSlot(Slot slot) const;

  const bool elastic_;  ///< Slots are blocks.
  const bool drawn_from_roster_;
  const bool keeps_client_state_;
  const bool forked_;
  bool copied_ = false;
  std::vector<RosterEntry> roster_;
  std::vector<RosterIndex> eligible_;  ///< Of the record before.
  bool first_ = true;
  std::map<Slot, Version> counted_;  ///< The last version in which each slot's update counts.
  Reproducibility verdict_;
};

/// Judges all records of a store. Errors: those of the store.
Result<Reproducibility> JudgeReproducibility(CheckpointStore& store, const JobSpec& job,
                                             bool trainer_deterministic,
                                             std::span<const LineageRecord> lineages,
                                             std::span<const RosterEntry> roster);

}  // namespace muster::coordinator
