// What the coordinator's notices say in a story of the run.
#include "simulator/federation/coordinator_node.h"

namespace muster::simulator {

using coordinator::NoticeKind;

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
      return world_.Tell(actor_, notice.who + "'s update of " + round + " is accepted");
    case NoticeKind::refused:
      return world_.Tell(
          actor_, "refuses " + (notice.who.empty() ? "a stranger" : notice.who) + " (" + why + ")");
    case NoticeKind::attempt_opened:
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
