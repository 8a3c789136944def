#include "simulator/check/chain.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <utility>

#include "common/random.h"
#include "simulator/world/content.h"

namespace muster::simulator {
namespace {

std::string RoundName(Round round) { return "round " + std::to_string(round); }

bool Folds(const JobSpec& job) { return job.round.late == LatePolicy::fold; }

/// Who is drawn of these, by the job's keyed ranks; ascending. In async nobody.
std::vector<Slot> Drawn(const JobSpec& job, Round round, const std::vector<RosterIndex>& eligible) {
  if (job.round.mode == Mode::async) return {};
  std::vector<std::pair<std::uint64_t, Slot>> ranks;
  for (const RosterIndex index : eligible) {
    ranks.emplace_back(KeyedNumber(job.seed, "select", {round, index}), index);
  }
  std::ranges::sort(ranks);
  if (ranks.size() > CohortSize(job.round)) ranks.resize(CohortSize(job.round));
  std::vector<Slot> drawn;
  for (const auto& [rank, index] : ranks) drawn.push_back(index);
  std::ranges::sort(drawn);
  return drawn;
}

}  // namespace

bool Chain::IsLate(const RecordedUpdate& update, const RoundRecord& record) const {
  return Folds(setup_.job) && update.id.round < record.round;
}

// Its round, in this lineage, asked for it in vain, and not too many versions ago.
bool Chain::MayBeLate(const RecordedUpdate& update, const RoundRecord& record) const {
  const auto round = std::ranges::find_if(ledger_.records(), [&](const auto& entry) {
    return entry.second.round == update.id.round && entry.second.lineage == update.id.lineage;
  });
  if (round == ledger_.records().end()) return false;
  const RoundRecord& over = round->second;
  return update.id.task == 0 && update.base_version == over.parent &&
         record.parent - update.base_version <= setup_.job.round.staleness_max &&
         std::ranges::binary_search(over.unfinished, update.id.slot);
}

void Chain::CheckUpdates(const RoundRecord& record) {
  const RoundSpec& rules = setup_.job.round;
  const std::string name = VersionText(record.version);
  const std::size_t count = record.accepted.size();
  // How many blocks there are of elastic data judges its own checker.
  const bool elastic = setup_.job.data.access == DataAccess::elastic;
  const auto late = static_cast<std::size_t>(std::ranges::count_if(
      record.accepted, [&](const RecordedUpdate& update) { return IsLate(update, record); }));
  const std::size_t own = count - late;
  Expect((elastic || own >= rules.quorum) && own <= rules.goal && late <= CohortSize(rules), [&] {
    return name + " has " + std::to_string(own) + " updates" +
           (late == 0 ? "" : ", and " + std::to_string(late) + " late") + "; quorum " +
           std::to_string(rules.quorum) + ", goal " + std::to_string(rules.goal);
  });
  std::uint64_t sum = 0;
  std::set<Slot> late_slots;
  for (std::size_t i = 0; i < count; ++i) {
    const RecordedUpdate& update = record.accepted[i];
    sum += update.weight;
    Expect(!IsLate(update, record) || late_slots.insert(update.id.slot).second,
           [&] { return name + " holds a second late update of the slot of " + update.id.Text(); });
    Expect(i == 0 || record.accepted[i - 1].id < update.id,
           [&] { return name + " does not have its updates in the order of their ids"; });
    const bool of_round = update.id.round == record.round && update.id.task == 0 &&
                          update.base_version == record.parent;
    const bool of_base = update.id.round == update.base_version &&
                         update.base_version <= record.parent &&
                         record.parent - update.base_version <= rules.staleness_max;
    const bool fits = rules.mode == Mode::async ? of_base
                      : IsLate(update, record)  ? MayBeLate(update, record)
                                                : of_round;
    Expect(update.id.lineage == record.lineage && fits, [&] {
      return name + " of " + RoundName(record.round) + " and parent " +
             std::to_string(record.parent) + " holds " + update.id.Text() +
             ", trained on version " + std::to_string(update.base_version);
    });
    Expect(update.weight >= 1 && update.weight <= setup_.job.aggregation.weight_max, [&] {
      return update.id.Text() + " counts with weight " + std::to_string(update.weight);
    });
  }
  Expect(sum == record.weight_sum, [&] {
    return name + " records weight " + std::to_string(record.weight_sum) + "; its updates have " +
           std::to_string(sum);
  });
}

// What the record says of its round is what the open round said.
void Chain::CheckOfRound(const RoundRecord& record) {
  const std::string name = VersionText(record.version);
  const bool open = asked_ && asked_->round == record.round;
  Expect(open,
         [&] { return name + " is committed, and " + RoundName(record.round) + " is not open"; });
  if (!open) return;
  Expect(record.eligible == asked_->eligible && record.first_drawn == asked_->first_drawn &&
             record.attempts == asked_->attempt && record.bound_raise == asked_->bound_raise &&
             record.parent == asked_->parent,
         [&] { return name + " records another draw, attempt or parent than its round had"; });
  if (setup_.job.round.mode == Mode::async) return;
  std::set<Slot> unfinished(asked_->cohort.begin(), asked_->cohort.end());
  for (const RecordedUpdate& update : record.accepted) {
    if (IsLate(update, record)) continue;
    unfinished.erase(update.id.slot);
    Expect(std::ranges::find(asked_->cohort, update.id.slot) != asked_->cohort.end(), [&] {
      return update.id.Text() + " counts in " + name + ", and its slot was not asked for";
    });
  }
  if (!Folds(setup_.job)) unfinished.clear();
  std::vector<Slot> least;  // A member that was added may not have been asked yet.
  std::ranges::set_intersection(record.first_drawn, unfinished, std::back_inserter(least));
  const bool named = std::ranges::includes(unfinished, record.unfinished) &&
                     std::ranges::includes(record.unfinished, least);
  Expect(named, [&] { return name + " does not name the slots that its round left unfinished"; });
}

void Chain::CheckRecord(const RoundRecord& record, const Batch& batch) {
  const std::string name = VersionText(record.version);
  const RoundRecord& last = ledger_.records().rbegin()->second;
  Expect(record.version == last.version + 1 && record.parent == last.version &&
             record.round == last.round + 1,
         [&] {
           return name + " (parent " + std::to_string(record.parent) + ", " +
                  RoundName(record.round) + ") follows version " + std::to_string(last.version) +
                  " of " + RoundName(last.round);
         });
  Expect(record.lineage == ledger_.fence().lineage, [&] {
    return name + " is of lineage " + std::to_string(record.lineage) + "; the coordinator's is " +
           std::to_string(ledger_.fence().lineage);
  });
  const auto manifests = All<PutVersion>(batch);
  Expect(manifests.size() == 1 && manifests[0]->manifest.version == record.version &&
             manifests[0]->manifest.digest == record.digest,
         [&] { return name + " is committed with another manifest than its record names"; });
  CheckUpdates(record);
}

void Chain::CheckOpened(const OpenRound& round, const RoundRecord& last) {
  const JobSpec& job = setup_.job;
  const std::string name = RoundName(round.round);
  Expect(round.round == last.round + 1 && round.parent == last.version, [&] {
    return name + " opens on version " + std::to_string(round.parent) + " after version " +
           std::to_string(last.version) + " of " + RoundName(last.round);
  });
  if (job.data.access == DataAccess::elastic) {
    std::vector<Slot> blocks;
    while (blocks.size() < round.cohort.size()) blocks.push_back(static_cast<Slot>(blocks.size()));
    Expect(round.eligible.empty() && !blocks.empty() && round.cohort == blocks &&
               round.first_drawn == blocks && round.attempt == 1 && round.bound_raise == 0,
           [&] { return name + " does not begin with the next blocks of its epoch"; });
    return;
  }
  std::vector<RosterIndex> drawable;
  for (const RosterEntry& entry : ledger_.roster()) {
    if (!entry.revoked && entry.index < job.data.parts) drawable.push_back(entry.index);
  }
  const bool all = job.round.select_from == SelectFrom::enrolled;
  Expect(all ? round.eligible == drawable : std::ranges::includes(drawable, round.eligible),
         [&] { return name + " draws from others than those who may take part"; });
  Expect(round.first_drawn == Drawn(job, round.round, round.eligible) &&
             round.cohort == round.first_drawn && round.attempt == 1 && round.bound_raise == 0,
         [&] { return name + " does not begin with the cohort that job and roster decide"; });
}

void Chain::CheckGrown(const OpenRound& before, const OpenRound& after) {
  const bool elastic = setup_.job.data.access == DataAccess::elastic;
  const bool same_draw = before.parent == after.parent && before.first_drawn == after.first_drawn &&
                         (!elastic || before.cohort == after.cohort);
  const bool kept = after.cohort.size() >= before.cohort.size() &&
                    std::equal(before.cohort.begin(), before.cohort.end(), after.cohort.begin());
  Expect(same_draw && kept && std::ranges::includes(after.eligible, before.eligible) &&
             after.attempt >= before.attempt && after.bound_raise >= before.bound_raise,
         [&] {
           return RoundName(after.round) + " forgets a part of its draw in attempt " +
                  std::to_string(after.attempt);
         });
}

void Chain::CheckBatch(const Batch& batch) {
  const RoundRecord* last = &ledger_.records().rbegin()->second;
  for (const Mutation& mutation : batch.mutations) {
    if (const auto* put = std::get_if<PutRoundRecord>(&mutation)) {
      last = &put->record;
      CheckRecord(put->record, batch);
      // A batch that the disk refused comes again when the next round was already asked for.
      if (std::exchange(committing_, put->record.version) != put->record.version) {
        CheckOfRound(put->record);
      }
    } else if (std::holds_alternative<ClearOpenRound>(mutation)) {
      asked_.reset();
    } else if (const auto* open = std::get_if<PutOpenRound>(&mutation)) {
      if (asked_ && asked_->round == open->round.round) {
        CheckGrown(*asked_, open->round);
      } else if (!opened_ || opened_->round != open->round.round ||
                 opened_->eligible != open->round.eligible) {
        // One that the disk refused comes again as it was, whatever became of the roster meanwhile.
        CheckOpened(open->round, *last);
      }
      asked_ = opened_ = open->round;
    }
  }
}

void Chain::OnEffect(const coordinator::Effect& effect) {
  if (const auto* persist = std::get_if<coordinator::Persist>(&effect)) CheckBatch(persist->batch);
}

void Chain::OnStart(const RecoveredState& recovered, CheckpointStore& /*store*/) {
  asked_ = recovered.open_round;
  opened_.reset();
  committing_ = 0;
  const RoundRecord& last = *recovered.last_record;
  Expect(recovered.head->version == last.version && recovered.head->digest == last.digest, [&] {
    return "head is not the version of the last record, " + VersionText(last.version);
  });
  Expect(!asked_ || (asked_->round == last.round + 1 && asked_->parent == last.version), [&] {
    return RoundName(asked_->round) + " is open after a start, and the last record is of " +
           RoundName(last.round);
  });
}

void Chain::OnFinish(CheckpointStore& store) {
  Version next = 0;
  const Status read = store.ForEachRoundRecord([&](const RoundRecord& record) -> Status {
    const auto known = ledger_.records().find(record.version);
    Expect(record.version == next && known != ledger_.records().end() &&
               known->second.digest == record.digest,
           [&] {
             return VersionText(record.version) + " at the end is not the one that was committed";
           });
    next = record.version + 1;
    return {};
  });
  Expect(read.has_value(), [&] { return "the records cannot be read: " + read.error().Text(); });
}

void Chain::OnDamagedEnd(CheckpointStore& store) {
  const auto content = [](const RoundRecord& record) {
    Batch batch;
    batch.mutations.push_back(PutRoundRecord{record});
    return ContentOf(batch);
  };
  for (const auto& [version, known] : ledger_.records()) {
    const auto record = store.ReadRoundRecord(version);
    const bool kept = record ? content(*record) == content(known) : MayBeRot(record.error());
    Expect(kept, [&, version = version] {
      return VersionText(version) + " at an end for damage " +
             (record ? "is not the one that was committed"
                     : "cannot be read: " + record.error().Text());
    });
  }
}

}  // namespace muster::simulator
