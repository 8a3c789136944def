#include "simulator/check/no_lost_work.h"

#include <string>

namespace muster::simulator {

using participant::Effect;
using participant::Event;

void NoLostWork::OnMessage(Member& member, const Message& message) {
  if (!member.current) return;
  const UpdateId& held = member.current->id;
  if (const auto* refused = std::get_if<Refused>(&message)) {
    if (refused->id == held) member.let_go = true;
  } else if (const auto* committed = std::get_if<Committed>(&message)) {
    if (committed->id == held) member.let_go = true;
  } else if (const auto* welcome = std::get_if<Welcome>(&message)) {
    using Fate = Welcome::RetainedFate;
    const bool settled = welcome->retained_fate == Fate::committed ||
                         welcome->retained_fate == Fate::dropped || welcome->lineages.empty() ||
                         welcome->lineages.back().id.number != held.lineage;
    if (settled) member.let_go = true;
  } else if (const auto* task = std::get_if<TaskOrder>(&message)) {
    if (task->id > held) member.let_go = true;
  } else if (std::holds_alternative<JobFinished>(message)) {
    member.let_go = true;
  }
}

void NoLostWork::OnParticipantEvent(RosterIndex who, const Event& event) {
  Member& member = members_[who];
  if (std::holds_alternative<participant::Started>(event)) {
    member.current = member.saved;
    member.saves.clear();
    member.fitting.reset();
    member.let_go = false;
  } else if (const auto* received = std::get_if<participant::Received>(&event)) {
    OnMessage(member, received->message);
  } else if (const auto* saved = std::get_if<participant::StateSaved>(&event)) {
    const auto found = member.saves.find(saved->token);
    if (found == member.saves.end()) return;
    member.saved = found->second;
    member.saves.erase(member.saves.begin(), std::next(found));
  } else if (std::holds_alternative<participant::FitDone>(event) ||
             std::holds_alternative<participant::FitStopped>(event) ||
             std::holds_alternative<participant::FitFailed>(event)) {
    member.fitting.reset();
  }
}

void NoLostWork::OnSave(RosterIndex who, Member& member, const participant::SaveState& save) {
  const Retained& next = save.state.retained;
  const Retained& before = member.current;
  const bool same = before.has_value() == next.has_value() &&
                    (!next || (before->id == next->id && before->digest == next->digest));
  if (before && !same) {
    const std::string text = MemberText(who) + " lets go of " + before->id.Text();
    Expect(member.let_go, [&] { return text + ", and no message told it to"; });
    const bool accepted = ledger_.IsAccepted(before->id, before->digest);
    Expect(!accepted || ledger_.counted().contains(before->id),
           [&] { return text + ", which is accepted and not committed"; });
  }
  if (!same) member.let_go = false;
  member.current = next;
  member.saves[save.token] = next;
}

void NoLostWork::OnParticipantEffect(RosterIndex who, const Effect& effect) {
  Member& member = members_[who];
  if (const auto* fit = std::get_if<participant::StartFit>(&effect)) {
    Expect(!ledger_.accepted().contains(fit->id), [&] {
      return MemberText(who) + " trains " + fit->id.Text() + ", which was accepted durably";
    });
    Expect(!member.current || member.current->id != fit->id, [&] {
      return MemberText(who) + " trains " + fit->id.Text() + ", which it holds trained";
    });
    Expect(!member.fitting, [&] {
      return MemberText(who) + " trains " + fit->id.Text() + " beside " + member.fitting->Text();
    });
    member.fitting = fit->id;
  } else if (const auto* save = std::get_if<participant::SaveState>(&effect)) {
    OnSave(who, member, *save);
  } else if (std::holds_alternative<participant::ForgetUpdate>(effect)) {
    Expect(!member.saved, [&] {
      return MemberText(who) + " removes the bytes of " + member.saved->id.Text() +
             ", which its saved state still names";
    });
  }
}

}  // namespace muster::simulator
