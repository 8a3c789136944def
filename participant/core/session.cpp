#include "participant/core/session.h"

#include <algorithm>
#include <utility>

#include "common/limits.h"
#include "common/random.h"
#include "model/staleness.h"

namespace muster::participant {
namespace {

/// Refusals that no retry of this process can change.
bool EndsProcess(Reason reason) {
  switch (reason) {
    case Reason::superseded:
    case Reason::revoked:
    case Reason::unknown_key:
    case Reason::identity_mismatch:
    case Reason::wrong_job:
    case Reason::split_brain:
    case Reason::protocol_unsupported:
    case Reason::no_part:
      return true;
    default:
      return false;
  }
}

/// Failures that last until an operator acts: asked about as seldom as allowed.
bool IsPatient(Reason reason) {
  return reason == Reason::unknown_key || reason == Reason::coordinator_older ||
         reason == Reason::malformed_message;
}

}  // namespace

Session::Session(Context& context, Delivery& delivery) : context_(context), delivery_(delivery) {}

void Session::Open() {
  ++links_;
  stage_ = Stage::connecting;
  deadline_ = context_.now + context_.options.answer_ms;
  context_.Emit(Connect{});
}

void Session::OnLinkUp() {
  if (stage_ != Stage::connecting) return;
  stage_ = Stage::greeting;
  deadline_ = context_.now + context_.options.answer_ms;
  SayHello();
}

void Session::SayHello() {
  Hello hello;
  hello.name = context_.options.name;
  hello.incarnation = context_.options.incarnation;
  hello.seen = context_.durable.seen;
  hello.job = context_.durable.job;
  if (context_.durable.retained && delivery_.stage() != Delivery::Stage::saving) {
    const RetainedUpdate& update = *context_.durable.retained;
    hello.retained = Hello::Retained{update.id, update.digest};
  }
  said_retained_ = hello.retained;
  context_.Emit(Send{std::move(hello), Fence{}});
}

void Session::OnWelcome(const Fence& fence, const Welcome& welcome) {
  if (stage_ != Stage::greeting) {
    context_.Ignore("a welcome that no hello asked for", Reason::unexpected_message);
    return;
  }
  if (welcome.retained != said_retained_) {
    context_.Ignore("a welcome to another hello", Reason::unexpected_message);
    return;
  }
  WelcomeVerdict verdict = JudgeWelcome(welcome, fence, context_.options, context_.durable);
  if (verdict.kind == WelcomeVerdict::Kind::follow) {
    Follow(welcome, fence, std::move(verdict));
    return;
  }
  context_.Emit(Send{RefuseCoordinator{verdict.reason, context_.durable.seen}, fence});
  context_.Say(NoticeKind::coordinator_refused, verdict.text, verdict.reason);
  if (verdict.kind == WelcomeVerdict::Kind::refuse_and_stop) {
    context_.End(verdict.reason, verdict.text);
  } else {
    Abandon(verdict.reason, "the coordinator was refused");
  }
}

void Session::Follow(const Welcome& welcome, const Fence& fence, WelcomeVerdict verdict) {
  stage_ = Stage::settling;
  context_.fence = fence;
  lease_ms_ = welcome.lease_ms;
  heard_at_ = context_.now;
  renewed_at_ = context_.now;
  failures_ = 0;
  if (!context_.strategy) {
    context_.strategy = CreateStrategy(verdict.job);
    context_.in_memory = AcceptOf(verdict.job.round) == Accept::memory;
    if (TakesStale(verdict.job.round)) {
      context_.staleness_max = verdict.job.round.staleness_max;
    }
    context_.Emit(SetJob{std::move(verdict.job), welcome.index});
  }
  const std::optional<RetainedUpdate>& retained = context_.durable.retained;
  if (retained && verdict.drop_retained) {
    delivery_.Drop(Reason::round_closed,
                   "was trained on a version that the new lineage does not have");
  } else if (retained && said_retained_ && said_retained_->id == retained->id) {
    delivery_.OnFate(welcome);
  }
  if (context_.durable.client && verdict.fork && context_.durable.client->version > *verdict.fork) {
    context_.Say(NoticeKind::update_dropped,
                 "the client-side state of version " +
                     std::to_string(context_.durable.client->version) +
                     " goes: the new lineage does not have that version",
                 Reason::round_closed);
    context_.durable.client.reset();
  }
  context_.durable.job = welcome.job_digest;
  context_.durable.seen = verdict.seen;
  settled_token_ = context_.Save();
}

void Session::OnStateSaved() {
  if (stage_ != Stage::settling || !context_.IsSaved(settled_token_)) return;
  stage_ = Stage::established;
  // A slow disk is no silence of the coordinator's.
  heard_at_ = context_.now;
  context_.in_session = true;
  context_.Emit(SendBulk{BulkHello{context_.options.incarnation}, context_.fence});
  context_.Say(NoticeKind::connected,
               "in session with the coordinator: lineage " +
                   std::to_string(context_.fence.lineage) + ", epoch " +
                   std::to_string(context_.fence.epoch.number),
               Reason::finished);
  delivery_.OnSession();
}

void Session::OnRefused(const Refused& refused) {
  const std::string text = "the coordinator says " + std::string(ReasonName(refused.reason)) +
                           (refused.text.empty() ? std::string() : ": " + refused.text);
  if (EndsProcess(refused.reason)) {
    context_.End(refused.reason, text);
    return;
  }
  const bool reconnect = stage_ == Stage::greeting || refused.reason == Reason::no_session ||
                         refused.reason == Reason::stale_epoch;
  if (reconnect) {
    context_.Emit(Disconnect{});
    Retry(refused.reason, text, refused.retry_after_ms);
    return;
  }
  context_.Say(NoticeKind::refused, text, refused.reason);
}

bool Session::OnLinkDown(Reason reason) {
  if (!HasLink()) return false;
  if (reason == Reason::revoked) {
    context_.End(reason, "the coordinator's door is closed to participant " +
                             context_.options.name + ": its enrolment was revoked");
    return true;
  }
  if (reason == Reason::protocol_unsupported) {
    context_.End(reason, "the coordinator's transport is of another version than this one");
    return true;
  }
  std::string text = stage_ == Stage::connecting ? "the coordinator cannot be reached"
                                                 : "the connection to the coordinator ended";
  if (stage_ == Stage::connecting && reason == Reason::connection_lost) {
    text =
        "the coordinator hung up in the handshake: it is going down, or its key is not the one "
        "expected here (compare coordinator.pub in its state directory)";
  }
  if (reason == Reason::unknown_key) {
    text = "the coordinator does not know the key of participant " + context_.options.name +
           ": enrol it (muster enroll add)";
  }
  Retry(reason, text, 0);
  return true;
}

void Session::Abandon(Reason reason, const std::string& text) {
  if (HasLink()) context_.Emit(Disconnect{});
  Retry(reason, text, 0);
}

void Session::Retry(Reason reason, const std::string& text, std::int64_t at_least_ms) {
  const std::int64_t wait_ms =
      std::max(BackOffMs(IsPatient(reason)), std::min(at_least_ms, limits::kReconnectMsMax));
  stage_ = Stage::absent;
  deadline_ = context_.now + wait_ms;
  context_.in_session = false;
  context_.Say(NoticeKind::connection_lost,
               text + "; tried again in " + std::to_string(wait_ms) + " ms", reason);
}

std::int64_t Session::BackOffMs(bool longest) {
  const ParticipantOptions& options = context_.options;
  std::int64_t full = longest ? options.reconnect_ms_max : options.reconnect_ms_min;
  for (std::uint32_t i = 0; i < failures_ && full < options.reconnect_ms_max; ++i) full *= 2;
  full = std::max<std::int64_t>(std::min(full, options.reconnect_ms_max), 1);
  ++failures_;
  // Half of it is jitter: a whole fleet that lost its coordinator must not come back in step.
  KeyedStream jitter(options.jitter_seed, "reconnect", {links_});
  const auto half = static_cast<std::uint64_t>(full / 2);
  return full - static_cast<std::int64_t>(jitter.Below(half + 1));
}

void Session::OnTick() {
  switch (stage_) {
    case Stage::absent:
      if (deadline_ <= context_.now && !context_.leaving) Open();
      return;
    case Stage::connecting:
    case Stage::greeting:
      if (deadline_ <= context_.now) {
        context_.GiveUpLink(Reason::timeout, stage_ == Stage::connecting
                                                 ? "the coordinator cannot be reached"
                                                 : "the coordinator does not answer hello");
      }
      return;
    case Stage::settling:
      return;
    case Stage::established:
      if (context_.now - heard_at_ >= lease_ms_) {
        context_.GiveUpLink(Reason::lease_expired,
                            "nothing was heard from the coordinator for a lease's time");
      } else if (context_.now - renewed_at_ >= lease_ms_ / 3) {
        renewed_at_ = context_.now;
        context_.SendControl(LeaseRenew{});
      }
      return;
  }
}

std::optional<MonotonicMs> Session::Deadline() const {
  switch (stage_) {
    case Stage::absent:
      return context_.leaving ? std::nullopt : std::optional<MonotonicMs>(deadline_);
    case Stage::connecting:
    case Stage::greeting:
      return deadline_;
    case Stage::settling:
      return std::nullopt;  // The disk's answer: a failure of it ends the process.
    case Stage::established:
      return std::min(heard_at_ + lease_ms_, renewed_at_ + lease_ms_ / 3);
  }
  return std::nullopt;
}

std::string Session::Waiting(MonotonicMs now) const {
  const auto in = [this, now] {
    return std::to_string(std::max<MonotonicMs>(deadline_ - now, 0)) + " ms";
  };
  switch (stage_) {
    case Stage::absent:
      return "no link to the coordinator; the next one is opened in " + in();
    case Stage::connecting:
      return "the coordinator's handshake is awaited; given up in " + in();
    case Stage::greeting:
      return "the coordinator's welcome is awaited; given up in " + in();
    case Stage::settling:
      return "the disk is awaited: the session begins when the state is saved";
    case Stage::established:
      return "the coordinator's next task is awaited; silence of " + std::to_string(lease_ms_) +
             " ms ends the link";
  }
  return "";
}

}  // namespace muster::participant
