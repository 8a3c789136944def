#include "cli/simulate_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "cli/text.h"
#include "common/text.h"
#include "simulator/federation/stranger.h"
#include "simulator/federation/twin.h"
#include "simulator/swarm/swarm_keys.h"

namespace muster::cli {
namespace {

using coordinator::Phase;
using coordinator::PhaseName;
using coordinator::WaitKindName;
using simulator::Ending;
using simulator::FaultKind;
using simulator::FaultName;
using Json = nlohmann::ordered_json;

constexpr int kActorWidth = 11;  ///< "coordinator"
constexpr int kPhases = static_cast<int>(Phase::stopped) + 1;

/// 12,345,678: figures are read by people.
std::string Grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t end = text.size(); end > 3; end -= 3) text.insert(end - 3, ",");
  return text;
}

std::string ActorName(simulator::Actor actor) {
  if (actor == simulator::kCoordinator) return "coordinator";
  if (actor == simulator::kTwin) return "twin";
  constexpr simulator::Actor kFirst = simulator::StrangerActor(0);
  if (actor <= kFirst && kFirst - actor < simulator::kStrangersMost) {
    return "stranger-" + std::to_string(kFirst - actor);
  }
  return "site-" + std::to_string(actor - 1);
}

double PerMinute(const simulator::SwarmTotals& totals) {
  return totals.elapsed_s > 0 ? static_cast<double>(totals.seeds) * 60 / totals.elapsed_s : 0;
}

double Ratio(const simulator::SwarmTotals& totals) {
  return totals.elapsed_s > 0 ? totals.simulated_s / totals.elapsed_s : 0;
}

/// A row a fault; "-" where it cannot happen.
std::string CoverageText(const simulator::Coverage& coverage) {
  std::vector<std::string> headings = {"fault"};
  std::vector<std::size_t> right;
  for (int number = 0; number < kPhases; ++number) {
    right.push_back(headings.size());
    headings.emplace_back(PhaseName(static_cast<Phase>(number)));
  }
  Table table(headings, right);
  for (std::size_t i = 0; i < simulator::kFaultKinds; ++i) {
    const auto fault = static_cast<FaultKind>(i);
    std::vector<std::string> row = {std::string(FaultName(fault))};
    for (int number = 0; number < kPhases; ++number) {
      const auto phase = static_cast<Phase>(number);
      const auto found = coverage.find({fault, phase});
      const std::uint64_t count = found == coverage.end() ? 0 : found->second;
      const bool reachable = simulator::WhyUnreachable(fault, phase).empty();
      row.push_back(count == 0 && !reachable ? "-" : Grouped(count));
    }
    table.Add(row);
  }
  return table.Text();
}

std::string StatesText(const simulator::StatesEntered& states) {
  Table table({"coordinator in", "waits for", "times seen"}, {2});
  for (const auto& [state, count] : states.coordinator) {
    table.Add({std::string(PhaseName(state.first)), std::string(WaitKindName(state.second)),
               Grouped(count)});
  }
  Table participants({"participant is", "times seen"}, {1});
  for (const auto& [activity, count] : states.participants) {
    participants.Add({std::string(participant::ActivityName(activity)), Grouped(count)});
  }
  return table.Text() + "\n" + participants.Text();
}

std::string LooksText(const simulator::LooksOf& looks) {
  Table table({"checker", "times looked"}, {1});
  for (const auto& [checker, times] : looks) table.Add({std::string(checker), Grouped(times)});
  return table.Text();
}

Json LooksJson(const simulator::LooksOf& looks) {
  Json object = Json::object();
  for (const auto& [checker, times] : looks) object[std::string(checker)] = times;
  return object;
}

std::string BudgetText(const simulator::BudgetUse& budget) {
  const auto percent = [](std::uint64_t permille) { return static_cast<double>(permille) / 10; };
  return fmt::format(
      "budget   the slowest step of a liveness phase took {:.1f} % of its budget (median), "
      "{:.1f} % (999 of 1000 less), at most {:.1f} % (seed {})\n",
      percent(budget.median), percent(budget.of_999_in_1000), percent(budget.most),
      budget.seed_of_most);
}

Json BudgetJson(const simulator::BudgetUse& budget) {
  return {{"phases", budget.phases},
          {"median_permille", budget.median},
          {"p999_permille", budget.of_999_in_1000},
          {"most_permille", budget.most},
          {"seed_of_most", budget.seed_of_most}};
}

Json CoverageJson(const simulator::Coverage& coverage) {
  Json object = Json::object();
  for (const auto& [cell, count] : coverage) {
    object[std::string(FaultName(cell.first))][std::string(PhaseName(cell.second))] = count;
  }
  return object;
}

Json StatesJson(const simulator::StatesEntered& states) {
  Json coordinator = Json::object();
  for (const auto& [state, count] : states.coordinator) {
    coordinator[std::string(PhaseName(state.first))][std::string(WaitKindName(state.second))] =
        count;
  }
  Json participants = Json::object();
  for (const auto& [activity, count] : states.participants) {
    participants[std::string(participant::ActivityName(activity))] = count;
  }
  return {{"coordinator", coordinator}, {"participants", participants}};
}

