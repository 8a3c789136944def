#include "simulator/check/elastic_data.h"

#include <algorithm>
#include <string>
#include <utility>

namespace muster::simulator {

void ElasticData::CheckRecord(const RoundRecord& record) {
  const DataSpec& data = setup_.job.data;
  const std::uint64_t blocks =
      data.train_examples / data.block_examples + (data.train_examples % data.block_examples != 0);
  const std::uint64_t wanted = std::min<std::uint64_t>(setup_.job.round.goal, blocks - next_block_);
  const std::string name = VersionText(record.version);
  Expect(record.accepted.size() == wanted, [&] {
    return name + " holds " + std::to_string(record.accepted.size()) + " blocks from block " +
           std::to_string(next_block_) + " of " + std::to_string(blocks) + " on; it should hold " +
           std::to_string(wanted);
  });
  for (std::uint64_t i = 0; i < record.accepted.size(); ++i) {
    const RecordedUpdate& update = record.accepted[i];
    Expect(update.id.slot == i, [&] {
      return update.id.Text() + " counts in " + name + " in the place of block " +
             std::to_string(i);
    });
    const bool last = next_block_ + i + 1 == blocks;
    const std::uint64_t examples =
        last ? data.train_examples - (blocks - 1) * data.block_examples : data.block_examples;
    const bool uniform = setup_.job.aggregation.weights == WeightPolicy::uniform;
    Expect(update.weight == (uniform ? 1 : examples), [&] {
      return update.id.Text() + " counts with weight " + std::to_string(update.weight) +
             "; its block has " + std::to_string(examples) + " examples";
    });
  }
  next_block_ += record.accepted.size();
  if (next_block_ >= blocks) next_block_ = 0;
}

void ElasticData::CatchUp() {
  for (auto next = ledger_.records().upper_bound(at_); next != ledger_.records().end();
       next = ledger_.records().upper_bound(at_)) {
    at_ = next->first;
    CheckRecord(next->second);
  }
}

void ElasticData::OnStart(const RecoveredState& /*recovered*/, CheckpointStore& /*store*/) {
  asked_.clear();
  last_asked_.clear();
  lost_.clear();
  told_now_.clear();
  CatchUp();
}

void ElasticData::OnTask(RosterIndex who, const UpdateId& id) {
  Expect(!ledger_.accepted().contains(id), [&] {
    return id.Text() + " is asked of " + MemberText(who) + ", and is accepted already";
  });
  asked_[id] = who;
  last_asked_[who] = id;
  lost_.erase({who, id});
}

// Who comes with an update of a block that nobody holds is granted it, and holds it from then on.
void ElasticData::OnGrant(RosterIndex who, const UpdateId& id) {
  const auto asked = asked_.find(id);
  const bool anothers =
      asked != asked_.end() && asked->second != who && last_asked_[asked->second] == id;
  Expect(!anothers, [&] {
    return MemberText(who) + " is granted " + id.Text() + ", which " + MemberText(asked->second) +
           " holds";
  });
  asked_[id] = who;
  last_asked_[who] = id;
  lost_.erase({who, id});
}

void ElasticData::OnLost(RosterIndex who, const UpdateId& id) {
  lost_.insert({who, id});
  told_now_.emplace_back(who, id);
}

// Whoever takes a block over is asked in the step that tells the other.
void ElasticData::OnStepped(const coordinator::CoordinatorCore& /*core*/, MonotonicMs /*now*/) {
  for (const auto& [who, id] : std::exchange(told_now_, {})) {
    const auto accepted = ledger_.accepted().find(id);
    const bool anothers = accepted != ledger_.accepted().end() && accepted->second.from != who;
    const auto asked = asked_.find(id);
    const bool holds = asked != asked_.end() && asked->second == who && last_asked_[who] == id;
    Expect(anothers || !holds, [&, who = who, id = id] {
      return MemberText(who) + " is told that it lost " + id.Text() + ", which it holds";
    });
  }
}

// The blocks of who left are anybody's.
void ElasticData::OnLeft(const std::string& name) {
  const auto entry = std::ranges::find(ledger_.roster(), name, &RosterEntry::name);
  if (entry == ledger_.roster().end()) return;
  std::erase_if(asked_, [&](const auto& asked) { return asked.second == entry->index; });
}

void ElasticData::OnEffect(const coordinator::Effect& effect) {
  const auto* send = std::get_if<coordinator::Send>(&effect);
  if (send == nullptr) {
    const auto* notice = std::get_if<coordinator::Notice>(&effect);
    if (notice != nullptr && notice->kind == coordinator::NoticeKind::left) OnLeft(notice->who);
    const auto* persist = std::get_if<coordinator::Persist>(&effect);
    if (persist == nullptr) return;
    for (const auto* put : All<PutAccepted>(persist->batch)) {
      const AcceptedUpdate& update = put->update;
      Expect(!lost_.contains({update.from, update.id}), [&] {
        return update.id.Text() + " is accepted of " + MemberText(update.from) +
               ", which was told that it lost the block";
      });
    }
    return;
  }
  const auto owner = sessions_.OwnerOf(send->link);
  if (!owner) return;
  if (const auto* task = std::get_if<TaskOrder>(&send->message)) {
    OnTask(*owner, task->id);
  } else if (const auto* grant = std::get_if<Grant>(&send->message)) {
    OnGrant(*owner, grant->id);
  } else if (const auto* refused = std::get_if<Refused>(&send->message);
             refused != nullptr && refused->id && refused->reason == Reason::lease_lost) {
    OnLost(*owner, *refused->id);
  }
}

void ElasticData::OnWritten(const Batch& batch) {
  if (!All<PutRoundRecord>(batch).empty()) CatchUp();
}

}  // namespace muster::simulator
