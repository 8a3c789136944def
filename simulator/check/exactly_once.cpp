#include "simulator/check/exactly_once.h"

#include <algorithm>
#include <set>
#include <string>

#include "common/error.h"

namespace muster::simulator {
namespace {

bool SameUpdate(const AcceptedUpdate& a, const AcceptedUpdate& b) {
  return a.id == b.id && a.counts_in == b.counts_in && a.digest == b.digest &&
         a.weight == b.weight && a.base_version == b.base_version &&
         a.client_version == b.client_version && a.from == b.from &&
         a.extent.index == b.extent.index;
}

}  // namespace

void ExactlyOnce::CheckRecord(const RoundRecord& record) {
  const std::string name = VersionText(record.version);
  std::set<UpdateId> own;
  for (const RecordedUpdate& update : record.accepted) {
    Expect(own.insert(update.id).second,
           [&] { return update.id.Text() + " counts twice in " + name; });
    const auto counted = ledger_.counted().find(update.id);
    Expect(counted != ledger_.counted().end() && counted->second == record.version,
           [&] { return update.id.Text() + " counts in " + name + " and in another version"; });
    const auto accepted = ledger_.accepted().find(update.id);
    const bool known = accepted != ledger_.accepted().end();
    Expect(known,
           [&] { return update.id.Text() + " counts in " + name + " and was not accepted"; });
    if (!known) continue;
    const AcceptedUpdate& was = accepted->second;
    Expect(was.digest == update.digest && was.weight == update.weight &&
               was.base_version == update.base_version &&
               was.client_version == update.client_version,
           [&] {
             return update.id.Text() + " counts in " + name + " with weight " +
                    std::to_string(update.weight) + " on version " +
                    std::to_string(update.base_version) + "; it was accepted with weight " +
                    std::to_string(was.weight) + " on version " + std::to_string(was.base_version) +
                    (was.digest == update.digest ? "" : " and another digest");
           });
  }
  for (const auto& [id, update] : ledger_.accepted()) {
    if (id.lineage != record.lineage || update.counts_in != record.round) continue;
    Expect(own.contains(id),
           [&, id = id] { return id.Text() + " was accepted durably and is missing in " + name; });
  }
}

void ExactlyOnce::CheckFate(const UpdateFate& fate) {
  if (fate.committed) {
    const auto counted = ledger_.counted().find(fate.id);
    Expect(counted != ledger_.counted().end() && counted->second == fate.version &&
               ledger_.IsAccepted(fate.id, fate.digest),
           [&] {
             return "the fate of " + fate.id.Text() + " says that it counts in version " +
                    std::to_string(fate.version) + "; the records say otherwise";
           });
    return;
  }
  Expect(!ledger_.counted().contains(fate.id) && !ledger_.IsAccepted(fate.id, fate.digest), [&] {
    return "the fate of " + fate.id.Text() + " is " + std::string(ReasonName(fate.reason)) +
           "; it was accepted, or counts";
  });
}

void ExactlyOnce::CheckAccept(const AcceptedUpdate& update) {
  const auto known = ledger_.accepted().find(update.id);
  Expect(known == ledger_.accepted().end() || SameUpdate(known->second, update),
         [&] { return update.id.Text() + " is accepted a second time, as another update"; });
  Expect(!ledger_.counted().contains(update.id),
         [&] { return update.id.Text() + " is accepted again after it was committed"; });
}

void ExactlyOnce::OnWritten(const Batch& batch) {
  for (const Mutation& mutation : batch.mutations) {
    if (const auto* put = std::get_if<PutAccepted>(&mutation)) {
      Expect(!ledger_.in_memory(), [&] {
        return put->update.id.Text() + " is accepted durably, and the job asks not to";
      });
      CheckAccept(put->update);
    }
    if (const auto* put = std::get_if<PutRoundRecord>(&mutation)) CheckRecord(put->record);
    if (const auto* put = std::get_if<PutFate>(&mutation)) CheckFate(put->fate);
  }
}

void ExactlyOnce::OnEvent(const coordinator::Event& event) {
  asked_.reset();
  const auto* received = std::get_if<coordinator::Received>(&event);
  if (received == nullptr) return;
  if (const auto* hello = std::get_if<Hello>(&received->message)) asked_ = hello->retained;
}

void ExactlyOnce::CheckWelcome(const Welcome& welcome) {
  using Fate = Welcome::RetainedFate;
  if (!asked_) return;
  const bool counts = ledger_.IsCounted(asked_->id, asked_->digest);
  const bool accepted = ledger_.IsAccepted(asked_->id, asked_->digest);
  // Of elastic data another's equal update of the block is not its own, and of a round that is over
  // only the records still know.
  const auto found = ledger_.accepted().find(asked_->id);
  const bool anothers = found != ledger_.accepted().end() && found->second.from != welcome.index &&
                        welcome.retained_reason == Reason::lease_lost;
  const bool past = counts && welcome.retained_reason == Reason::round_past;
  const bool true_word =
      (welcome.retained_fate == Fate::dropped && elastic_ && (anothers || past)) ||
      (welcome.retained_fate == Fate::committed && counts) ||
      (welcome.retained_fate == Fate::accepted && accepted && !counts) ||
      ((welcome.retained_fate == Fate::dropped || welcome.retained_fate == Fate::none) &&
       !accepted);
  Expect(true_word, [&] {
    return "welcome tells " + MemberText(welcome.index) + " fate " +
           std::to_string(static_cast<int>(welcome.retained_fate)) + " of " + asked_->id.Text() +
           ", which " +
           (counts     ? "counts"
            : accepted ? "is accepted"
                       : "is not accepted");
  });
}

void ExactlyOnce::OnEffect(const coordinator::Effect& effect) {
  if (const auto* accepted = Sent<Accepted>(effect)) {
    Expect(ledger_.IsAccepted(accepted->id, accepted->digest),
           [&] { return accepted->id.Text() + " is acknowledged before it is durably accepted"; });
  } else if (const auto* committed = Sent<Committed>(effect)) {
    const auto counted = ledger_.counted().find(committed->id);
    Expect(counted != ledger_.counted().end() && counted->second == committed->version, [&] {
      return committed->id.Text() + " is said to count in version " +
             std::to_string(committed->version) + ", whose record does not say so";
    });
  } else if (const auto* welcome = Sent<Welcome>(effect)) {
    CheckWelcome(*welcome);
  }
}

// Fates are one a slot: the last. So no slot's may be older than the last update that counts.
void ExactlyOnce::CheckFatesOf(const RecoveredState& state) {
  std::map<Slot, const UpdateFate*> by_slot;
  for (const UpdateFate& fate : state.fates) {
    CheckFate(fate);
    by_slot[fate.id.slot] = &fate;
  }
  for (const auto& [id, version] : ledger_.counted()) {
    const auto fate = by_slot.find(id.slot);
    Expect(fate != by_slot.end() && fate->second->id >= id, [&, id = id] {
      return id.Text() + " counts, and the last fate of its slot does not say so";
    });
  }
}

/// Every durable accept counts, or waits in the open round, or its fate says why it does not.
void ExactlyOnce::CheckAccounted(const RecoveredState& state, const char* when) {
  for (const auto& [id, update] : ledger_.accepted()) {
    // What was in memory alone went with the process.
    if (ledger_.in_memory() && !ledger_.counted().contains(id)) continue;
    const bool open = std::ranges::any_of(
        state.accepted, [&update = update](const auto& one) { return SameUpdate(one, update); });
    const auto fate = ledger_.fates().find(id);
    const bool dropped = fate != ledger_.fates().end() && !fate->second.committed;
    Expect(int{open} + int{ledger_.counted().contains(id)} + int{dropped} == 1, [&, id = id] {
      return id.Text() + " was accepted durably and " + when +
             (open ? " is accepted still, though it is settled" : " is forgotten");
    });
  }
}

void ExactlyOnce::OnStart(const RecoveredState& recovered, CheckpointStore& /*store*/) {
  asked_.reset();
  for (const AcceptedUpdate& update : recovered.accepted) {
    const auto asked = ledger_.asked_accepts().find(update.id);
    const bool known = asked != ledger_.asked_accepts().end() &&
                       std::ranges::any_of(asked->second, [&](const AcceptedUpdate& one) {
                         return SameUpdate(one, update);
                       });
    Expect(known,
           [&] { return update.id.Text() + " is accepted after a start; no batch says so"; });
  }
  if (recovered.last_record->version > 0) {
    const RoundRecord& last = *recovered.last_record;
    const auto asked = ledger_.asked_versions().find(last.version);
    Expect(asked != ledger_.asked_versions().end() &&
               std::ranges::find(asked->second, last.digest) != asked->second.end(),
           [&] { return VersionText(last.version) + " is committed; no batch says so"; });
    CheckRecord(last);
  }
  CheckFatesOf(recovered);
  CheckAccounted(recovered, "after a start");
}

void ExactlyOnce::OnFinish(CheckpointStore& store) {
  Version last = 0;
  const Status read = store.ForEachRoundRecord([&](const RoundRecord& record) -> Status {
    last = record.version;
    CheckRecord(record);
    return {};
  });
  Expect(read.has_value(), [&] { return "the records cannot be read: " + read.error().Text(); });
  const Version known = ledger_.records().empty() ? 0 : ledger_.records().rbegin()->first;
  Expect(last == known, [&] {
    return "the records end with version " + std::to_string(last) + "; the last commit was " +
           std::to_string(known);
  });
  CheckFatesOf(store.recovered());
  CheckAccounted(store.recovered(), "at the end");
}

// Which of them cannot be read judges the chain.
void ExactlyOnce::OnDamagedEnd(CheckpointStore& store) {
  for (const auto& [version, known] : ledger_.records()) {
    if (const auto record = store.ReadRoundRecord(version)) CheckRecord(*record);
  }
}

}  // namespace muster::simulator