std::string HashText(std::uint64_t hash) { return fmt::format("{:016x}", hash); }

/// How often each fault happened: "3 lose, 1 crash".
std::string FaultCounts(const std::vector<simulator::Fault>& faults) {
  std::map<FaultKind, std::uint64_t> counts;
  for (const simulator::Fault& fault : faults) ++counts[fault.kind];
  std::string text;
  for (const auto& [kind, count] : counts) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, FaultName(kind));
  }
  return text.empty() ? "none" : text;
}

std::string AgainCommand(std::uint64_t seed, const std::string& fixing) {
  return fmt::format("muster simulate --seed {}{} --story", seed, fixing);
}

/// Empty if every seed was run.
std::string GoOnCommand(const simulator::SwarmPlan& plan, const simulator::SwarmReport& report,
                        const std::string& fixing) {
  if (!report.next) return "";
  return fmt::format("muster simulate --seeds {}..{}{} --jobs {}", *report.next, plan.last, fixing,
                     plan.jobs);
}

}  // namespace

std::string SwarmProgressLine(const simulator::SwarmTotals& totals, std::uint64_t seeds) {
  return fmt::format(
      "{} of {} seeds, {:.0f} a minute, {} simulated in {}; medians: {} commits, "
      "{} faults, {} events",
      Grouped(totals.seeds), Grouped(seeds), PerMinute(totals), HumanSeconds(totals.simulated_s),
      HumanSeconds(totals.elapsed_s), totals.median_commits, totals.median_faults,
      Grouped(totals.median_events));
}

std::string SwarmText(const simulator::SwarmPlan& plan, const simulator::SwarmReport& report,
                      const std::string& fixing) {
  const simulator::SwarmTotals& totals = report.totals;
  std::string text = CoverageText(report.coverage) + "\n" + StatesText(report.states) + "\n" +
                     LooksText(report.looks) + "\n";
  for (const simulator::FailedSeed& failure : report.failures) {
    text +=
        fmt::format("FAILED seed {}: {}: {}\n  again: {}\n", failure.seed,
                    EndingName(failure.ending), failure.what, AgainCommand(failure.seed, fixing));
  }
  // Fewer seeds need not meet everything.
  const bool judged = totals.seeds >= simulator::kSeedsForCoverage;
  for (const simulator::EmptyCell& cell : report.empty) {
    if (!judged) break;
    text += fmt::format("EMPTY  no {} met the coordinator in {}\n", FaultName(cell.fault),
                        PhaseName(cell.phase));
  }
  if (judged) {
    for (const std::string_view checker : report.Idle()) {
      text += fmt::format("IDLE   {} never looked\n", checker);
    }
  }
  text += fmt::format(
      "seeds    {}..{}: {} run, {} clean, {} run twice, {} ended for damage, hash {}\n", plan.first,
      plan.last, Grouped(totals.seeds), Grouped(totals.seeds - report.failures.size()),
      Grouped(totals.twice), Grouped(totals.damaged), HashText(totals.hash));
  if (report.skipped > 0) {
    text += fmt::format("skipped  {}, which cannot have what is fixed; seed {}: {}\n",
                        Counted(report.skipped, "seed"), report.unfit->seed, report.unfit->what);
  }
  if (report.stopped_early) {
    text += fmt::format("stopped  after {}\n", Counted(report.failures.size(), "failure"));
  } else if (report.next) {
    text += fmt::format("stopped  interrupted after {} of {} seeds\n",
                        Grouped(*report.next - plan.first), Grouped(plan.last - plan.first + 1));
  }
  if (report.next) text += "  go on: " + GoOnCommand(plan, report, fixing) + "\n";
  text += fmt::format("time     {}, {:.0f} seeds a minute, simulated : real {} : 1\n",
                      HumanSeconds(totals.elapsed_s), PerMinute(totals),
                      Grouped(static_cast<std::uint64_t>(Ratio(totals))));
  text += fmt::format("medians  {} commits, {} faults, {} events a seed\n", totals.median_commits,
                      totals.median_faults, Grouped(totals.median_events));
  if (report.budget.phases > 0) text += BudgetText(report.budget);
  return text + fmt::format("{}{}\n", EndingName(report.Worst()), report.next ? " so far" : "");
}

