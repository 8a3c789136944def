#include "simulator/check/sessions.h"

#include <algorithm>

namespace muster::simulator {

using coordinator::Effect;
using coordinator::Event;

std::optional<RosterIndex> Sessions::OwnerOf(LinkId link) const {
  const auto found = links_.find(link);
  return found == links_.end() ? std::nullopt : std::optional(found->second);
}

void Sessions::OnStart(const RecoveredState& /*recovered*/, CheckpointStore& /*store*/) {
  event_ = nullptr;
  standing_ = Standing::no_message;
  sessions_.clear();
  links_.clear();
  ended_.clear();
}

Standing Sessions::JudgeHello(const RosterEntry& entry, const Hello& hello) const {
  if (entry.name != hello.name) return Standing::not_enrolled;
  const bool ended = ended_.contains({entry.index, hello.incarnation});
  return ended ? Standing::ended : Standing::may_act;
}

// `message` is none for a chunk.
Standing Sessions::Judge(LinkId link, const PublicKey& key, const Fence& fence,
                         const Message* message) {
  const RosterEntry* entry = ledger_.EntryOf(key);
  if (entry == nullptr) return Standing::not_enrolled;
  speaker_ = entry->index;
  if (entry->revoked) return Standing::not_enrolled;
  if (message != nullptr) {
    if (const auto* hello = std::get_if<Hello>(message)) return JudgeHello(*entry, *hello);
    if (const auto* bulk = std::get_if<BulkHello>(message)) {
      const auto session = sessions_.find(entry->index);
      if (session == sessions_.end() || session->second.incarnation != bulk->incarnation) {
        return Standing::no_session;
      }
      session->second.bulk = link;
      links_[link] = entry->index;
      return Standing::may_act;
    }
  }
  if (OwnerOf(link) != entry->index) return Standing::no_session;
  return fence == ledger_.fence() ? Standing::may_act : Standing::stale;
}

void Sessions::OnEvent(const Event& event) {
  event_ = &event;
  standing_ = Standing::no_message;
  speaker_.reset();
  link_ = 0;
  if (const auto* received = std::get_if<coordinator::Received>(&event)) {
    link_ = received->link;
    standing_ = Judge(received->link, received->identity, received->fence, &received->message);
  } else if (const auto* chunk = std::get_if<coordinator::ChunkReceived>(&event)) {
    link_ = chunk->link;
    standing_ = Judge(chunk->link, chunk->identity, chunk->fence, nullptr);
  } else if (const auto* unreadable = std::get_if<coordinator::Unreadable>(&event)) {
    link_ = unreadable->link;
    standing_ = Standing::not_enrolled;
  } else if (std::holds_alternative<coordinator::HandshakeRefused>(event)) {
    standing_ = Standing::not_enrolled;
  } else if (const auto* gone = std::get_if<coordinator::LinkGone>(&event)) {
    Forget(gone->link);
  }
}

void Sessions::Forget(LinkId link) {
  const auto found = links_.find(link);
  if (found == links_.end()) return;
  const auto session = sessions_.find(found->second);
  links_.erase(found);
  if (session == sessions_.end()) return;
  if (session->second.control == link) session->second.control = 0;
  if (session->second.bulk == link) session->second.bulk = 0;
}

void Sessions::Welcomed(LinkId link) {
  const auto* received = event_ == nullptr ? nullptr : std::get_if<coordinator::Received>(event_);
  const auto* hello = received == nullptr ? nullptr : std::get_if<Hello>(&received->message);
  if (hello == nullptr || !speaker_) return;
  Session& session = sessions_[*speaker_];
  const bool same = session.control == link && session.incarnation == hello->incarnation;
  if (!same) session = Session{hello->incarnation, link, 0};
  links_[link] = *speaker_;
}

void Sessions::Left(const coordinator::Notice& notice) {
  const auto entry = std::ranges::find(ledger_.roster(), notice.who, &RosterEntry::name);
  if (entry == ledger_.roster().end()) return;
  const auto session = sessions_.find(entry->index);
  if (session == sessions_.end()) return;
  const auto* received = event_ == nullptr ? nullptr : std::get_if<coordinator::Received>(event_);
  const bool goodbye = received != nullptr && speaker_ == entry->index &&
                       std::holds_alternative<Leave>(received->message);
  const bool taken_over = received != nullptr && speaker_ == entry->index &&
                          std::holds_alternative<Hello>(received->message);
  if (goodbye || taken_over) ended_.insert({entry->index, session->second.incarnation});
  const Session was = session->second;
  sessions_.erase(session);
  links_.erase(was.control);
  links_.erase(was.bulk);
}

void Sessions::OnEffect(const Effect& effect) {
  if (const auto* drop = std::get_if<coordinator::DropLink>(&effect)) {
    Forget(drop->link);
  } else if (const auto* send = std::get_if<coordinator::Send>(&effect)) {
    if (std::holds_alternative<Welcome>(send->message)) Welcomed(send->link);
  } else if (const auto* notice = std::get_if<coordinator::Notice>(&effect)) {
    if (notice->kind == coordinator::NoticeKind::left) Left(*notice);
  }
}

bool OnlyRefuses(const Effect& effect) {
  if (const auto* notice = std::get_if<coordinator::Notice>(&effect)) {
    return notice->kind == coordinator::NoticeKind::refused ||
           notice->kind == coordinator::NoticeKind::suspended;
  }
  return Sent<Refused>(effect) != nullptr ||
         std::holds_alternative<coordinator::DropLink>(effect) ||
         std::holds_alternative<coordinator::DropPayload>(effect) ||
         std::holds_alternative<coordinator::ArmTimer>(effect);
}

std::string EffectText(const Effect& effect) {
  static constexpr std::string_view kNames[] = {
      "Send",         "SendModelChunk", "DropLink",     "Persist",   "PrepareSpool", "OpenUpload",
      "StoreChunk",   "DropPayload",    "CloseUpload",  "SyncSpool", "OpenSum",      "Fold",
      "BuildVersion", "AdvanceHead",    "StoreVersion", "Evaluate",  "DropVersion",  "SetRoster",
      "AnswerAdmin",  "Notice",         "ArmTimer",     "Stop"};
  static_assert(std::size(kNames) == std::variant_size_v<Effect>);
  std::string text(kNames[effect.index()]);
  if (const auto* send = std::get_if<coordinator::Send>(&effect)) {
    text += " of " + std::string(MessageName(send->message));
  }
  return text;
}

}  // namespace muster::simulator
