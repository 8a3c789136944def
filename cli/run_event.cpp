#include "cli/run_event.h"

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "common/exit_codes.h"

namespace muster::cli {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::pair<std::string_view, EventKind>, 12> kKinds = {{
    {"started", EventKind::started},
    {"version", EventKind::version},
    {"attempt", EventKind::attempt},
    {"restart", EventKind::restart},
    {"disk_full", EventKind::disk_full},
    {"waiting", EventKind::waiting},
    {"lost", EventKind::lost},
    {"drained", EventKind::drained},
    {"failed", EventKind::failed},
    {"finished", EventKind::finished},
    {"summary", EventKind::summary},
    {"ended", EventKind::ended},
}};

EventKind KindOf(const std::string& name) {
  for (const auto& [known, kind] : kKinds) {
    if (known == name) return kind;
  }
  return EventKind::other;
}

// Absent, null and of another type are alike: an event of another build is shown as far as it goes.
std::uint64_t Whole(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

std::optional<int> ExitCodeOf(const Json& object) {
  constexpr std::uint64_t kExitCodeMax = 255;
  const auto found = object.find("exit_code");
  if (found == object.end() || !found->is_number_unsigned()) return std::nullopt;
  const auto code = found->get<std::uint64_t>();
  return code <= kExitCodeMax ? std::optional(static_cast<int>(code)) : std::nullopt;
}

std::optional<double> Fraction(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

std::string Text(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool Truth(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

std::vector<Cause> Causes(const Json& object) {
  std::vector<Cause> causes;
  const auto found = object.find("causes");
  if (found == object.end() || !found->is_array()) return causes;
  for (const Json& cause : *found) {
    if (!cause.is_object()) continue;
    causes.push_back({Whole(cause, "round"), Text(cause, "cause"), Text(cause, "who")});
  }
  return causes;
}

std::vector<std::string> Names(const Json& object, const char* name) {
  std::vector<std::string> names;
  const auto found = object.find(name);
  if (found == object.end() || !found->is_array()) return names;
  for (const Json& element : *found) {
    if (element.is_string()) names.push_back(element.get<std::string>());
  }
  return names;
}

std::map<std::string, std::uint64_t> Counts(const Json& object, const char* name) {
  std::map<std::string, std::uint64_t> counts;
  const auto found = object.find(name);
  if (found == object.end() || !found->is_object()) return counts;
  for (const auto& [key, count] : found->items()) {
    if (count.is_number_unsigned()) counts[key] = count.get<std::uint64_t>();
  }
  return counts;
}

// Messages may hold bytes of any peer or log: what is no UTF-8 is replaced, never thrown on.
std::string Dump(const nlohmann::ordered_json& object) {
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string TextOf(const Ending& ending) {
  if (ending.reason == Reason::process_died) return ending.message;
  return Error{ending.reason, ending.message}.Text();
}

Ending EndingOf(const Error& error) {
  return {error.reason, error.message, static_cast<int>(ExitCodeFor(error.reason))};
}

bool EndsTheRun(EventKind kind) {
  return kind == EventKind::finished || kind == EventKind::drained || kind == EventKind::failed;
}

Result<RunEvent> ParseEvent(const std::string& line) {
  const Json object = Json::parse(line, nullptr, false);
  if (!object.is_object() || Text(object, "event").empty()) {
    return Error{Reason::file_malformed, "no event: " + line.substr(0, 200)};
  }
  RunEvent event;
  event.kind = KindOf(Text(object, "event"));
  event.line = line;
  event.round = Whole(object, "round");
  event.rounds = Whole(object, "rounds");
  event.version = Whole(object, "version");
  event.accepted = Whole(object, "accepted");
  event.attempts = Whole(object, object.contains("attempts") ? "attempts" : "attempt");
  event.starts = Whole(object, "starts");
  event.bytes_received = Whole(object, "bytes_received");
  event.bytes_sent = Whole(object, "bytes_sent");
  event.seconds = Fraction(object, "seconds").value_or(0);
  event.accuracy = Fraction(object, "accuracy");
  event.loss = Fraction(object, "loss");
  event.closed_by_deadline = Truth(object, "closed_by_deadline");
  event.reproducible = Truth(object, "reproducible");
  event.causes = Causes(object);
  event.cohort = Names(object, "cohort");
  event.digest = Text(object, "digest");
  event.reason = Text(object, "reason");
  event.process = Text(object, "process");
  event.exit = Text(object, "exit");
  event.message = Text(object, "message");
  event.who = Text(object, "who");
  event.pid = Whole(object, "pid");
  if (const auto mirror = object.find("mirror"); mirror != object.end()) {
    event.mirror = mirror->dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  if (const auto stragglers = object.find("stragglers"); stragglers != object.end()) {
    event.stragglers = stragglers->dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  event.restarts = Counts(object, "restarts");
  event.refusals = Counts(object, "refusals");
  event.exit_code = ExitCodeOf(object);
  return event;
}

std::string RestartLine(const std::string& process, std::uint32_t count, const std::string& exit,
                        const std::string& message) {
  return Dump({{"event", "restart"},
               {"process", process},
               {"count", count},
               {"exit", exit},
               {"message", message}});
}

std::string LostLine(const std::string& process, const std::string& exit,
                     const std::string& message) {
  return Dump({{"event", "lost"}, {"process", process}, {"exit", exit}, {"message", message}});
}

std::string DiskFullLine(const std::string& where, std::uint64_t free_bytes,
                         const std::string& message) {
  return Dump({{"event", "disk_full"},
               {"reason", ReasonName(Reason::disk_full)},
               {"state_dir", where},
               {"free_bytes", free_bytes},
               {"message", message}});
}

std::string WaitingLine(const std::string& process, const std::string& message) {
  return Dump({{"event", "waiting"}, {"process", process}, {"message", message}});
}

std::string FailedLine(const Ending& ending) {
  return Dump({{"event", "failed"},
               {"reason", ReasonName(ending.reason)},
               {"message", ending.message},
               {"exit_code", ending.exit_code}});
}

std::string EndedLine(const std::string& who, const Ending& ending) {
  return Dump({{"event", "ended"},
               {"who", who},
               {"reason", ReasonName(ending.reason)},
               {"message", ending.message},
               {"exit_code", ending.exit_code}});
}

std::string DrainedLine(std::uint64_t version, const std::string& message) {
  return Dump({{"event", "drained"}, {"version", version}, {"message", message}});
}

}  // namespace muster::cli