std::string SwarmJson(const simulator::SwarmPlan& plan, const simulator::SwarmReport& report,
                      const std::string& fixing) {
  const simulator::SwarmTotals& totals = report.totals;
  Json failures = Json::array();
  for (const simulator::FailedSeed& failure : report.failures) {
    failures.push_back({{"seed", failure.seed},
                        {"ending", EndingName(failure.ending)},
                        {"what", failure.what},
                        {"again", AgainCommand(failure.seed, fixing)}});
  }
  Json empty = Json::array();
  for (const simulator::EmptyCell& cell : report.empty) {
    empty.push_back({{"fault", FaultName(cell.fault)}, {"phase", PhaseName(cell.phase)}});
  }
  Json object = {{"event", "simulated"},
                 {"first", plan.first},
                 {"last", plan.last},
                 {"seeds", totals.seeds},
                 {"skipped", report.skipped},
                 {"twice", totals.twice},
                 {"damaged", totals.damaged},
                 {"ending", EndingName(report.Worst())},
                 {"failures", failures},
                 {"hash", HashText(totals.hash)},
                 {"median_commits", totals.median_commits},
                 {"median_faults", totals.median_faults},
                 {"median_events", totals.median_events},
                 {"commits", totals.commits},
                 {"faults", totals.faults},
                 {"events", totals.events},
                 {"simulated_s", totals.simulated_s},
                 {"elapsed_s", totals.elapsed_s},
                 {"seeds_per_minute", PerMinute(totals)},
                 {"simulated_to_real", Ratio(totals)},
                 {"budget", BudgetJson(report.budget)},
                 {"empty", empty},
                 {"coverage", CoverageJson(report.coverage)},
                 {"states", StatesJson(report.states)},
                 {"looks", LooksJson(report.looks)}};
  if (report.next) {
    object["next"] = *report.next;
    object["go_on"] = GoOnCommand(plan, report, fixing);
  }
  return object.dump() + "\n";
}

std::string SeedText(const simulator::SeedRun& run, const simulator::SeedOutcome& outcome) {
  std::string text = "options ";
  std::size_t column = text.size();
  for (const simulator::SwarmKey& key : simulator::SwarmKeys()) {
    const std::uint64_t value = key.Of(run.options);
    if (key.member == nullptr && value == 0) continue;
    const std::string word = " " + key.name + "=" + SwarmValueText(key, value);
    if (column + word.size() > 100) {
      text += "\n        ";
      column = 8;
    }
    text += word;
    column += word.size();
  }
  text += "\nfaults   " + FaultCounts(outcome.faults);
  if (run.faults) text += fmt::format("; of {} listed", run.faults->size());
  text += "\n";
  // What a crash leaves behind does not count the commits.
  const bool crashed = outcome.ending == Ending::crash;
  text += fmt::format(
      "ran      {}{}, {} simulated, hash {}\n",
      crashed ? "" : Counted(outcome.commits, "commit") + ", ", Counted(outcome.events, "event"),
      HumanSeconds(static_cast<double>(outcome.simulated) / 1e6), HashText(outcome.hash));
  if (outcome.ending == Ending::clean) {
    return text + (outcome.damaged ? "clean: ended for damage\n" : "clean\n");
  }
  return text + fmt::format("{}: {}\n", EndingName(outcome.ending), outcome.what);
}

std::string SeedJson(const simulator::SeedRun& run, const simulator::SeedOutcome& outcome) {
  Json given = Json::object();
  for (const simulator::SwarmKey& key : simulator::SwarmKeys()) {
    const std::uint64_t value = key.Of(run.options);
    given[key.name] = value;
    if (!key.words.empty()) given[key.name] = SwarmValueText(key, value);
  }
  Json faults = Json::array();
  for (const simulator::Fault& fault : outcome.faults) {
    faults.push_back({FaultName(fault.kind), fault.actor, fault.ordinal, fault.value});
  }
  Json story = Json::array();
  for (const simulator::StoryLine& line : outcome.story) {
    story.push_back({{"at_us", line.at}, {"who", ActorName(line.actor)}, {"what", line.text}});
  }
  Json object = {{"event", "seed"},
                 {"ending", EndingName(outcome.ending)},
                 {"what", outcome.what},
                 {"damaged", outcome.damaged},
                 {"commits", outcome.commits},
                 {"events", outcome.events},
                 {"simulated_s", static_cast<double>(outcome.simulated) / 1e6},
                 {"hash", HashText(outcome.hash)},
                 {"options", given},
                 {"faults", faults}};
  if (outcome.ending == Ending::crash) object.erase("commits");
  if (run.faults) object["listed"] = run.faults->size();
  if (!story.empty()) object["story"] = story;
  return object.dump() + "\n";
}

std::string ShrunkText(const ShrunkSize& size, Format format) {
  if (format == Format::json) {
    const Json object = {{"event", "shrunk"},       {"faults_before", size.faults_before},
                         {"faults", size.faults},   {"runs", size.runs},
                         {"stopped", size.stopped}, {"schedule", size.path}};
    return object.dump() + "\n";
  }
  const std::string path = ShellWord(size.path);
  const std::string text =
      fmt::format("shrunk   from {} to {} in {}\n  again: muster simulate --replay {} --story\n",
                  Counted(size.faults_before, "fault"), Counted(size.faults, "fault"),
                  Counted(size.runs, "run"), path);
  if (!size.stopped) return text;
  return text + fmt::format(
                    "stopped  before all was tried; the smallest so far is in {}\n"
                    "  go on: muster simulate --replay {} --shrink --out {}\n",
                    path, path, path);
}

std::string StoryText(const simulator::StoryLine& line) {
  return fmt::format("{:>11.6f} s  {:<{}}  {}\n", static_cast<double>(line.at) / 1e6,
                     ActorName(line.actor), kActorWidth, line.text);
}

}  // namespace muster::cli
