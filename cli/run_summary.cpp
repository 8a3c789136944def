#include "cli/run_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>

#include "cli/status_snapshot.h"
#include "cli/straggler_table.h"
#include "cli/text.h"

namespace muster::cli {
namespace {

std::string Outcome(const RunEvent& end) {
  if (end.kind == EventKind::finished) return "finished";
  if (end.kind == EventKind::drained) return "drained; the same command goes on from here";
  return "failed: " + end.message;
}

std::string Reproducible(const RunEvent& end) {
  if (end.reproducible) return "yes";
  // Where rounds ask for more than they wait for there are some in each: the event has them all.
  constexpr std::size_t kCausesShown = 6;
  std::string text = "no";
  for (const Cause& cause :
       std::span(end.causes).first(std::min(end.causes.size(), kCausesShown))) {
    text += fmt::format("; round {}: {}{}{}", cause.round, cause.cause,
                        cause.who.empty() ? "" : " ", cause.who);
  }
  if (end.causes.size() > kCausesShown) {
    text += fmt::format("; and {} more", end.causes.size() - kCausesShown);
  }
  return text;
}

/// 0: none, or nobody told this run.
std::uint64_t RoundsDone(const RunSummary& summary) {
  const std::uint64_t ended = summary.end ? summary.end->version : 0;
  return std::max(ended, summary.last_version ? summary.last_version->version : 0);
}

std::string Line(std::string_view name, const std::string& value) {
  return fmt::format("{:<13} {}\n", name, value);
}

std::string CountLines(const RunSummary& summary) {
  std::string restarts;
  for (const auto& [name, count] : summary.restarts) {
    restarts += fmt::format("{}{} {}", restarts.empty() ? "" : ", ", name, count);
  }
  std::string refusals;
  for (const auto& [reason, count] : summary.refusals) {
    refusals += fmt::format("{}{} {}", refusals.empty() ? "" : ", ", reason, count);
  }
  return Line("restarts", restarts.empty() ? "none" : restarts) +
         Line("refusals", refusals.empty() ? "none" : refusals) +
         Line("duration", HumanSeconds(summary.seconds));
}

}  // namespace

std::string RenderSummary(const RunSummary& summary) {
  std::string text;
  const auto line = [&text](std::string_view name, const std::string& value) {
    text += Line(name, value);
  };
  if (summary.end) line("outcome", Outcome(*summary.end));
  const RunEvent* facts = nullptr;
  if (summary.last_version) facts = &*summary.last_version;
  if (summary.end && summary.end->kind == EventKind::finished) facts = &*summary.end;
  if (facts != nullptr) {
    line("rounds", DoneOf(facts->version, summary.rounds));
    if (facts->accuracy) line("accuracy", fmt::format("{:.4f}", *facts->accuracy));
    if (facts->loss) line("loss", fmt::format("{:.4f}", *facts->loss));
    line("digest", facts->digest);
  }
  if (summary.end && summary.end->kind == EventKind::finished) {
    line("reproducible", Reproducible(*summary.end));
  }
  const auto mirror = summary.end ? ParseMirror(summary.end->mirror) : std::nullopt;
  if (mirror) line("mirror", DescribeMirror(*mirror));
  if (summary.counts_known) text += CountLines(summary);
  if (!summary.model_path.empty()) line("model", summary.model_path);
  if (summary.end) text += StragglerTable(summary.end->stragglers);
  return text;
}

RunSummary SummaryOf(const std::vector<std::string>& lines) {
  RunSummary summary;
  summary.counts_known = false;
  std::map<std::string, std::uint32_t> restarts;
  for (const std::string& line : lines) {
    Result<RunEvent> event = ParseEvent(line);
    if (!event) continue;
    if (event->kind == EventKind::restart) ++restarts[event->process];
    if (event->kind == EventKind::started) summary.end.reset();
    if (event->kind == EventKind::summary) {
      summary.counts_known = true;
      summary.seconds += event->seconds;
      for (const auto& [reason, count] : event->refusals) summary.refusals[reason] += count;
    }
    if (event->kind == EventKind::version)
      summary.last_version = std::move(*event);
    else if (EndsTheRun(event->kind))
      summary.end = std::move(*event);
  }
  summary.restarts.assign(restarts.begin(), restarts.end());
  return summary;
}

std::string SummaryLine(const RunSummary& summary) {
  const std::uint64_t rounds = RoundsDone(summary);
  nlohmann::ordered_json object = {{"event", "summary"}, {"rounds", nullptr}};
  if (rounds > 0) object["rounds"] = rounds;
  object["restarts"] = nlohmann::ordered_json::object();
  for (const auto& [name, count] : summary.restarts) object["restarts"][name] = count;
  object["refusals"] = summary.refusals;
  object["seconds"] = summary.seconds;
  if (!summary.model_path.empty()) object["model"] = summary.model_path;
  return object.dump();
}

}  // namespace muster::cli
