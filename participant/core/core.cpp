#include "participant/core/core.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/limits.h"
#include "participant/core/context.h"
#include "participant/core/delivery.h"
#include "participant/core/session.h"
#include "participant/core/work.h"

namespace muster::participant {
namespace {

/// Messages behind a welcome whose state is being saved; more than that end the link.
constexpr std::size_t kDeferredMax = 32;
/// How long a goodbye waits for the running batch and the disk.
constexpr std::int64_t kLeaveMsMax = 10'000;

constexpr std::string_view kActivityNames[] = {
    "disconnected", "connecting", "greeting",  "idle",   "downloading", "training",
    "offering",     "uploading",  "retaining", "saving", "leaving",     "stopped",
};
static_assert(std::size(kActivityNames) == static_cast<std::size_t>(Activity::stopped) + 1);

/// Refusals that say "another link, another hello": fences differ by their very nature.
bool EndsSession(const Message& message) {
  const Refused* refused = std::get_if<Refused>(&message);
  return refused != nullptr &&
         (refused->reason == Reason::no_session || refused->reason == Reason::stale_epoch);
}

}  // namespace

std::string_view ActivityName(Activity activity) {
  return kActivityNames[static_cast<std::size_t>(activity)];
}

class ParticipantCore::Impl {
 public:
  Impl(const ParticipantOptions& options, DurableState durable)
      : context_(options, durable),
        delivery_(context_),
        work_(context_, delivery_),
        session_(context_, delivery_) {}

  Effects Step(const Event& event, MonotonicMs now);
  Activity activity() const;
  std::string Waiting(MonotonicMs now) const;

 private:
  struct Departure {
    Reason reason;
    MonotonicMs deadline = 0;
  };

  void On(const Started&) { session_.Start(); }
  void On(const Tick&);
  void On(const LinkUp&) { session_.OnLinkUp(); }
  void On(const LinkDown& event);
  void On(const Received& event);
  void On(const ChunkReceived& event);
  void On(const Unreadable& event);
  void On(const BulkWritable&) { delivery_.OnBulkWritable(); }
  void On(const ChunkStored& event) { work_.OnChunkStored(event); }
  void On(const ChunkRejected& event) { work_.OnChunkRejected(event); }
  void On(const ModelChecked& event) { work_.OnModelChecked(event); }
  void On(const FitDone& event) { work_.OnFitDone(event); }
  void On(const FitStopped& event) { work_.OnFitStopped(event); }
  void On(const FitFailed& event) { work_.OnFitFailed(event); }
  void On(const StateSaved& event);
  void On(const StopRequested&);

  void Dispatch(const Fence& fence, const Message& message);
  void Deliver(const Message& message);
  void DeliverRefused(const Refused& refused);
  void LoseSession();
  void Depart(Reason reason);
  void GoodbyeIfReady();
  void Goodbye(const std::string& text);
  void Finish();
  std::optional<MonotonicMs> Deadline() const;

