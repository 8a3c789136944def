// muster simulate: whole federations in virtual time, each from one seed.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <variant>

#include "cli/commands.h"
#include "cli/setting.h"
#include "cli/simulate_report.h"
#include "cli/stop_signals.h"
#include "common/bytes.h"
#include "common/file.h"
#include "common/text.h"
#include "simulator/disk/file_system.h"
#include "simulator/swarm/crash_guard.h"
#include "simulator/swarm/schedule_file.h"
#include "simulator/swarm/seed_runner.h"
#include "simulator/swarm/shrink.h"
#include "simulator/swarm/swarm_keys.h"

namespace muster::cli {
namespace {

namespace sim = muster::simulator;

constexpr std::size_t kConfigBytesMax = 1U << 20;
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

/// "7..40", both included.
Result<std::pair<std::uint64_t, std::uint64_t>> ParseSeeds(const std::string& text) {
  const std::size_t dots = text.find("..");
  std::pair<std::uint64_t, std::uint64_t> seeds;
  const auto number = [](std::string_view digits, std::uint64_t& value) {
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size();
  };
  const std::string_view whole = text;
  if (dots != std::string::npos && number(whole.substr(0, dots), seeds.first) &&
      number(whole.substr(dots + 2), seeds.second) && seeds.first <= seeds.second) {
    return seeds;
  }
  return Error{Reason::flag_invalid,
               "--seeds " + text + ": write FIRST..LAST, as in --seeds 1..1000"};
}

std::string ValueText(const SettingValue& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  return DescribeValue(value);
}

/// What --config and --store fix.
Result<sim::FixedOptions> ReadFixed(const Arguments& arguments) {
  sim::FixedOptions fixed;
  std::vector<Setting> settings;
  if (!arguments.config.empty()) {
    const auto text = ReadFile(arguments.config, kConfigBytesMax);
    MUSTER_TRY(text);
    auto read = ReadToml(AsText(*text), arguments.config);
    MUSTER_TRY(read);
    settings = std::move(*read);
  }
  if (!arguments.store.empty()) {
    settings.push_back({"store", arguments.store, "--store " + arguments.store});
  }
  for (const Setting& setting : settings) {
    const sim::SwarmKey* key = sim::FindSwarmKey(setting.key);
    if (key == nullptr) {
      return Error{Reason::config_invalid,
                   setting.where + ": there is no option " + setting.key +
                       "; `muster simulate --seed 1` prints all that are not 0"};
    }
    const auto value = sim::ParseSwarmValue(*key, ValueText(setting.value));
    if (!value) return Error{value.error().reason, setting.where + ": " + value.error().message};
    fixed[key->name] = *value;
  }
  return fixed;
}

/// The words that fixed them, to be said again.
std::string FixingWords(const Arguments& arguments) {
  std::string words;
  if (!arguments.config.empty()) words += " --config " + ShellWord(arguments.config);
  if (!arguments.store.empty()) words += " --store " + arguments.store;
  return words;
}

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
  sim::SetDatabaseThreads(plan.jobs);
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
      run.options.seed, shrunk.stopped ? "; interrupted, so it may get smaller" : "");
  MUSTER_TRY(
      WriteFileAtomically(path, AsBytes(WriteSchedule(shrunk.schedule, remarks)), kFileMode));
  Print(ShrunkText(
      {failed.faults.size(), shrunk.schedule.faults.size(), shrunk.runs, path, shrunk.stopped},
      arguments.format));
  return shrunk.stopped ? ExitCodeOfSignal(StopSignal()) : ExitCodeOf(failed.ending);
}

Result<int> RunOne(const Arguments& arguments, const sim::FixedOptions& fixed,
                   const std::string& scratch) {
  auto run = OneRun(arguments, fixed);
  MUSTER_TRY(run);
  run->state_dir = scratch;
  run->tell_story = arguments.story;
  if (arguments.shrink) NoteStopSignals();
  const sim::SeedOutcome outcome =
      arguments.shrink ? sim::RunSeedInChild(*run) : sim::RunSeed(*run);
  if (arguments.format == Format::json) {
    Print(SeedJson(run->options, outcome));
  } else {
    Print((arguments.story ? StoryText(outcome) + "\n" : "") + SeedText(run->options, outcome));
  }
  if (arguments.shrink && outcome.ending != sim::Ending::clean) {
    return ShrinkTo(arguments, *run, outcome);
  }
  return ExitCodeOf(outcome.ending);
}

Result<int> Simulate(const Arguments& arguments) {
  const auto fixed = ReadFixed(arguments);
  MUSTER_TRY(fixed);
  const Scratch scratch;
  if (scratch.path().empty()) {
    return Error{Reason::io_failed,
                 "cannot make a directory in " + std::filesystem::temp_directory_path().string()};
  }
  sim::InstallCrashGuard();
  return arguments.seeds.empty() ? RunOne(arguments, *fixed, scratch.path())
                                 : Swarm(arguments, *fixed, scratch.path());
}

}  // namespace

int RunSimulate(const Arguments& arguments) {
  const Result<int> code = Simulate(arguments);
  return code ? *code : Fail(code.error(), arguments.format);
}

}  // namespace muster::cli
