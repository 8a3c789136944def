#include "simulator/check/order_free.h"

#include <string>
#include <utility>
#include <vector>

#include "common/digest.h"
#include "coordinator/runtime/replay.h"
#include "simulator/check/reference_step.h"

namespace muster::simulator {
namespace {

/// Of so many job seeds one is replayed by the production code too.
constexpr std::uint64_t kReplayEvery = 8;

/// How many rounds after the one that an update's id names it may still count.
Round RoundsAfter(const JobSpec& job) {
  return NaiveTakesStale(job.round) ? Round{job.round.staleness_max} + 1 : 0;
}

ReferenceVersion FirstVersion(const JobSpec& job) {
  const std::unique_ptr<Trainer> trainer = std::move(*CreateTrainer(job, 0, {}));
  return {job, trainer->InitialParameters()};
}

}  // namespace

OrderFree::OrderFree(World& world, const CoordinatorSetup& setup, const Ledger& ledger)
    : Checker(world, "P4 order-free"),
      setup_(setup),
      ledger_(ledger),
      reference_(FirstVersion(setup.job)) {
  AddFacts();
}

void OrderFree::AddFacts() {
  VersionFacts facts{reference_.ModelDigest(), reference_.Loss(), 0};
  facts.accuracy = 1.0 / (1.0 + facts.loss);
  facts_.emplace(at_, facts);
}

const VersionFacts* OrderFree::FactsOf(Version version) const {
  const auto found = facts_.find(version);
  return found == facts_.end() ? nullptr : &found->second;
}

// Nothing of a task outlives the process, and who is back from a second coordinator was told there.
void OrderFree::OnParticipantStart(RosterIndex who, const participant::DurableState& /*state*/) {
  told_.erase(who);
}

void OrderFree::OnParticipantEvent(RosterIndex who, const participant::Event& event) {
  const auto* received = std::get_if<participant::Received>(&event);
  const auto* task = received == nullptr ? nullptr : std::get_if<TaskOrder>(&received->message);
  if (task != nullptr) told_[who][task->id].insert(task->model_digest);
}

void OrderFree::OnFit(RosterIndex who, const UpdateId& id, Version base_version, ByteSpan base) {
  // Not when its round ends: a process that stood still begins a task rounds later.
  std::erase_if(told_[who], [&id](const auto& task) { return task.first < id; });
  const Xxh128Digest digest = Xxh128Of(base);
  Expect(told_[who][id].contains(digest), [&] {
    return MemberText(who) + " begins " + id.Text() + " from another model than its task names";
  });
  const VersionFacts* facts = FactsOf(base_version);
  Expect(broken_ || (facts != nullptr && facts->model_digest == digest), [&] {
    return MemberText(who) + " begins " + id.Text() + " from other bytes than those of " +
           VersionText(base_version);
  });
}

void OrderFree::OnTrained(RosterIndex who, const Trained& trained) {
  const Xxh128Digest digest = Xxh128Of(trained.update);
  const auto [before, first] =
      trained_.emplace(std::pair(trained.id, trained.client_version), digest);
  Expect(first || before->second == digest, [&] {
    return MemberText(who) + " trained " + trained.id.Text() + " twice and has two updates";
  });
  Known& known = known_[digest];
  known.round = std::max(known.round, trained.id.round + RoundsAfter(setup_.job));
  if (known.bytes.empty()) known.bytes.assign(trained.update.begin(), trained.update.end());
}

void OrderFree::OnSpooled(coordinator::UploadId upload, ByteSpan bytes) {
  Bytes& all = uploads_[upload];
  all.insert(all.end(), bytes.begin(), bytes.end());
}

void OrderFree::OnEvent(const coordinator::Event& event) {
  const auto* checked = std::get_if<coordinator::UploadChecked>(&event);
  if (checked == nullptr) return;
  const auto found = uploads_.find(checked->upload);
  if (found == uploads_.end()) return;
  const Xxh128Digest digest = Xxh128Of(found->second);
  Expect(digest == checked->digest,
         [] { return "the spool holds other bytes of an upload than those that were checked"; });
  Known& known = known_[digest];
  known.round =
      std::max(known.round, ledger_.records().rbegin()->second.round + 1 + RoundsAfter(setup_.job));
  if (known.bytes.empty()) known.bytes = std::move(found->second);
  uploads_.erase(found);
}

void OrderFree::OnEffect(const coordinator::Effect& effect) {
  if (const auto* close = std::get_if<coordinator::CloseUpload>(&effect)) {
    uploads_.erase(close->upload);
  } else if (const auto* task = Sent<TaskOrder>(effect)) {
    Expect(
        broken_ || (task->base_version == at_ && task->model_digest == facts_.at(at_).model_digest),
        [&] {
          return task->id.Text() + " is to begin with another model than version " +
                 std::to_string(at_) + " has";
        });
  }
}

void OrderFree::ForgetUpTo(Round round) {
  std::erase_if(known_, [round](const auto& entry) { return entry.second.round <= round; });
  const Round after = RoundsAfter(setup_.job);
  std::erase_if(trained_, [round, after](const auto& entry) {
    return entry.first.first.round + after <= round;
  });
}

void OrderFree::Advance(const RoundRecord& record) {
  std::vector<ByteSpan> updates;
  for (const RecordedUpdate& update : record.accepted) {
    const auto known = known_.find(update.digest);
    Expect(known != known_.end(), [&] {
      return update.id.Text() + " counts in " + VersionText(record.version) +
             " with bytes that nobody trained or sent";
    });
    if (known == known_.end()) return void(broken_ = true);
    updates.emplace_back(known->second.bytes);
    const auto trained = trained_.find({update.id, update.client_version});
    const bool is_trained = trained != trained_.end() && trained->second == update.digest;
    all_trained_ = all_trained_ && is_trained;
    // A flipped bit of an offer may name another client state.
    const bool misquoted = world_.happened().garbled > 0 && KeepsClientState(setup_.job);
    const auto accepted = ledger_.accepted().find(update.id);
    const RosterIndex from =
        accepted == ledger_.accepted().end() ? update.id.slot : accepted->second.from;
    Expect(is_trained || misquoted || world_.faults().hostile.contains(from), [&] {
      return update.id.Text() + " counts in " + VersionText(record.version) +
             " with bytes that no training of this coordinator's tasks gave";
    });
  }
  const std::string wrong = reference_.Advance(record, updates);
  broken_ = !wrong.empty() || reference_.Digest() != record.digest;
  Expect(!broken_, [&] {
    return VersionText(record.version) + " is not the one that follows from its record" +
           (wrong.empty() ? "" : ": " + wrong);
  });
  at_ = record.version;
  if (!broken_) AddFacts();
  ForgetUpTo(record.round);
}

void OrderFree::CatchUp() {
  for (auto next = ledger_.records().upper_bound(at_); next != ledger_.records().end() && !broken_;
       next = ledger_.records().upper_bound(at_)) {
    Advance(next->second);
  }
}

void OrderFree::OnStart(const RecoveredState& /*recovered*/, CheckpointStore& /*store*/) {
  uploads_.clear();
  const auto first = ledger_.records().find(0);
  Expect(
      first != ledger_.records().end() && (at_ > 0 || first->second.digest == reference_.Digest()),
      [] { return "version 0 is not the one that the job decides"; });
  CatchUp();
}

void OrderFree::OnWritten(const Batch& batch) {
  if (!All<PutRoundRecord>(batch).empty()) CatchUp();
}

void OrderFree::OnFinish(CheckpointStore& store) {
  if (!all_trained_ || broken_ || setup_.job.seed % kReplayEvery != 0) return;
  const auto replayed = coordinator::ReplayVersions(store, setup_.job, {}, [](Version) {});
  // A bit that was flipped must be found, and nothing can be computed from what it lies in.
  Expect(replayed.has_value() || MayBeRot(replayed.error()),
         [&] { return "the records do not replay: " + replayed.error().Text(); });
}

}  // namespace muster::simulator
