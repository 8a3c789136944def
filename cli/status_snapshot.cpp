#include "cli/status_snapshot.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/straggler_table.h"
#include "cli/text.h"

namespace muster::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kNamesShown = 6;
constexpr std::size_t kDigestShown = 16;
constexpr std::string_view kByParticipant = "refused_by_participant.";

std::optional<double> Fraction(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

std::optional<std::int64_t> OrNothing(const Json& number) {
  return number.is_null() ? std::nullopt : std::optional(number.get<std::int64_t>());
}

std::string TookText(const ParticipantLine& one) {
  return one.typical_ms ? HumanSeconds(static_cast<double>(*one.typical_ms) / 1000) : "";
}

std::string OfMedianText(const ParticipantLine& one, std::optional<std::int64_t> median_ms) {
  if (!one.typical_ms || median_ms.value_or(0) == 0) return "";
  return TimesMedian(*one.typical_ms * 100 / *median_ms);
}

void ReadWaiting(const Json& waiting, StatusSnapshot& status) {
  status.waiting_for = waiting.at("for").get<std::string>();
  status.awaited = waiting.at("whom").get<std::vector<std::string>>();
  status.waiting_since_ms = waiting.at("since_ms").get<std::int64_t>();
  status.next = waiting.at("next").get<std::string>();
  const Json& deadline = waiting.at("deadline_in_ms");
  if (!deadline.is_null()) status.deadline_in_ms = deadline.get<std::int64_t>();
}

void ReadCounters(const Json& counters, StatusSnapshot& status) {
  for (const auto& [name, count] : counters.items()) {
    if (!name.starts_with(kByParticipant)) continue;
    status.refused_by_participants[name.substr(kByParticipant.size())] = count.get<std::uint64_t>();
  }
}

StatusSnapshot Read(const Json& object) {
  StatusSnapshot status;
  status.job = object.at("job").get<std::string>();
  status.pid = object.at("pid").get<int>();
  status.phase = object.at("phase").get<std::string>();
  status.round = object.at("round").get<std::uint64_t>();
  status.rounds = object.at("rounds").get<std::uint64_t>();
  status.attempt = object.at("attempt").get<std::uint64_t>();
  status.version = object.at("version").get<std::uint64_t>();
  status.digest = object.at("digest").get<std::string>();
  status.lineage = object.at("lineage").get<std::uint64_t>();
  status.epoch = object.at("epoch").get<std::uint64_t>();
  status.starts = object.at("starts").get<std::uint64_t>();
  status.goal = object.at("goal").get<std::uint64_t>();
  status.quorum = object.at("quorum").get<std::uint64_t>();
  status.accepted = object.at("accepted").get<std::uint64_t>();
  status.late = object.at("late").get<std::uint64_t>();
  status.accuracy = Fraction(object, "accuracy");
  status.loss = Fraction(object, "loss");
  ReadWaiting(object.at("waiting"), status);
  status.deadline = object.at("deadline").at("why").get<std::string>();
  status.median_ms = OrNothing(object.at("deadline").at("median_ms"));
  for (const Json& one : object.at("participants")) {
    status.participants.push_back(
        {one.at("index").get<std::uint32_t>(), one.at("name").get<std::string>(),
         one.at("state").get<std::string>(), one.at("doing").get<std::string>(),
         one.at("in_cohort").get<bool>(), one.at("accepted").get<bool>(),
         OrNothing(one.at("typical_ms")), one.at("late").get<std::uint64_t>(),
         one.at("missed").get<std::uint64_t>()});
  }
  status.bytes_received = object.at("bytes_received").get<std::uint64_t>();
  status.bytes_sent = object.at("bytes_sent").get<std::uint64_t>();
  for (const auto& [reason, count] : object.at("refusals").items()) {
    status.refusals[reason] = count.get<std::uint64_t>();
  }
  ReadCounters(object.at("counters"), status);
  if (object.contains("mirror")) status.mirror = ParseMirror(object["mirror"].dump());
  return status;
}

pid_t PidOf(const RunState& run, const std::string& name) {
  for (const RunProcess& process : run.processes) {
    for (const std::string& hosted : process.names) {
      if (hosted == name) return process.pid;
    }
  }
  return 0;
}

std::string TextField(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<std::uint64_t> WholeField(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}

}  // namespace

std::optional<MirrorLine> ParseMirror(const std::string& text) {
  const Json object = Json::parse(text, nullptr, false);
  if (!object.is_object()) return std::nullopt;
  MirrorLine line{TextField(object, "dir"),
                  WholeField(object, "version"),
                  WholeField(object, "behind").value_or(0),
                  {},
                  object.value("same_volume", Json()) == true,
                  TextField(object, "reason"),
                  TextField(object, "message")};
  if (const auto damaged = object.find("damaged"); damaged != object.end()) {
    for (const Json& version : *damaged) {
      if (version.is_number_unsigned()) line.damaged.push_back(version.get<std::uint64_t>());
    }
  }
  return line;
}

std::string DescribeMirror(const MirrorLine& mirror) {
  std::string text = mirror.dir + ": ";
  text += mirror.version ? fmt::format("version {}, {} behind", *mirror.version, mirror.behind)
                         : std::string("no version yet");
  if (!mirror.damaged.empty()) {
    text += fmt::format("; damaged in the state and left out: {}", fmt::join(mirror.damaged, ", "));
  }
  if (mirror.same_volume) text += "; on the volume of the state, and lost with it";
  if (!mirror.reason.empty()) text += fmt::format("; {}: {}", mirror.reason, mirror.message);
  return text;
}

Result<StatusSnapshot> ParseStatus(const std::string& reply) {
  try {
    const Json object = Json::parse(reply);
    if (!object.at("ok").get<bool>()) {
      return Error{Reason::unexpected_message,
                   "the coordinator refuses: " + object.at("message").get<std::string>()};
    }
    return Read(object);
  } catch (const Json::exception& error) {
    return Error{Reason::malformed_message,
                 std::string("the coordinator's answer cannot be read: ") + error.what()};
  }
}

std::string StatusWithPids(const std::string& reply, const RunState& run) {
  Json object = Json::parse(reply);
  object["supervisor_pid"] = run.supervisor_pid;
  for (Json& participant : object.at("participants")) {
    const pid_t pid = PidOf(run, participant.at("name").get<std::string>());
    if (pid > 0) participant["pid"] = pid;
  }
  return object.dump();
}

std::string DescribeWait(const StatusSnapshot& status) {
  std::string text = status.waiting_for;
  if (!status.awaited.empty()) text += " of " + HumanList(status.awaited, kNamesShown);
  text += fmt::format(" for {}", HumanSeconds(static_cast<double>(status.waiting_since_ms) / 1000));
  if (status.deadline_in_ms) {
    text += fmt::format(", at most {} more",
                        HumanSeconds(static_cast<double>(*status.deadline_in_ms) / 1000));
  }
  return status.next.empty() ? text : text + "; then: " + status.next;
}

std::string RenderStatus(const StatusSnapshot& status, const std::optional<RunState>& run) {
  std::string text;
  const auto line = [&text](std::string_view name, const std::string& value) {
    text += fmt::format("{:<12} {}\n", name, value);
  };
  line("job", status.job);
  line("coordinator", fmt::format("running, pid {}, start {}, lineage {}, epoch {}", status.pid,
                                  status.starts, status.lineage, status.epoch));
  if (run) line("supervisor", fmt::format("pid {}", run->supervisor_pid));
  line("round", fmt::format("{} of {}, attempt {}, phase {}", status.round, status.rounds,
                            status.attempt, status.phase));
  line("version", fmt::format("{} ({}...)", status.version, status.digest.substr(0, kDigestShown)));
  if (status.accuracy && status.loss) {
    line("accuracy", fmt::format("{:.4f}, loss {:.4f}", *status.accuracy, *status.loss));
  }
  line("updates",
       fmt::format("{} accepted of {} (quorum {}){}", status.accepted, status.goal, status.quorum,
                   status.late == 0 ? "" : fmt::format(", and {} late", status.late)));
  line("waiting for", DescribeWait(status));
  if (!status.deadline.empty()) line("deadline", status.deadline);
  line("bytes", fmt::format("{} in, {} out", HumanBytes(status.bytes_received),
                            HumanBytes(status.bytes_sent)));
  if (status.mirror) line("mirror", DescribeMirror(*status.mirror));
  for (const auto& [reason, count] : status.refusals) {
    line("refused", fmt::format("{} {}", count, reason));
  }
  for (const auto& [reason, count] : status.refused_by_participants) {
    text += fmt::format("refused by participants: {} {}\n", reason, count);
  }
  Table table(
      {"index", "name", "state", "doing", "cohort", "took", "of median", "late", "missed", "pid"},
      {0, 5, 6, 7, 8, 9});
  for (const ParticipantLine& one : status.participants) {
    const pid_t pid = run ? PidOf(*run, one.name) : 0;
    table.Add({fmt::format("{}", one.index), one.name, one.state, one.doing,
               one.in_cohort ? "yes" : "", TookText(one), OfMedianText(one, status.median_ms),
               fmt::format("{}", one.late), fmt::format("{}", one.missed),
               pid > 0 ? fmt::format("{}", pid) : ""});
  }
  return text + "\n" + table.Text();
}

}  // namespace muster::cli
