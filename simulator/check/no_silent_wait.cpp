#include "simulator/check/no_silent_wait.h"

#include <algorithm>
#include <utility>

#include "common/limits.h"

namespace muster::simulator {

using coordinator::Phase;
using coordinator::WaitDetail;
using coordinator::WaitKind;
using coordinator::WaitState;
using participant::Activity;

namespace {

std::string WaitText(const WaitState& wait) {
  return std::string(PhaseName(wait.phase)) + " waiting for " +
         std::string(WaitKindName(wait.kind));
}

/// How often, in steps, a participant is asked for its sentence: it is formatted anew each time.
constexpr std::uint64_t kSentenceEvery = 64;

}  // namespace

void NoSilentWait::OnStart(const RecoveredState& recovered, CheckpointStore& /*store*/) {
  resumed_ = recovered.open_round;
  granted_.clear();
  last_step_.reset();
  promise_.reset();
  gaps_ = 0;
}

void NoSilentWait::OnEvent(const coordinator::Event& event) {
  ticked_ = std::holds_alternative<coordinator::Tick>(event);
}

void NoSilentWait::OnEffect(const coordinator::Effect& effect) {
  if (const auto* grant = Sent<Grant>(effect)) granted_.insert(grant->id);
}

// The kinds that may wait without a deadline, each with the answer that ends it.
bool NoSilentWait::IsUnderWay(WaitKind kind) const {
  switch (kind) {
    case WaitKind::round_persisted:
      return outstanding_.Persisting<PutOpenRound>();
    case WaitKind::spool_prepared:
      return outstanding_.preparing();
    case WaitKind::sums_folded:
      return outstanding_.folding();
    case WaitKind::version_built:
      return outstanding_.building();
    case WaitKind::version_stored:
      return outstanding_.storing() || outstanding_.Persisting<ClearAccepted>();
    case WaitKind::version_persisted:
      return outstanding_.Persisting<PutRoundRecord>();
    case WaitKind::versions_dropped:
      return outstanding_.dropping();
    case WaitKind::evaluation:
      return outstanding_.evaluating() || outstanding_.Persisting<PutEvaluation>();
    case WaitKind::finish_persisted:
      return outstanding_.Persisting<PutFinish>();
    default:
      return false;
  }
}

void NoSilentWait::CheckDeadline(const WaitState& wait, MonotonicMs now) {
  const auto& options = setup_.options;
  const std::int64_t longest =
      std::max({options.deadline_ms, options.goodbye_ms, options.drain_ms, limits::kLoopGapMsMax}) +
      gaps_;
  Expect(wait.deadline_in_ms <= longest, [&] {
    return "the coordinator is in " + WaitText(wait) + " for " +
           std::to_string(wait.deadline_in_ms) + " ms more, longer than any deadline of its job";
  });
  // The one wait that may outlast its deadline: updates are on their way to the disk.
  const bool late = ticked_ && wait.deadline_in_ms == 0;
  Expect(!late || outstanding_.persisting() || outstanding_.syncing(), [&] {
    return "the deadline of " + WaitText(wait) + " has passed, and the tick moved nothing";
  });
  if (wait.phase != Phase::report || wait.deadline_in_ms == 0 || wait.kind == WaitKind::drain ||
      wait.kind == WaitKind::disk_space) {
    return;
  }
  const std::optional<OpenRound>& open = ledger_.open_round();
  const bool resumed =
      resumed_ && open && resumed_->round == open->round && resumed_->attempt == open->attempt;
  const std::int64_t consumed = resumed ? resumed_->deadline_consumed_ms : 0;
  const bool adapted =
      options.deadline == coordinator::DeadlineKind::adaptive && open && open->deadline_ms != 0;
  const std::int64_t deadline_ms =
      adapted ? std::min(open->deadline_ms, options.deadline_ms) : options.deadline_ms;
  Expect(wait.deadline_in_ms <= deadline_ms - consumed + gaps_, [&] {
    return "the attempt may take " + std::to_string(wait.deadline_in_ms) + " ms more; " +
           std::to_string(consumed) + " ms of its deadline were over at the start";
  });
  const MonotonicMs since = now - wait.since_ms;
  const MonotonicMs deadline = now + wait.deadline_in_ms - gaps_;
  if (!promise_ || promise_->since != since) promise_ = Promise{since, deadline};
  Expect(deadline <= promise_->deadline, [&] {
    return "the deadline of the attempt is put off by " +
           std::to_string(deadline - promise_->deadline) + " ms in " + WaitText(wait);
  });
}

// Nobody without a grant can have been refused for good by this process.
void NoSilentWait::CheckNames(const WaitState& wait) {
  const std::optional<OpenRound>& open = ledger_.open_round();
  const bool for_updates =
      wait.kind == WaitKind::updates || wait.kind == WaitKind::updates_persisted;
  // A block that nobody holds is nobody's to deliver; that it is given out judges the liveness
  // phase.
  if (!for_updates || !open || setup_.job.data.access == DataAccess::elastic) return;
  for (const Slot slot : open->cohort) {
    const UpdateId id{ledger_.fence().lineage, open->round, slot, 0};
    if (std::ranges::binary_search(wait.whom, slot) || granted_.contains(id)) continue;
    Expect(ledger_.accepted().contains(id), [&] {
      return id.Text() + " is awaited, and " + WaitText(wait) + " does not name its owner";
    });
  }
}

// What a gap adds is added to the waits that it met: none of them outlives its attempt.
void NoSilentWait::ForgetGaps() {
  std::optional<std::pair<Round, Attempt>> attempt;
  if (const auto& open = ledger_.open_round()) attempt = {open->round, open->attempt};
  if (std::exchange(attempt_, attempt) == attempt) return;
  gaps_ = 0;
  promise_.reset();
}

void NoSilentWait::OnStepped(const coordinator::CoordinatorCore& core, MonotonicMs now) {
  ForgetGaps();
  if (last_step_ && now - *last_step_ > coordinator::kTickMsMax + limits::kLoopGapMsMax) {
    gaps_ += now - *last_step_;
  }
  last_step_ = now;
  // What depends on time is asked after every step; names and sentence, which cost more than the
  // step, after every tick and whenever it waits for something else.
  WaitState wait = core.Waiting(now, WaitDetail::brief);
  const bool whole = ticked_ || said_ != std::pair(wait.phase, wait.kind);
  if (whole) {
    wait = core.Waiting(now);
    said_ = {wait.phase, wait.kind};
  }
  if (wait.kind == WaitKind::nothing) {
    Expect(wait.phase == Phase::starting || wait.phase == Phase::stopped,
           [&] { return "the coordinator waits for nothing in " + WaitText(wait); });
    return;
  }
  Expect((!whole || !wait.next.empty()) && wait.since_ms >= 0,
         [&] { return WaitText(wait) + " does not say what happens next"; });
  if (ticked_) CheckNames(wait);
  if (wait.deadline_in_ms >= 0) {
    CheckDeadline(wait, now);
    return;
  }
  Expect(IsUnderWay(wait.kind), [&] {
    return WaitText(wait) + " has no deadline, and nothing is under way that ends it";
  });
}

void NoSilentWait::OnParticipantStart(RosterIndex who, const participant::DurableState& /*state*/) {
  members_[who] = Member();
}

void NoSilentWait::OnParticipantEvent(RosterIndex who, const participant::Event& event) {
  Member& member = members_[who];
  member.ticked = std::holds_alternative<participant::Tick>(event);
  if (std::holds_alternative<participant::StateSaved>(event)) {
    member.saves -= std::min<std::size_t>(member.saves, 1);
  } else if (std::holds_alternative<participant::FitDone>(event) ||
             std::holds_alternative<participant::FitStopped>(event) ||
             std::holds_alternative<participant::FitFailed>(event)) {
    member.fitting = false;
  }
}

void NoSilentWait::OnParticipantEffect(RosterIndex who, const participant::Effect& effect) {
  Member& member = members_[who];
  if (const auto* arm = std::get_if<participant::ArmTimer>(&effect)) {
    member.armed = arm->at;
  } else if (std::holds_alternative<participant::SaveState>(effect)) {
    ++member.saves;
  } else if (std::holds_alternative<participant::StartFit>(effect)) {
    member.fitting = true;
  }
}

void NoSilentWait::OnParticipantStepped(RosterIndex who, const participant::ParticipantCore& core,
                                        MonotonicMs now) {
  const Member& member = members_[who];
  if (!member.ticked || core.activity() == Activity::stopped) return;
  const bool armed = member.armed && *member.armed >= now;
  Expect(armed || member.saves > 0 || member.fitting, [&] {
    return MemberText(who) + " is " + std::string(ActivityName(core.activity())) +
           " with no timer, no training and no save under way: " + core.Waiting(now);
  });
  if (looks() % kSentenceEvery != 0) return;
  Expect(!core.Waiting(now).empty(), [&] {
    return MemberText(who) + " is " + std::string(ActivityName(core.activity())) +
           " and does not say what it waits for";
  });
}

}  // namespace muster::simulator
