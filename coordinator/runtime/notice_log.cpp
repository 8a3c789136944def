#include "coordinator/runtime/notice_log.h"

#include <unistd.h>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "common/exit_codes.h"
#include "coordinator/runtime/straggler_json.h"

namespace muster::coordinator {
namespace {

using json = nlohmann::ordered_json;

constexpr std::uint64_t kRefusalsLoggedMax = 20;
constexpr MonotonicMs kRefusalWindowMs = 1000;

std::string Dump(const json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

void PutEvaluationFields(const EvaluationRecord* record, json& line) {
  line["accuracy"] = record != nullptr ? json(record->accuracy) : json();
  line["loss"] = record != nullptr ? json(record->loss) : json();
  line["examples"] = record != nullptr ? json(record->examples) : json();
}

json FinishedFields(const Reproducibility& verdict, Round rounds) {
  json causes = json::array();
  for (const ReproducibilityCause& cause : verdict.causes) {
    causes.push_back(
        {{"round", cause.round}, {"cause", ReasonName(cause.cause)}, {"who", cause.who}});
  }
  return {{"event", "finished"},
          {"rounds", rounds},
          {"attempts", verdict.attempts},
          {"reproducible", verdict.reproducible},
          {"causes", std::move(causes)}};
}

// Of its updates those of earlier rounds. In async nobody is drawn, and none is late.
std::size_t LateIn(const RoundRecord& record) {
  if (record.first_drawn.empty()) return 0;
  return static_cast<std::size_t>(std::ranges::count_if(
      record.accepted,
      [&](const RecordedUpdate& update) { return update.id.round != record.round; }));
}

}  // namespace

NoticeLog::NoticeLog(Setup setup) : setup_(std::move(setup)), last_commit_at_(setup_.started_at) {
  for (const EvaluationRecord& record : setup_.store.recovered().evaluations) OnEvaluation(record);
}

void NoticeLog::OnRoster(std::span<const RosterEntry> roster) {
  names_.clear();
  for (const RosterEntry& entry : roster) names_[entry.index] = entry.name;
}

void NoticeLog::OnEvaluation(const EvaluationRecord& record) {
  evaluations_[record.version] = record;
  const Version newest = evaluations_.rbegin()->first;
  std::erase_if(evaluations_, [&](const auto& entry) {
    return entry.first <= setup_.reported && entry.first != newest;
  });
}

std::optional<EvaluationRecord> NoticeLog::NewestEvaluation() const {
  if (evaluations_.empty()) return std::nullopt;
  return evaluations_.rbegin()->second;
}

void NoticeLog::OnNotice(const Notice& notice, MonotonicMs now) {
  const std::string round = std::to_string(notice.round);
  const std::string version = std::to_string(notice.version);
  const std::string attempt = std::to_string(notice.attempt);
  const std::string reason(ReasonName(notice.reason));
  switch (notice.kind) {
    case NoticeKind::phase_entered:
      setup_.log.Info("phase", {{"phase", notice.text}, {"round", round}, {"attempt", attempt}});
      return;
    case NoticeKind::joined:
      setup_.log.Info("joined", {{"who", notice.who}});
      return;
    case NoticeKind::left:
      setup_.log.Info("left", {{"who", notice.who}, {"reason", reason}});
      return;
    case NoticeKind::update_accepted:
      setup_.log.Info(notice.text.empty() ? "accepted" : "accepted " + notice.text,
                      {{"round", round}, {"who", notice.who}});
      return;
    case NoticeKind::refused:
      LogRefusal(notice, now);
      return;
    case NoticeKind::attempt_opened:
    case NoticeKind::quorum_impossible:
      ReportAttempt(notice);
      return;
    case NoticeKind::version_committed:
      setup_.log.Info("committed", {{"round", round}, {"version", version}});
      OnCommitted(notice.version, now);
      if (!setup_.evaluated) ReportUpTo(notice.version);
      return;
    case NoticeKind::version_evaluated:
      setup_.log.Info("evaluated", {{"version", version}});
      ReportUpTo(notice.version);
      return;
    case NoticeKind::drained:
    case NoticeKind::finished:
      setup_.log.Info(notice.kind == NoticeKind::drained ? "drained" : "finished",
                      {{"version", version}, {"reason", reason}});
      return;
    case NoticeKind::suspended:
      setup_.log.Warn("suspended", {{"text", notice.text}});
      return;
  }
}

void NoticeLog::ReportAttempt(const Notice& notice) {
  const bool opened = notice.kind == NoticeKind::attempt_opened;
  const std::string reason(ReasonName(notice.reason));
  const std::string refused = ReasonCountsText(notice.refused);
  setup_.log.Warn(opened ? "attempt" : "warning", {{"round", std::to_string(notice.round)},
                                                   {"attempt", std::to_string(notice.attempt)},
                                                   {"reason", reason},
                                                   {"refused", refused},
                                                   {"text", notice.text}});
  json line = {{"event", opened ? "attempt" : "warning"},
               {"round", notice.round},
               {"attempt", notice.attempt},
               {"reason", reason},
               {"refused", json::object()},
               {"message", notice.text + (refused.empty() ? "" : "; refused: " + refused)}};
  for (const auto& [why, count] : notice.refused) {
    line["refused"][std::string(ReasonName(why))] = count;
  }
  Append(Dump(line));
}

void NoticeLog::OnMirror(const MirrorStatus& status) {
  const std::string behind = std::to_string(status.behind());
  if (status.error) {
    setup_.log.Warn("mirror fails", {{"dir", status.dir},
                                     {"behind", behind},
                                     {"error", status.error->Text()},
                                     {"next", "tried again by itself"}});
  } else {
    setup_.log.Info("mirror goes on", {{"dir", status.dir}, {"behind", behind}});
  }
  if (!status.damaged.empty()) {
    setup_.log.Warn("mirror leaves out damaged versions of the state",
                    {{"dir", status.dir},
                     {"count", std::to_string(status.damaged.size())},
                     {"newest", std::to_string(status.damaged.rbegin()->first)},
                     {"error", status.damaged.rbegin()->second},
                     {"next", "stop the coordinator and see `muster checkpoints verify`"}});
  }
  if (status.same_volume) {
    setup_.log.Warn("mirror lies on the volume of the state",
                    {{"dir", status.dir}, {"next", "name a directory of another volume"}});
  }
  json line = {{"event", "mirror"}, {"state", status.error ? "failing" : "ok"}};
  line.update(json::parse(MirrorJson(status)));
  Append(Dump(line));
}

void NoticeLog::LogRefusal(const Notice& notice, MonotonicMs now) {
  if (now - refusals_since_ >= kRefusalWindowMs) {
    if (refusals_left_out_ > 0) {
      setup_.log.Warn("refusals left out", {{"count", std::to_string(refusals_left_out_)}});
    }
    refusals_since_ = now;
    refusals_logged_ = 0;
    refusals_left_out_ = 0;
  }
  if (refusals_logged_ >= kRefusalsLoggedMax) {
    ++refusals_left_out_;
    return;
  }
  ++refusals_logged_;
  setup_.log.Warn("refused", {{"reason", std::string(ReasonName(notice.reason))},
                              {"who", notice.who},
                              {"text", notice.text}});
}

void NoticeLog::OnCommitted(Version version, MonotonicMs now) {
  // A version of an earlier process is told again after a restart, but took place long ago.
  if (version <= setup_.reported || version <= setup_.head_at_start) return;
  const std::uint64_t received = setup_.traffic.received();
  const std::uint64_t sent = setup_.traffic.sent();
  commits_[version] = {static_cast<double>(now - last_commit_at_) / 1000.0,
                       received - last_received_, sent - last_sent_};
  last_commit_at_ = now;
  last_received_ = received;
  last_sent_ = sent;
}

void NoticeLog::ReportUpTo(Version version) {
  while (setup_.reported < version) {
    const Version next = setup_.reported + 1;
    const Result<RoundRecord> record = setup_.store.ReadRoundRecord(next);
    if (!record) {
      setup_.log.Fail("cannot report a version",
                      {{"version", std::to_string(next)}, {"error", record.error().Text()}});
      return;
    }
    if (!Append(VersionLine(*record))) return;
    setup_.reported = next;
    commits_.erase(commits_.begin(), commits_.upper_bound(next));
  }
}

std::vector<std::string> NoticeLog::CohortNames(const RoundRecord& record) const {
  // Slots that nobody was drawn for are blocks of elastic data.
  if (record.eligible.empty()) return {};
  std::set<Slot> slots(record.first_drawn.begin(), record.first_drawn.end());
  for (const RecordedUpdate& update : record.accepted) slots.insert(update.id.slot);
  std::vector<std::string> names;
  for (const Slot slot : slots) {
    const auto found = names_.find(slot);
    names.push_back(found != names_.end() ? found->second : "index " + std::to_string(slot));
  }
  return names;
}

std::string NoticeLog::VersionLine(const RoundRecord& record) const {
  const auto commit = commits_.find(record.version);
  const CommitFacts facts = commit != commits_.end() ? commit->second : CommitFacts{};
  const auto evaluation = evaluations_.find(record.version);
  json line = {{"event", "version"},
               {"round", record.round},
               {"version", record.version},
               {"digest", Hex(record.digest)},
               {"accepted", record.accepted.size()},
               {"late", LateIn(record)},
               {"cohort", CohortNames(record)},
               {"attempts", record.attempts},
               {"closed_by_deadline", record.closed_by_deadline},
               {"deadline_ms", record.deadline_ms > 0 ? json(record.deadline_ms) : json()},
               {"seconds", facts.seconds},
               {"bytes_received", facts.bytes_received},
               {"bytes_sent", facts.bytes_sent}};
  PutEvaluationFields(evaluation != evaluations_.end() ? &evaluation->second : nullptr, line);
  return Dump(line);
}

void NoticeLog::WriteStarted(const EpochRecord& epoch, Version head) {
  const int pid = getpid();
  setup_.log.Info("started", {{"epoch", std::to_string(epoch.epoch.number)},
                              {"pid", std::to_string(pid)},
                              {"version", std::to_string(head)}});
  Append(Dump({{"event", "started"},
               {"epoch", epoch.epoch.number},
               {"starts", epoch.starts},
               {"pid", pid},
               {"resumed_at_version", head}}));
}

void NoticeLog::WriteEnd(const RunOutcome& outcome, const StatusView& status,
                         const RunCounts& counts, const Reproducibility& verdict,
                         const std::optional<MirrorStatus>& mirror) {
  json line;
  if (outcome.reason == Reason::finished) {
    ReportUpTo(status.version);
    line = FinishedFields(verdict, status.version);
    const auto evaluation = evaluations_.find(status.version);
    PutEvaluationFields(evaluation != evaluations_.end() ? &evaluation->second : nullptr, line);
  } else if (outcome.reason == Reason::draining) {
    line = {{"event", "drained"}, {"round", status.round}};
  } else {
    line = {{"event", "failed"},
            {"reason", ReasonName(outcome.reason)},
            {"message", outcome.text},
            {"exit_code", static_cast<int>(ExitCodeFor(outcome.reason))},
            {"round", status.round}};
  }
  line["version"] = status.version;
  line["digest"] = Hex(status.digest);
  line["starts"] = status.starts;
  line["bytes_received"] = setup_.traffic.received();
  line["bytes_sent"] = setup_.traffic.sent();
  line["counters"] = counts.counters;
  line["refusals"] = counts.refusals;
  line["stragglers"] = json::parse(StragglersJson(status));
  if (mirror) line["mirror"] = json::parse(MirrorJson(*mirror));
  Append(Dump(line));
  setup_.log.Info("stopped",
                  {{"reason", std::string(ReasonName(outcome.reason))}, {"text", outcome.text}});
}

bool NoticeLog::Append(const std::string& line) {
  const Status appended = setup_.metrics.Append(line);
  if (!appended) setup_.log.Fail("cannot write metrics", {{"error", appended.error().Text()}});
  return appended.has_value();
}

}  // namespace muster::coordinator
