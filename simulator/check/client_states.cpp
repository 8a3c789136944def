#include "simulator/check/client_states.h"

#include <algorithm>
#include <ranges>
#include <string>

#include "common/digest.h"

namespace muster::simulator {
namespace {

std::string Text(const std::optional<participant::ClientState>& state) {
  if (!state) return "a fresh client state";
  return "the client state " + Hex(state->held.digest).substr(0, 8) + " of " +
         VersionText(state->version);
}

}  // namespace

bool ClientStates::Judges() const {
  const Happened& happened = world_.happened();
  return happened.impostors == 0 && happened.garbled == 0 && happened.led_to_twins == 0;
}

void ClientStates::Add(const RoundRecord& record) {
  if (record.version <= seen_) return;
  seen_ = record.version;
  for (const RecordedUpdate& update : record.accepted) {
    Member& member = members_[update.id.slot];
    const auto makes = member.makes.find({update.id, update.digest});
    if (makes != member.makes.end()) member.counted.push_back({record.version, makes->second});
  }
}

void ClientStates::OnStart(const RecoveredState& recovered, CheckpointStore& /*store*/) {
  if (recovered.last_record) Add(*recovered.last_record);
}

void ClientStates::OnWritten(const Batch& batch) {
  for (const PutRoundRecord* put : All<PutRoundRecord>(batch)) Add(put->record);
}

// What its disk holds is what there is: whether that is what was written the disk itself judges.
void ClientStates::OnParticipantStart(RosterIndex who, const participant::DurableState& state) {
  Member& member = members_[who];
  if (!state.seen) {
    member = {};  // Its directory is new.
    return;
  }
  const auto& retained = state.retained;
  const bool makes = retained && retained->client_next;
  std::erase_if(member.makes, [&](const auto& one) {
    return !makes || one.first != std::pair(retained->id, retained->digest);
  });
  const Version at = state.client ? state.client->version : 0;
  std::erase_if(member.counted, [&](const participant::ClientState& one) {
    return one.version > at && !(makes && one.held == *retained->client_next);
  });
  member.saved = state.client;
  member.began.reset();
}

void ClientStates::OnSave(RosterIndex who, const participant::DurableState& state) {
  Member& member = members_[who];
  if (state.client && state.client != member.saved) {
    const bool counts = std::ranges::find(member.counted, *state.client) != member.counted.end();
    Expect(counts || !Judges(), [&] {
      return MemberText(who) + " takes " + Text(state.client) +
             " for the current one, and no update that made it counts there";
    });
    Expect(!member.saved || member.saved->version < state.client->version || !Judges(), [&] {
      return MemberText(who) + " goes from " + Text(member.saved) + " to " + Text(state.client);
    });
  }
  member.saved = state.client;
}

void ClientStates::OnParticipantEffect(RosterIndex who, const participant::Effect& effect) {
  if (const auto* save = std::get_if<participant::SaveState>(&effect)) {
    return OnSave(who, save->state);
  }
  const auto* start = std::get_if<participant::StartFit>(&effect);
  if (start == nullptr) return;
  Member& member = members_[who];
  Current expected;
  for (const participant::ClientState& one : std::views::reverse(member.counted)) {
    if (one.version > start->base_version) continue;
    expected = one;
    break;
  }
  Expect(start->client == expected || !Judges(), [&] {
    return MemberText(who) + " begins " + start->id.Text() + " from " + Text(start->client) +
           ", and not from " + Text(expected);
  });
  member.began = start->client;
}

void ClientStates::OnTrained(RosterIndex who, const Trained& trained) {
  Member& member = members_[who];
  const bool fresh = trained.client.empty();
  const bool same = member.began && trained.client_version == member.began->version &&
                    Xxh128Of(trained.client) == member.began->held.digest;
  const bool forgot = world_.happened().client_states_forgotten > 0;
  const bool from_it = fresh ? trained.client_version == 0 && (!member.began || forgot) : same;
  // What it begins with another coordinator is not seen here.
  Expect(from_it || !Judges(), [&] {
    return MemberText(who) + " trains " + trained.id.Text() + " from other bytes than those of " +
           Text(member.began);
  });
  member.makes[{trained.id, Xxh128Of(trained.update)}] = {Xxh128Of(trained.client_next),
                                                          trained.client_next.size()};
}

}  // namespace muster::simulator
