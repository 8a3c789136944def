// muster simulate: whole federations in virtual time, each from one seed.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>

#include "cli/commands.h"
#include "cli/simulate_options.h"
#include "cli/simulate_report.h"
#include "cli/stop_signals.h"
#include "common/bytes.h"
#include "common/file.h"
#include "common/text.h"
#include "simulator/swarm/schedule_file.h"
#include "simulator/swarm/seed_process.h"
#include "simulator/swarm/seed_runner.h"
#include "simulator/swarm/shrink.h"

namespace muster::cli {
namespace {

namespace sim = muster::simulator;

constexpr std::size_t kScheduleBytesMax = 64U << 20;
constexpr mode_t kFileMode = 0644;

/// Where the lock files of real stores lie; gone with it.
class Scratch {
 public:
  Scratch() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "muster-simulate-XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~Scratch() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

bool IsStopped() { return StopSignal() != 0; }

/// Draws how far it is over itself, on a terminal only.
class ProgressLine {
 public:
  ~ProgressLine() {
    if (drawn_) std::fputs("\r\033[K", stderr);
  }
  void Draw(const std::string& line) {
    if (::isatty(STDERR_FILENO) != 1) return;
    std::fprintf(stderr, "\r\033[K%s", line.c_str());
    std::fflush(stderr);
    drawn_ = true;
  }

 private:
  bool drawn_ = false;
};

Result<int> Swarm(const Arguments& arguments, const sim::FixedOptions& fixed,
                  const std::string& scratch) {
  const auto seeds = ParseSeeds(arguments.seeds);
  MUSTER_TRY(seeds);
  sim::SwarmPlan plan;
  plan.first = seeds->first;
  plan.last = seeds->second;
  plan.fixed = fixed;
  plan.jobs = arguments.jobs.value_or(std::max(1U, std::thread::hardware_concurrency()));
  plan.directory = scratch;
  plan.stopped = IsStopped;
  NoteStopSignals();
  const std::uint64_t count = plan.last - plan.first + 1;
  std::optional<ProgressLine> line(std::in_place);
  const auto report = RunSwarm(
      plan, [&](const sim::SwarmTotals& totals) { line->Draw(SwarmProgressLine(totals, count)); });
  line.reset();
  MUSTER_TRY(report);
  const std::string fixing = FixingWords(arguments);
  Print(arguments.format == Format::json ? SwarmJson(plan, *report, fixing)
                                         : SwarmText(plan, *report, fixing));
  if (report->next && IsStopped()) return ExitCodeOfSignal(StopSignal());
  return ExitCodeOf(report->Worst());
}

/// The run that --seed or --replay names.
Result<sim::SeedRun> OneRun(const Arguments& arguments, const sim::FixedOptions& fixed) {
  sim::SeedRun run;
  if (arguments.seed) {
    auto options = sim::DrawOptions(*arguments.seed, fixed);
    MUSTER_TRY(options);
    run.options = *options;
    return run;
  }
  const auto text = ReadFile(arguments.schedule, kScheduleBytesMax);
  MUSTER_TRY(text);
  auto schedule = sim::ParseSchedule(AsText(*text), arguments.schedule);
  MUSTER_TRY(schedule);
  run.options = schedule->options;
  run.faults = std::move(schedule->faults);
  if (const auto store = fixed.find("store"); store != fixed.end()) {
    run.options.store = store->second;
  }
  return run;
}

/// Writes the smallest schedule that fails alike; the smallest so far, if a signal came. Returns
/// the exit code.
Result<int> ShrinkTo(const Arguments& arguments, const sim::SeedRun& run,
                     const sim::SeedOutcome& failed) {
  const std::string path = arguments.output.empty()
                               ? fmt::format("seed-{}.schedule", run.options.seed)
                               : arguments.output;
  std::optional<ProgressLine> line(std::in_place);
  const sim::Shrunk shrunk = sim::Shrink(
      run, failed, sim::RunSeedInChild,
      [&](const sim::ShrinkProgress& progress) {
        line->Draw(fmt::format(
            "{} runs: {}, {}, {}", progress.runs, Counted(progress.faults, "fault"),
            Counted(progress.participants, "participant"), Counted(progress.rounds, "round")));
      },
      IsStopped);
  line.reset();
  const std::string remarks = fmt::format(
      "{}: {}\nShrunk from seed {}{}.", EndingName(shrunk.outcome.ending), shrunk.outcome.what,
      run.options.seed, shrunk.stopped ? "; stopped before all was tried" : "");
  MUSTER_TRY(
      WriteFileAtomically(path, AsBytes(WriteSchedule(shrunk.schedule, remarks)), kFileMode));
  Print(ShrunkText(
      {failed.faults.size(), shrunk.schedule.faults.size(), shrunk.runs, path, shrunk.stopped},
      arguments.format));
  return shrunk.stopped && IsStopped() ? ExitCodeOfSignal(StopSignal()) : ExitCodeOf(failed.ending);
}

Result<int> RunOne(const Arguments& arguments, const sim::FixedOptions& fixed,
                   const std::string& scratch) {
  auto run = OneRun(arguments, fixed);
  MUSTER_TRY(run);
  run->state_dir = scratch;
  run->tell_story = arguments.story;
  if (arguments.shrink) NoteStopSignals();
  const bool json = arguments.format == Format::json;
  if (!json) run->on_story = [](const sim::StoryLine& line) { Print(StoryText(line)); };
  const sim::SeedOutcome outcome = sim::RunSeedInChild(*run);
  Print(json ? SeedJson(*run, outcome) : (arguments.story ? "\n" : "") + SeedText(*run, outcome));
  if (arguments.shrink && outcome.ending != sim::Ending::clean) {
    return ShrinkTo(arguments, *run, outcome);
  }
  return ExitCodeOf(outcome.ending);
}

Result<int> Simulate(const Arguments& arguments) {
  if (!arguments.seed && arguments.seeds.empty() && arguments.schedule.empty()) {
    return Error{Reason::flag_invalid,
                 "what --seeds or --replay says is empty: write FIRST..LAST, or a file"};
  }
  const auto fixed = ReadFixed(arguments);
  MUSTER_TRY(fixed);
  const Scratch scratch;
  if (scratch.path().empty()) {
    return Error{Reason::io_failed,
                 "cannot make a directory in " + std::filesystem::temp_directory_path().string()};
  }
  return arguments.seeds.empty() ? RunOne(arguments, *fixed, scratch.path())
                                 : Swarm(arguments, *fixed, scratch.path());
}

}  // namespace

int RunSimulate(const Arguments& arguments) {
  const Result<int> code = Simulate(arguments);
  return code ? *code : Fail(code.error(), arguments.format);
}

}  // namespace muster::cli
