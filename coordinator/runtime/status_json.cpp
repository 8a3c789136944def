#include "coordinator/runtime/status_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/bytes.h"
#include "coordinator/runtime/run_counts.h"

namespace muster::coordinator {
namespace {

using json = nlohmann::ordered_json;

std::string NameOf(const StatusView& view, RosterIndex index) {
  for (const ParticipantStatus& participant : view.participants) {
    if (participant.index == index) return participant.name;
  }
  return "index " + std::to_string(index);
}

json CountsJson(const ReasonCounts& counts) {
  json object = json::object();
  for (const auto& [reason, count] : counts) object[std::string(ReasonName(reason))] = count;
  return object;
}

json Waiting(const StatusView& view) {
  json whom = json::array();
  for (const RosterIndex index : view.wait.whom) whom.push_back(NameOf(view, index));
  json waiting = {{"for", WaitKindName(view.wait.kind)},
                  {"whom", std::move(whom)},
                  {"since_ms", view.wait.since_ms},
                  {"deadline_in_ms", nullptr},
                  {"next", view.wait.next},
                  {"refused", CountsJson(view.wait.refused)}};
  if (view.wait.deadline_in_ms >= 0) waiting["deadline_in_ms"] = view.wait.deadline_in_ms;
  return waiting;
}

// Times of a member of whom none was seen.
json OrNull(std::int64_t ms, const MemberPace& pace) {
  return pace.updates > 0 ? json(ms) : json();
}

json Deadline(const DeadlineStatus& deadline) {
  return {{"kind", deadline.kind == DeadlineKind::fixed ? "fixed" : "adaptive"},
          {"ms", deadline.ms > 0 ? json(deadline.ms) : json()},
          {"why", deadline.why},
          {"updates_seen", deadline.seen.updates},
          {"median_ms", deadline.seen.updates > 0 ? json(deadline.seen.median_ms) : json()},
          {"mad_ms", deadline.seen.updates > 0 ? json(deadline.seen.mad_ms) : json()}};
}

json Participants(const StatusView& view) {
  json participants = json::array();
  for (const ParticipantStatus& participant : view.participants) {
    const char* const present = participant.connected ? "connected" : "away";
    participants.push_back({{"index", participant.index},
                            {"name", participant.name},
                            {"state", participant.revoked ? "revoked" : present},
                            {"doing", participant.doing},
                            {"in_cohort", participant.in_cohort},
                            {"accepted", participant.accepted},
                            {"updates", participant.pace.updates},
                            {"typical_ms", OrNull(participant.pace.typical_ms, participant.pace)},
                            {"last_ms", OrNull(participant.pace.last_ms, participant.pace)},
                            {"late", participant.pace.late},
                            {"missed", participant.pace.missed},
                            {"lease_left_ms", participant.lease_left_ms},
                            {"revoked", participant.revoked}});
  }
  return participants;
}

}  // namespace

std::string StatusJson(const StatusView& view, const StatusFacts& facts) {
  json status = {{"ok", true},
                 {"job", facts.job_name},
                 {"job_digest", Hex(facts.job_digest)},
                 {"pid", facts.pid},
                 {"phase", PhaseName(view.wait.phase)},
                 {"round", view.round},
                 {"rounds", view.rounds},
                 {"attempt", view.attempt},
                 {"version", view.version},
                 {"digest", Hex(view.digest)},
                 {"lineage", view.lineage},
                 {"epoch", view.epoch.number},
                 {"starts", view.starts},
                 {"goal", view.goal},
                 {"quorum", view.quorum},
                 {"accepted", view.accepted},
                 {"late", view.late},
                 {"accuracy", nullptr},
                 {"loss", nullptr},
                 {"evaluated_version", nullptr},
                 {"waiting", Waiting(view)},
                 {"deadline", Deadline(view.deadline)},
                 {"participants", Participants(view)},
                 {"bytes_received", facts.bytes_received},
                 {"bytes_sent", facts.bytes_sent}};
  if (facts.evaluation) {
    status["accuracy"] = facts.evaluation->accuracy;
    status["loss"] = facts.evaluation->loss;
    status["evaluated_version"] = facts.evaluation->version;
  }
  const RunCounts counts = CountsOf(view.counters, facts.uncounted_refusals);
  status["counters"] = counts.counters;
  status["refusals"] = counts.refusals;
  status["mirror"] = facts.mirror ? json::parse(MirrorJson(*facts.mirror)) : json();
  return status.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace muster::coordinator
