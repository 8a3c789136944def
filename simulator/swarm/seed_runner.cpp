#include "simulator/swarm/seed_runner.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <utility>

#include "simulator/swarm/seed_process.h"

namespace muster::simulator {
namespace {

constexpr std::chrono::milliseconds kTellEvery{1'000};

/// So many in a thousand are smaller.
std::uint64_t Quantile(std::vector<std::uint64_t> numbers, std::size_t permille) {
  if (numbers.empty()) return 0;
  const auto place =
      numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() * permille / 1'000);
  std::nth_element(numbers.begin(), place, numbers.end());
  return *place;
}

std::uint64_t Median(std::vector<std::uint64_t> numbers) {
  return Quantile(std::move(numbers), 500);
}

class Runner {
 public:
  explicit Runner(const SwarmPlan& plan) : plan_(plan), next_(plan.first) {}

  SwarmReport Run(const std::function<void(const SwarmTotals&)>& on_progress) {
    for (unsigned job = 0; job < plan_.jobs; ++job) AddWorker(std::to_string(job));
    auto told = begin_;
    while (KeepBusy()) {
      Await();
      if (std::chrono::steady_clock::now() - told < kTellEvery) continue;
      told = std::chrono::steady_clock::now();
      if (on_progress) on_progress(Totals());
    }
    workers_.clear();
    SwarmReport report = std::move(report_);
    report.totals = Totals();
    report.budget.phases = budgets_.size();
    report.budget.median = Median(budgets_);
    report.budget.of_999_in_1000 = Quantile(budgets_, 999);
    std::ranges::sort(report.failures, {}, &FailedSeed::seed);
    report.empty = EmptyCells(report.coverage, plan_.fixed);
    if (InPlan(next_)) report.next = next_;
    return report;
  }

 private:
  struct Worker {
    explicit Worker(SeedProcess::Play play) : process(std::move(play)) {}
    SeedProcess process;
    std::uint64_t seed = 0;  ///< That it runs.
  };

  void AddWorker(const std::string& name) {
    const std::string directory = plan_.directory + "/" + name;
    if (!plan_.directory.empty()) std::filesystem::create_directories(directory);
    workers_.push_back(
        std::make_unique<Worker>([this, directory](std::uint64_t seed, const auto& /*tell*/) {
          return Play(seed, directory);
        }));
  }

  /// Below the first the number is that after the greatest, which is 0.
  bool InPlan(std::uint64_t seed) const { return seed >= plan_.first && seed <= plan_.last; }
  bool RunsTwice(std::uint64_t seed) const {
    return plan_.twice_every > 0 && (seed % plan_.twice_every == 0 || seed == plan_.first);
  }

  /// In a child process.
  SeedOutcome Play(std::uint64_t seed, const std::string& directory) const {
    const SeedRun run{*DrawOptions(seed, plan_.fixed), std::nullopt, directory, false};
    SeedOutcome outcome = plan_.play(run);
    if (RunsTwice(seed) && plan_.play(run) != outcome && outcome.ending == Ending::clean) {
      outcome.ending = Ending::nondeterministic;
      outcome.what = "two runs of this seed differ";
    }
    return outcome;
  }

  /// Whether a seed runs.
  bool KeepBusy() {
    bool busy = false;
    for (const auto& worker : workers_) {
      if (!worker->process.busy()) GiveSeed(*worker);
      busy = busy || worker->process.busy();
    }
    return busy;
  }

  /// A seed that is taken is run, so that none is left out before the one to go on from.
  void GiveSeed(Worker& worker) {
    while (!stop_ && InPlan(next_) && !(plan_.stopped && plan_.stopped())) {
      const std::uint64_t seed = next_++;
      // That what is fixed fits every seed is not known before: what one draws may not fit it.
      if (const auto options = DrawOptions(seed, plan_.fixed); !options) {
        Skip(seed, options.error());
        continue;
      }
      worker.seed = seed;
      worker.process.Ask(seed);
      return;
    }
  }

  /// Until a process says something, or it is time to tell.
  void Await() {
    std::vector<pollfd> waiting;
    bool wait = true;
    for (const auto& worker : workers_) {
      const int descriptor = worker->process.busy() ? worker->process.descriptor() : -1;
      waiting.push_back({descriptor, POLLIN, 0});
      wait = wait && (descriptor >= 0 || !worker->process.busy());
    }
    ::poll(waiting.data(), waiting.size(), wait ? static_cast<int>(kTellEvery.count()) : 0);
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      Worker& worker = *workers_[i];
      if (!worker.process.busy() || (waiting[i].fd >= 0 && waiting[i].revents == 0)) continue;
      if (const auto outcome = worker.process.Read()) Add(worker.seed, *outcome);
    }
  }

  void Skip(std::uint64_t seed, const Error& error) {
    if (!report_.unfit || seed < report_.unfit->seed) {
      report_.unfit = FailedSeed{seed, Ending::clean, error.message};
    }
    ++report_.skipped;
    if (report_.totals.seeds == 0 && report_.skipped >= kUnfitMost) stop_ = true;
  }

  void Add(std::uint64_t seed, const SeedOutcome& outcome) {
    SwarmTotals& totals = report_.totals;
    ++totals.seeds;
    totals.twice += RunsTwice(seed);
    totals.damaged += outcome.damaged ? 1 : 0;
    totals.commits += outcome.commits;
    totals.faults += outcome.faults.size();
    totals.events += outcome.events;
    totals.simulated_s += static_cast<double>(outcome.simulated) / 1e6;
    RollingHash hash;
    hash.Add(seed);
    hash.Add(outcome.hash);
    totals.hash += hash.value();
    commits_.push_back(outcome.commits);
    faults_.push_back(outcome.faults.size());
    events_.push_back(outcome.events);
    if (outcome.budget_used_permille) AddBudget(seed, *outcome.budget_used_permille);
    for (const auto& [cell, count] : outcome.coverage) report_.coverage[cell] += count;
    for (const auto& [state, count] : outcome.states.coordinator) {
      report_.states.coordinator[state] += count;
    }
    for (const auto& [checker, looks] : outcome.looks) report_.looks[checker] += looks;
    for (const auto& [activity, count] : outcome.states.participants) {
      report_.states.participants[activity] += count;
    }
    if (outcome.ending == Ending::clean) return;
    report_.failures.push_back({seed, outcome.ending, outcome.what});
    if (report_.failures.size() < kFailuresMost) return;
    report_.stopped_early = true;
    stop_ = true;
  }

  void AddBudget(std::uint64_t seed, std::uint64_t used_permille) {
    budgets_.push_back(used_permille);
    BudgetUse& budget = report_.budget;
    const bool earlier = used_permille == budget.most && seed < budget.seed_of_most;
    if (budgets_.size() > 1 && used_permille <= budget.most && !earlier) return;
    budget.most = used_permille;
    budget.seed_of_most = seed;
  }

  SwarmTotals Totals() const {
    SwarmTotals totals = report_.totals;
    totals.median_commits = Median(commits_);
    totals.median_faults = Median(faults_);
    totals.median_events = Median(events_);
    totals.elapsed_s =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
    return totals;
  }

  const SwarmPlan& plan_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::uint64_t next_;
  bool stop_ = false;
  std::vector<std::unique_ptr<Worker>> workers_;
  SwarmReport report_;
  std::vector<std::uint64_t> commits_, faults_, events_, budgets_;
};

}  // namespace

std::vector<std::string_view> SwarmReport::Idle() const {
  std::vector<std::string_view> idle;
  for (const auto& [checker, times] : looks) {
    if (times == 0) idle.push_back(checker);
  }
  return idle;
}

Ending SwarmReport::Worst() const {
  Ending worst = Ending::clean;
  const bool covered = empty.empty() && Idle().empty();
  if (!covered && totals.seeds >= kSeedsForCoverage) worst = Ending::uncovered;
  for (const FailedSeed& failure : failures) worst = std::max(worst, failure.ending);
  return worst;
}

Result<SwarmReport> RunSwarm(const SwarmPlan& plan,
                             const std::function<void(const SwarmTotals&)>& on_progress) {
  SwarmReport report = Runner(plan).Run(on_progress);
  const bool fits_none = !report.next || report.skipped >= kUnfitMost;
  if (report.totals.seeds == 0 && report.unfit && fits_none) {
    return Error{Reason::config_invalid,
                 "seed " + std::to_string(report.unfit->seed) + ": " + report.unfit->what};
  }
  return report;
}

}  // namespace muster::simulator