  Context context_;
  Delivery delivery_;
  Work work_;
  Session session_;
  std::vector<Received> deferred_;
  std::optional<Departure> departure_;
  std::optional<MonotonicMs> last_step_;
  std::optional<MonotonicMs> armed_;
  bool stopped_ = false;
};

Effects ParticipantCore::Impl::Step(const Event& event, MonotonicMs now) {
  if (stopped_) return {};
  MUSTER_CHECK(!last_step_ || now >= *last_step_, "time does not go back");
  context_.now = now;
  const std::int64_t gap_ms = last_step_ ? now - *last_step_ : 0;
  if (gap_ms > limits::kLoopGapMsMax) session_.Forgive(gap_ms);
  last_step_ = now;

  std::visit([this](const auto& what) { On(what); }, event);
  if (departure_) GoodbyeIfReady();
  if (const auto give_up = std::exchange(context_.give_up_link, std::nullopt);
      give_up && !context_.end) {
    session_.Abandon(give_up->reason, give_up->text);
  }
  if (!context_.in_session) LoseSession();
  context_.FlushSave();
  Finish();
  return std::exchange(context_.effects, {});
}

/// Ends the participant if a part wants that; else asks for the next tick.
void ParticipantCore::Impl::Finish() {
  if (context_.end) {
    work_.Halt(false);
    if (session_.HasLink()) context_.Emit(Disconnect{});
    context_.Say(NoticeKind::finished, context_.end->text, context_.end->reason);
    context_.Emit(Stop{context_.end->reason, context_.end->text});
    stopped_ = true;
    return;
  }
  const std::optional<MonotonicMs> deadline = Deadline();
  if (deadline && deadline != armed_) {
    context_.Emit(ArmTimer{std::max(*deadline, context_.now)});
  }
  armed_ = deadline;
}

void ParticipantCore::Impl::LoseSession() {
  if (session_.stage() == Session::Stage::settling) return;
  deferred_.clear();
  delivery_.OnLinkLost();
  work_.OnLinkLost();
}

void ParticipantCore::Impl::On(const Tick&) {
  session_.OnTick();
  if (context_.give_up_link) return;
  if (context_.in_session) {
    delivery_.OnTick();
    work_.OnTick();
  }
  if (departure_ && departure_->deadline <= context_.now) {
    Goodbye("left without waiting for the running batch any longer");
  }
}

void ParticipantCore::Impl::On(const LinkDown& event) {
  if (session_.OnLinkDown(event.reason)) context_.in_session = false;
}

void ParticipantCore::Impl::On(const Received& event) {
  session_.OnHeard();
  switch (session_.stage()) {
    case Session::Stage::absent:
    case Session::Stage::connecting:
      context_.Ignore("a message without a link", Reason::unexpected_message);
      return;
    case Session::Stage::greeting:
      if (const Welcome* welcome = std::get_if<Welcome>(&event.message)) {
        session_.OnWelcome(event.fence, *welcome);
      } else if (const Refused* refused = std::get_if<Refused>(&event.message)) {
        session_.OnRefused(*refused);
      } else {
        context_.Ignore(std::string(MessageName(event.message)) + " before the welcome",
                        Reason::no_session);
      }
      return;
    case Session::Stage::settling:
      if (deferred_.size() == kDeferredMax) {
        context_.GiveUpLink(Reason::unexpected_message, "too many messages behind a welcome");
        return;
      }
      deferred_.push_back(event);
      return;
    case Session::Stage::established:
      Dispatch(event.fence, event.message);
      return;
  }
}

void ParticipantCore::Impl::Dispatch(const Fence& fence, const Message& message) {
  if (fence != context_.fence && !EndsSession(message)) {
    context_.Ignore(std::string(MessageName(message)) + " of lineage " +
                        std::to_string(fence.lineage) + ", epoch " +
                        std::to_string(fence.epoch.number) + "; this session's is " +
                        std::to_string(context_.fence.lineage) + ", " +
                        std::to_string(context_.fence.epoch.number),
                    Reason::stale_epoch);
    return;
  }
  Deliver(message);
}

void ParticipantCore::Impl::Deliver(const Message& message) {
  if (const auto* refused = std::get_if<Refused>(&message)) return DeliverRefused(*refused);
  if (std::holds_alternative<LeaseAck>(message)) return;
  if (const auto* accepted = std::get_if<Accepted>(&message)) {
    delivery_.OnAccepted(*accepted);
    return work_.OnHandedIn();
  }
  if (const auto* committed = std::get_if<Committed>(&message)) {
    return delivery_.OnCommitted(*committed);
  }
  if (departure_) return;
  if (const auto* order = std::get_if<TaskOrder>(&message)) return work_.OnOrder(*order);
  if (const auto* grant = std::get_if<Grant>(&message)) return delivery_.OnGrant(*grant);
  if (const auto* credit = std::get_if<UploadCredit>(&message)) return delivery_.OnCredit(*credit);
  if (const auto* finished = std::get_if<JobFinished>(&message)) {
    context_.SawVersion(finished->version);
    return Depart(Reason::finished);
  }
  context_.Ignore(std::string(MessageName(message)) + " is not for a participant in session",
                  Reason::unexpected_message);
}

void ParticipantCore::Impl::DeliverRefused(const Refused& refused) {
  const std::optional<RetainedUpdate>& retained = context_.durable.retained;
  if (refused.reason == Reason::not_held) {
    work_.OnModelGone(refused.id);
  } else if (!refused.id || EndsSession(refused)) {
    session_.OnRefused(refused);
    if (!context_.in_session) deferred_.clear();
  } else if (retained && retained->id == *refused.id) {
    delivery_.OnRefused(refused);
  } else {
    work_.OnRefused(refused);
  }
}

void ParticipantCore::Impl::On(const ChunkReceived& event) {
  session_.OnHeard();
  if (!context_.in_session || event.fence != context_.fence) {
    context_.Emit(DropPayload{event.payload});
    context_.Ignore("a model chunk of another session", Reason::stale_epoch);
    return;
  }
  work_.OnChunk(event);
}

void ParticipantCore::Impl::On(const Unreadable& event) {
  context_.Ignore("a message of the coordinator cannot be read", event.reason);
}

void ParticipantCore::Impl::On(const StateSaved& event) {
  context_.OnSaved(event.token);
  // In this order: bytes that nothing names are removed before a fit can write new ones.
  delivery_.OnStateSaved();
  session_.OnStateSaved();
  if (context_.in_session) {
    for (const Received& received : std::exchange(deferred_, {})) {
      // One of them may have ended the session, or the participant.
      if (!context_.in_session || context_.end) break;
      Dispatch(received.fence, received.message);
    }
  }
  work_.OnStateSaved();
}

void ParticipantCore::Impl::On(const StopRequested&) {
  if (departure_) return Goodbye("left at once on the second request");
  Depart(Reason::left);
}

void ParticipantCore::Impl::Depart(Reason reason) {
  departure_ = Departure{reason, context_.now + kLeaveMsMax};
  context_.leaving = true;
  context_.Say(
      NoticeKind::leaving,
      reason == Reason::left ? "asked to stop" : "the coordinator says the job is finished",
      reason);
  work_.Halt(reason == Reason::left);
  // Whether it counts decides what client state a job that goes on after all begins from.
  const std::optional<RetainedUpdate>& retained = context_.durable.retained;
  if (reason == Reason::finished && retained && !retained->client_next) {
    delivery_.Drop(Reason::finished, "is not needed: the job is finished");
  }
  if (reason == Reason::finished) context_.Save();
}

void ParticipantCore::Impl::GoodbyeIfReady() {
  if (work_.IsFitting() || !context_.AllSaved()) return;
  Goodbye(departure_->reason == Reason::finished ? "the job is finished"
                                                 : "left; a later start goes on from here");
}

void ParticipantCore::Impl::Goodbye(const std::string& text) {
  if (context_.end) return;
  if (context_.in_session) context_.SendControl(Leave{departure_->reason});
  context_.End(departure_->reason, text);
}

std::optional<MonotonicMs> ParticipantCore::Impl::Deadline() const {
  std::optional<MonotonicMs> least = session_.Deadline();
  const auto take = [&least](std::optional<MonotonicMs> other) {
    if (other && (!least || *other < *least)) least = other;
  };
  if (context_.in_session && !departure_) {
    take(delivery_.Deadline());
    take(work_.Deadline());
  }
  if (departure_) take(departure_->deadline);
  return least;
}

Activity ParticipantCore::Impl::activity() const {
  if (stopped_) return Activity::stopped;
  if (departure_) return Activity::leaving;
  if (work_.IsFitting()) return Activity::training;
  switch (session_.stage()) {
    case Session::Stage::absent:
      return Activity::disconnected;
    case Session::Stage::connecting:
      return Activity::connecting;
    case Session::Stage::greeting:
      return Activity::greeting;
    case Session::Stage::settling:
      return Activity::saving;
    case Session::Stage::established:
      break;
  }
  switch (delivery_.stage()) {
    case Delivery::Stage::none:
      return work_.IsDownloading() ? Activity::downloading : Activity::idle;
    case Delivery::Stage::saving:
      return Activity::saving;
    case Delivery::Stage::held:
    case Delivery::Stage::accepted:
      return Activity::retaining;
    case Delivery::Stage::waiting:
    case Delivery::Stage::offering:
      return Activity::offering;
    case Delivery::Stage::uploading:
      return Activity::uploading;
  }
  return Activity::idle;
}

std::string ParticipantCore::Impl::Waiting(MonotonicMs now) const {
  const auto within = [now](MonotonicMs at) {
    return std::to_string(std::max<MonotonicMs>(at - now, 0)) + " ms";
  };
  switch (activity()) {
    case Activity::stopped:
      return "nothing: the participant has ended";
    case Activity::leaving:
      return "the running batch and the disk are awaited; left in " + within(departure_->deadline) +
             " at the latest";
    case Activity::training:
      return "the trainer is awaited; it has no deadline but the coordinator's";
    case Activity::downloading:
      if (const auto deadline = work_.Deadline()) {
        return "model bytes are awaited; asked for again in " + within(*deadline);
      }
      return "the model's digest is awaited";
    case Activity::offering:
    case Activity::uploading:
      return "the coordinator's answer is awaited; the update is offered again in " +
             within(*delivery_.Deadline());
    case Activity::saving:
      return "the disk is awaited; a failure of it ends the process";
    case Activity::retaining:
      return "the coordinator's word on the retained update is awaited, in this session or the "
             "next";
    default:
      return session_.Waiting(now);
  }
}

ParticipantCore::ParticipantCore(const ParticipantOptions& options, DurableState durable)
    : impl_(std::make_unique<Impl>(options, durable)) {}
ParticipantCore::~ParticipantCore() = default;

Effects ParticipantCore::Step(const Event& event, MonotonicMs now) {
  return impl_->Step(event, now);
}
Activity ParticipantCore::activity() const { return impl_->activity(); }
std::string ParticipantCore::Waiting(MonotonicMs now) const { return impl_->Waiting(now); }

}  // namespace muster::participant
