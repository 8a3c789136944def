// What the coordinator's notices say in a story of the run.
#include <optional>
#include <string>
#include <variant>

#include "simulator/federation/coordinator_node.h"

namespace muster::simulator {

using coordinator::NoticeKind;

namespace {

/// The key on whose link the event came.
std::optional<PublicKey> SpeakerOf(const coordinator::Event& event) {
  if (const auto* received = std::get_if<coordinator::Received>(&event)) return received->identity;
  if (const auto* chunk = std::get_if<coordinator::ChunkReceived>(&event)) return chunk->identity;
  if (const auto* bytes = std::get_if<coordinator::Unreadable>(&event)) return bytes->identity;
  if (const auto* knock = std::get_if<coordinator::HandshakeRefused>(&event)) return knock->key;
  return std::nullopt;
}

}  // namespace

// A stranger knocks as long as the run lasts: it is told once of each reason. What nobody asked for
// is no stranger's: no upload is granted on a full disk.
void CoordinatorNode::TellOfRefusal(const coordinator::Notice& notice, const std::string& why) {
  if (!notice.who.empty()) return world_.Tell(actor_, "refuses " + notice.who + " (" + why + ")");
  const auto speaker = SpeakerOf(*event_);
  if (!speaker) return world_.Tell(actor_, why);
  if (!told_of_.emplace(*speaker, notice.reason).second) return;
  world_.Tell(actor_, "refuses a stranger (" + why + "), and says no more of it");
}

void CoordinatorNode::TellOf(const coordinator::Notice& notice) {
  const std::string round = "round " + std::to_string(notice.round);
  const std::string why = std::string(ReasonName(notice.reason)) +
                          (notice.text.empty() ? std::string() : ": " + notice.text);
  switch (notice.kind) {
    case NoticeKind::phase_entered:
      return world_.Tell(actor_, round + " enters " + notice.text);
    case NoticeKind::joined:
      return world_.Tell(actor_, notice.who + " has joined");
    case NoticeKind::left:
      return world_.Tell(actor_, notice.who + "'s session ends (" + why + ")");
    case NoticeKind::update_accepted:
      if (!notice.text.empty()) {
        return world_.Tell(actor_,
                           notice.who + "'s update is accepted in " + round + ", " + notice.text);
      }
      return world_.Tell(actor_, notice.who + "'s update of " + round + " is accepted");
    case NoticeKind::refused:
      return TellOfRefusal(notice, why);
    case NoticeKind::attempt_opened:
      if (notice.attempt == 0) return world_.Tell(actor_, round + " begins (" + why + ")");
      return world_.Tell(
          actor_, round + " opens attempt " + std::to_string(notice.attempt) + " (" + why + ")");
    case NoticeKind::version_committed:
      return world_.Tell(
          actor_, "version " + std::to_string(notice.version) + " of " + round + " is committed");
    case NoticeKind::suspended:
      return world_.Tell(actor_, notice.text);
    case NoticeKind::finished:
      return world_.Tell(actor_, "the job is finished (" + why + ")");
    case NoticeKind::drained:
      return world_.Tell(actor_, "has drained");
    case NoticeKind::quorum_impossible:
      return world_.Tell(actor_, round + ": " + notice.text);
    case NoticeKind::version_evaluated:
      return;
  }
}

}  // namespace muster::simulator
