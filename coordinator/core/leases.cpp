// Elastic data: a slot is a block of the data, leased to one holder at a time, to whoever is here
// and free. A lease is of this life of the coordinator: after a restart everybody says hello again,
// and a block belongs to whoever is given it then, or comes with its update.
#include <algorithm>
#include <utility>

#include "coordinator/core/impl.h"
#include "model/elastic.h"

namespace muster::coordinator {
namespace {

// Whether each block is done, or somebody's who still has time: so it is for most of a round, and
// all who are free ask after each update.
bool NoneToTake(const RoundState& round) {
  return round.accepted.size() + round.leases.size() >= round.record.cohort.size() &&
         std::ranges::none_of(round.leases, [&round](const auto& lease) {
           return lease.second.last < round.record.attempt;
         });
}

}  // namespace

bool CoordinatorCore::Impl::Elastic() const { return job_.data.access == DataAccess::elastic; }

// Whether all bytes of the slot's update are here: it may only await the disk.
bool CoordinatorCore::Impl::IsWhole(Slot slot) const {
  const auto upload = uploads_.find(slot);
  return upload != uploads_.end() && upload->second.requested == upload->second.offer.bytes;
}

// Whether nobody is asked for the slot before the bounds are raised: another training of the block
// would only be as large.
bool CoordinatorCore::Impl::AwaitsBounds(Slot slot) const {
  auto refused = round_->refused.lower_bound({slot, 0});
  for (; refused != round_->refused.end() && refused->first.first == slot; ++refused) {
    if (FitsUnderCap(refused->second)) return true;
  }
  return false;
}

// To the end of this attempt, or of the next one where less than half of this is left; and one more
// each time it passes on, so that no honest holder is too slow for ever.
void CoordinatorCore::Impl::Lease(Slot slot, RosterIndex holder, Attempt passes) {
  const bool late = now_ - round_->attempt_started > DeadlineAt() - now_;
  round_->leases[slot] = {holder, round_->record.attempt + passes + (late ? 1 : 0), passes};
  // What another has sent of it is of no use any more.
  const auto upload = uploads_.find(slot);
  if (upload != uploads_.end() && upload->second.from != holder) DropUpload(slot);
  Count("leases");
}

// The block that it is to do: the one it holds; else the first free one, looked for from its own
// place on, so that after a restart it finds the one again that it had; else one whose lease has
// lasted its time.
std::optional<Slot> CoordinatorCore::Impl::TakeLease(Session& session) {
  if (const auto held = SlotOf(session.index)) return held;
  if (session.control == 0) return std::nullopt;  // Nobody could tell it.
  const auto count = static_cast<Slot>(round_->record.cohort.size());
  if (NoneToTake(*round_)) return std::nullopt;
  std::optional<Slot> overdue;
  for (Slot i = 0; i < count; ++i) {
    const Slot slot = (session.index + i) % count;
    const bool open = !IsAccepted(slot) && !IsRefused(slot, session.index) &&
                      !session.asked.contains(slot) && !AwaitsBounds(slot) && !IsWhole(slot);
    if (!open) continue;
    const auto lease = round_->leases.find(slot);
    if (lease == round_->leases.end()) {
      Lease(slot, session.index, 0);
      return slot;
    }
    if (!overdue && lease->second.last < round_->record.attempt) overdue = slot;
  }
  // Who has just lost a lease does not take another's from him: two slow holders would only swap.
  if (!overdue || session.passed_over == round_->record.attempt) return std::nullopt;
  PassOn(*overdue, session.index);
  return overdue;
}

// Those here without a block, who lost the fewest of this round first: or a few that never deliver,
// or come and go all the time, would hand a block round among themselves while others are free.
std::vector<RosterIndex> CoordinatorCore::Impl::FreeHolders() const {
  std::vector<std::pair<std::uint32_t, RosterIndex>> ranked;
  for (const auto& [index, session] : sessions_) {
    if (SlotOf(index)) continue;
    const auto lost = round_->leases_lost.find(index);
    ranked.emplace_back(lost == round_->leases_lost.end() ? 0 : lost->second, index);
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<RosterIndex> holders;
  for (const auto& [lost, index] : ranked) holders.push_back(index);
  return holders;
}

void CoordinatorCore::Impl::PassOn(Slot slot, RosterIndex to) {
  const BlockLease past = round_->leases.at(slot);
  Lease(slot, to, past.passes + 1);
  Count("leases_passed_on");
  round_->leases_lost[past.holder] += 1;
  pace_.OnMissed(past.holder);
  const auto old = sessions_.find(past.holder);
  if (old == sessions_.end()) return;
  Session& session = old->second;
  session.passed_over = round_->record.attempt;
  session.ordered.reset();
  if (session.queued && session.queued->id.slot == slot) session.queued.reset();
  RefuseSession(session, Reason::lease_lost,
                UpdateId{lineage_.id.number, round_->record.round, slot, 0},
                "the lease lasted its time, and " + NameOf(to) + " is free");
}

// It is gone, or done with its block: the block goes to whoever is free. One whose update only
// awaits the disk stays its own.
void CoordinatorCore::Impl::EndLease(RosterIndex holder) {
  if (!round_) return;
  const std::optional<Slot> slot = SlotOf(holder);
  if (!slot || IsWhole(*slot)) return;
  round_->leases.erase(*slot);
  round_->leases_lost[holder] += 1;
}

// The holder comes with an update of the slot: it may deliver unless another holds the slot now, or
// it was given another one since.
bool CoordinatorCore::Impl::ClaimLease(const Session& session, Slot slot) {
  const auto lease = round_->leases.find(slot);
  if (lease != round_->leases.end()) return lease->second.holder == session.index;
  if (SlotOf(session.index)) return false;
  Lease(slot, session.index, 0);
  return true;
}

// Who comes back with the update of a block that nobody holds is asked for that one: at once, or,
// where no tasks are given when it comes, before anybody is.
void CoordinatorCore::Impl::ResumeLease(Session& session) {
  const std::optional<UpdateId> id = std::exchange(session.retained, std::nullopt);
  if (!Elastic() || !id) return;
  const bool wanted = id->lineage == lineage_.id.number && id->round == round_->record.round &&
                      InCohort(id->slot) && !IsAccepted(id->slot) &&
                      !IsRefused(id->slot, session.index) && !AwaitsBounds(id->slot);
  if (wanted) ClaimLease(session, id->slot);
}

// Of private data nobody else knows how many examples there are. A strategy from outside may refuse
// here what it took when the job was judged.
std::optional<Refused> CoordinatorCore::Impl::JudgeBlockWeight(const Offer& offer) const {
  if (!Elastic()) return std::nullopt;
  const auto range = BlockOf(job_, round_->record.round, offer.id.slot);
  MUSTER_CHECK(range.has_value(), "a block outside of its round");
  const std::uint64_t examples = range->end - range->begin;
  const auto weight = strategy_->UpdateWeight(examples);
  if (weight && offer.weight == *weight) return std::nullopt;
  return Refused{.reason = Reason::weight_invalid,
                 .text = weight ? "an update of this block has weight " + std::to_string(*weight)
                                : "a block of " + std::to_string(examples) +
                                      " examples has no weight: " + weight.error().message};
}

// Of an update that a hello names, as Welcome has it: nothing, or why it is of no use here.
std::optional<Reason> CoordinatorCore::Impl::JudgeLease(RosterIndex holder,
                                                        const UpdateId& id) const {
  if (id.lineage == lineage_.id.number && id.round <= head_round_) return Reason::round_past;
  if (!round_ || id.lineage != lineage_.id.number || id.round != round_->record.round) {
    return std::nullopt;
  }
  const auto accepted = round_->accepted.find(id);
  if (accepted != round_->accepted.end()) return Reason::lease_lost;
  const auto lease = round_->leases.find(id.slot);
  if (lease == round_->leases.end() || lease->second.holder == holder) return std::nullopt;
  return Reason::lease_lost;
}

}  // namespace muster::coordinator
