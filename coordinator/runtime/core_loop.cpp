#include "coordinator/runtime/core_loop.h"

#include <algorithm>
#include <utility>

#include "common/clock.h"
#include "coordinator/runtime/admin_protocol.h"
#include "coordinator/runtime/bulk_link.h"

namespace muster::coordinator {

using std::chrono::milliseconds;

CoreLoop::CoreLoop(Parts parts, StatusFacts facts, const MessageEncoder& encoder)
    : parts_(parts), facts_(std::move(facts)), encoder_(encoder), ticked_at_(MonotonicNow()) {}

Result<RunOutcome> CoreLoop::Run() {
  Feed(Started{});
  MeasureDisk();
  while (!ended()) {
    MonotonicMs next = ticked_at_ + kTickMsMax;
    if (armed_at_) next = std::min(next, *armed_at_);
    const MonotonicMs wait = std::clamp<MonotonicMs>(next - MonotonicNow(), 0, kTickMsMax);
    PollControl(milliseconds(wait));
    TakeInbox();
    TickIfDue();
  }
  return *outcome_;
}

void CoreLoop::TickIfDue() {
  const auto due = [this](MonotonicMs now) {
    return now >= ticked_at_ + kTickMsMax || (armed_at_ && now >= *armed_at_);
  };
  if (!due(MonotonicNow())) return;
  // What has arrived was in time, however late it is looked at.
  for (int turn = 0; turn < kDrainTurnsMax && !ended(); ++turn) {
    const bool any_message = PollControl(milliseconds(0));
    if (!TakeInbox() && !any_message) break;
  }
  ticked_at_ = MonotonicNow();
  if (armed_at_ && ticked_at_ >= *armed_at_) armed_at_.reset();
  MeasureDisk();
  Feed(Tick{});
}

void CoreLoop::MeasureDisk() {
  if (const auto measured = parts_.disk.Crossed()) Feed(*measured);
}

void CoreLoop::Feed(Event event) {
  events_.push_back(std::move(event));
  while (!events_.empty() && !ended()) {
    const Event next = std::move(events_.front());
    events_.pop_front();
    for (const Effect& effect : parts_.core.Step(next, MonotonicNow())) {
      std::visit([this](const auto& what) { Perform(what); }, effect);
    }
  }
}

bool CoreLoop::PollControl(milliseconds timeout) {
  received_.clear();
  parts_.control.Poll(timeout, received_);
  for (ServerMessage& message : received_) TakeMessage(message);
  return !received_.empty();
}

void CoreLoop::TakeMessage(ServerMessage& message) {
  if (ended()) return;
  parts_.traffic.CountReceived(message.frame);
  Result<DecodedMessage> decoded =
      DecodeMessage(message.frame.head, message.frame.payload.bytes.size());
  if (!decoded) {
    Feed(Unreadable{message.link, message.identity, decoded.error().reason});
  } else if (!encoder_.IsOurJob(decoded->header)) {
    Feed(Unreadable{message.link, message.identity, Reason::wrong_job});
  } else if (std::holds_alternative<UpdateChunk>(decoded->message)) {
    Feed(Unreadable{message.link, message.identity, Reason::unexpected_message});
  } else {
    Feed(Received{message.link, message.identity, decoded->header.fence,
                  std::move(decoded->message), message.connection});
  }
}

bool CoreLoop::TakeInbox() {
  const std::vector<InboxItem> items = parts_.inbox.TakeAll();
  for (const InboxItem& item : items) {
    if (ended()) break;
    std::visit([this](const auto& what) { Take(what); }, item);
  }
  return !items.empty();
}

void CoreLoop::Take(const Event& event) {
  if (std::holds_alternative<HandshakeRefused>(event)) parts_.gate.RefusalHandled();
  if (const auto* evaluated = std::get_if<Evaluated>(&event)) {
    parts_.notices.OnEvaluation(evaluated->record);
  }
  if (std::holds_alternative<VersionStored>(event) && parts_.mirror != nullptr) {
    parts_.mirror->OnStored();
  }
  Feed(event);
}

void CoreLoop::Take(const AskStatus& ask) {
  facts_.bytes_received = parts_.traffic.received();
  facts_.bytes_sent = parts_.traffic.sent();
  facts_.evaluation = parts_.notices.NewestEvaluation();
  facts_.uncounted_refusals = parts_.gate.uncounted();
  if (parts_.mirror != nullptr) facts_.mirror = parts_.mirror->status();
  parts_.admin.Answer(ask.ticket, StatusJson(parts_.core.Status(MonotonicNow()), facts_));
}

void CoreLoop::Take(const AskRoster& ask) { parts_.admin.Answer(ask.ticket, AdminRoster(roster_)); }

void CoreLoop::Take(const ThreadFailed& failed) { outcome_ = failed.error; }

void CoreLoop::Take(const MirrorChanged& changed) { parts_.notices.OnMirror(changed.status); }

void CoreLoop::Perform(const Send& effect) {
  if (IsBulkLink(effect.link)) {
    parts_.bulk.Do(effect);
    return;
  }
  Frame frame{encoder_.Encode(effect.message), {}};
  const std::uint64_t bytes = Traffic::SizeOf(frame);
  const SendResult result = parts_.control.Send(effect.link, std::move(frame));
  if (result == SendResult::sent) {
    parts_.traffic.CountSent(bytes);
    return;
  }
  // Control messages are few: who lets so many lie unread does not read.
  if (result == SendResult::full) parts_.control.Drop(effect.link);
  events_.push_back(LinkGone{effect.link});
}

void CoreLoop::Perform(const DropLink& effect) {
  if (IsBulkLink(effect.link)) {
    parts_.bulk.Do(effect);
  } else {
    parts_.control.Drop(effect.link);
  }
}

void CoreLoop::Perform(const AdvanceHead& effect) {
  const std::shared_ptr<const ParameterSet> head = parts_.fold.AdvanceHead(effect.version);
  parts_.evaluator.SetHead(effect.version, head);
  parts_.bulk.SetHead(effect.version, head);
  if (parts_.mirror != nullptr) parts_.mirror->OnCommitted(effect.version);
}

void CoreLoop::Perform(const SetRoster& effect) {
  roster_ = effect.roster;
  parts_.gate.SetRoster(roster_);
  parts_.notices.OnRoster(roster_);
}

void CoreLoop::Perform(const AnswerAdmin& effect) {
  parts_.admin.Answer(effect.ticket,
                      effect.status ? AdminOk(effect.index) : AdminRefusal(effect.status.error()));
}

void CoreLoop::Perform(const Notice& effect) { parts_.notices.OnNotice(effect, MonotonicNow()); }

}  // namespace muster::coordinator
