#include "simulator/check/no_lost_work.h"

#include <algorithm>
#include <iterator>
#include <string>

namespace muster::simulator {

using participant::Effect;
using participant::Event;

void NoLostWork::OnMessage(Member& member, const Message& message) {
  if (const auto* refused = std::get_if<Refused>(&message)) {
    if (refused->id) member.settled.insert(*refused->id);
  } else if (const auto* committed = std::get_if<Committed>(&message)) {
    member.settled.insert(committed->id);
  } else if (const auto* task = std::get_if<TaskOrder>(&message)) {
    member.newest_task = std::max(member.newest_task, task->id);
    member.last_task = task->id;
  } else if (std::holds_alternative<JobFinished>(message)) {
    member.all_settled = true;
  } else if (const auto* welcome = std::get_if<Welcome>(&message); welcome && member.current) {
    using Fate = Welcome::RetainedFate;
    const UpdateId& held = member.current->id;
    if (welcome->retained_fate == Fate::committed || welcome->retained_fate == Fate::dropped) {
      member.settled.insert(held);
    }
    if (!welcome->lineages.empty() && welcome->lineages.back().id.number != held.lineage) {
      member.all_settled = true;
    }
  }
}

void NoLostWork::OnEvent(const coordinator::Event& event) {
  const auto* received = std::get_if<coordinator::Received>(&event);
  if (received == nullptr || !sessions_.speaker()) return;
  std::optional<std::pair<UpdateId, Xxh128Digest>> heard;
  if (const auto* hello = std::get_if<Hello>(&received->message); hello && hello->retained) {
    heard.emplace(hello->retained->id, hello->retained->digest);
  } else if (const auto* offer = std::get_if<Offer>(&received->message)) {
    heard.emplace(offer->id, offer->digest);
  }
  const RosterIndex who = *sessions_.speaker();
  if (heard && !said_[who].contains(*heard)) members_[who].misquoted = true;
}

void NoLostWork::OnParticipantStart(RosterIndex who, const participant::DurableState& state) {
  // Who is back from a second coordinator may hold one in memory, which no saved state names.
  const Retained saved = ledger_.in_memory() ? Retained() : state.retained;
  members_[who] = Member{.current = state.retained, .saved = saved};
}

void NoLostWork::OnParticipantEvent(RosterIndex who, const Event& event) {
  Member& member = members_[who];
  if (const auto* received = std::get_if<participant::Received>(&event)) {
    OnMessage(member, received->message);
  } else if (const auto* saved = std::get_if<participant::StateSaved>(&event)) {
    const auto found = member.saves.find(saved->token);
    if (found == member.saves.end()) return;
    member.saved = found->second;
    member.saves.erase(member.saves.begin(), std::next(found));
  } else if (const auto* done = std::get_if<participant::FitDone>(&event)) {
    member.fitting.reset();
    if (ledger_.in_memory()) member.current = done->update;
  } else if (std::holds_alternative<participant::FitStopped>(event) ||
             std::holds_alternative<participant::FitFailed>(event)) {
    member.fitting.reset();
  }
}

// Whether a newer task says that an update that was not accepted is of no use any more.
bool NoLostWork::IsPast(const UpdateId& id, const UpdateId& task) const {
  const RoundSpec& round = setup_.job.round;
  if (!stale_ || task.lineage != id.lineage) return task > id;
  return task.round > id.round + round.staleness_max;
}

void NoLostWork::LetGo(RosterIndex who, const Member& member) {
  const UpdateId& id = member.current->id;
  const std::string text = MemberText(who) + " lets go of " + id.Text();
  const bool next_block = elastic_ && member.last_task.lineage == id.lineage &&
                          member.last_task.round >= id.round && member.last_task != id;
  const bool accepted = ledger_.IsAccepted(id, member.current->digest);
  const bool goes_on = next_block || (stale_ && accepted && member.newest_task > id);
  Expect(member.all_settled || member.settled.contains(id) || goes_on ||
             IsPast(id, member.newest_task),
         [&] { return text + ", and no message told it to"; });
  Expect(!accepted || goes_on || ledger_.counted().contains(id) || member.misquoted ||
             (elastic_ && ledger_.accepted().at(id).from != who),
         [&] { return text + ", which is accepted and not committed"; });
}

void NoLostWork::OnSave(RosterIndex who, Member& member, const participant::SaveState& save) {
  const Retained& next = save.state.retained;
  const Retained& before = member.current;
  const bool same = before.has_value() == next.has_value() &&
                    (!next || (before->id == next->id && before->digest == next->digest));
  if (ledger_.in_memory()) {
    Expect(!next, [&] {
      return MemberText(who) + " saves " + next->id.Text() + ", and the job asks not to";
    });
    return;
  }
  if (before && !same) LetGo(who, member);
  member.current = next;
  member.saves[save.token] = next;
}

void NoLostWork::OnParticipantEffect(RosterIndex who, const Effect& effect) {
  Member& member = members_[who];
  if (const auto* fit = std::get_if<participant::StartFit>(&effect)) {
    // Who lost a block may begin it before it hears of that.
    const auto accepted = ledger_.accepted().find(fit->id);
    const bool anothers =
        elastic_ && accepted != ledger_.accepted().end() && accepted->second.from != who;
    Expect(accepted == ledger_.accepted().end() || anothers, [&] {
      return MemberText(who) + " trains " + fit->id.Text() + ", which was accepted " +
             (ledger_.in_memory() ? "and is held in memory" : "durably");
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
  } else if (const auto* send = std::get_if<participant::Send>(&effect)) {
    if (const auto* hello = std::get_if<Hello>(&send->message); hello && hello->retained) {
      said_[who].emplace(hello->retained->id, hello->retained->digest);
    } else if (const auto* offer = std::get_if<Offer>(&send->message)) {
      said_[who].emplace(offer->id, offer->digest);
    }
  } else if (std::holds_alternative<participant::ForgetUpdate>(effect)) {
    if (ledger_.in_memory() && member.current) {
      LetGo(who, member);
      member.current.reset();
    }
    Expect(!member.saved, [&] {
      return MemberText(who) + " removes the bytes of " + member.saved->id.Text() +
             ", which its saved state still names";
    });
  }
}

}  // namespace muster::simulator
