#include "simulator/swarm/seed_runner.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>
#include <utility>

#include "simulator/swarm/crash_guard.h"

namespace muster::simulator {
namespace {

constexpr std::chrono::seconds kTellEvery{1};

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
    std::vector<std::thread> threads;
    for (unsigned job = 0; job < plan_.jobs; ++job) {
      threads.emplace_back(
          [this, directory = plan_.directory + "/" + std::to_string(job)] { RunSeeds(directory); });
    }
    {
      std::unique_lock lock(mutex_);
      while (!done_.wait_for(lock, kTellEvery, [this] { return ended_ == plan_.jobs; })) {
        if (on_progress) on_progress(Totals());
      }
    }
    for (std::thread& thread : threads) thread.join();
    SwarmReport report = std::move(report_);
    report.totals = Totals();
    report.budget.phases = budgets_.size();
    report.budget.median = Median(budgets_);
    report.budget.of_999_in_1000 = Quantile(budgets_, 999);
    std::ranges::sort(report.failures, {}, &FailedSeed::seed);
    report.empty = EmptyCells(report.coverage, plan_.fixed);
    if (const std::uint64_t next = next_; InPlan(next)) report.next = next;
    return report;
  }

 private:
  void RunSeeds(const std::string& directory) {
    if (!plan_.directory.empty()) std::filesystem::create_directories(directory);
    // A seed that is taken is run, so that none is left out before the one to go on from.
    while (!stop_ && !(plan_.stopped && plan_.stopped())) {
      const std::uint64_t seed = next_++;
      if (!InPlan(seed)) break;
      RunOne(seed, directory);
    }
    const std::lock_guard guard(mutex_);
    ++ended_;
    done_.notify_all();
  }

  /// False below the first as well: the number after the greatest is 0.
  bool InPlan(std::uint64_t seed) const { return seed >= plan_.first && seed <= plan_.last; }

  void RunOne(std::uint64_t seed, const std::string& directory) {
    // That what is fixed fits every seed is not known before: what one draws may not fit it.
    const auto options = DrawOptions(seed, plan_.fixed);
    if (!options) return Skip(seed, options.error());
    const SeedRun run{*options, std::nullopt, directory, false};
    SeedOutcome outcome = RunSeed(run);
    const bool twice =
        plan_.twice_every > 0 && (seed % plan_.twice_every == 0 || seed == plan_.first);
    if (twice && RunSeed(run) != outcome && outcome.ending == Ending::clean) {
      outcome.ending = Ending::nondeterministic;
      outcome.what = "two runs of this seed differ";
    }
    Add(seed, outcome, twice);
  }

  void Skip(std::uint64_t seed, const Error& error) {
    const std::lock_guard guard(mutex_);
    if (!report_.unfit || seed < report_.unfit->seed) {
      report_.unfit = FailedSeed{seed, Ending::clean, error.message};
    }
    ++report_.skipped;
  }

  void Add(std::uint64_t seed, const SeedOutcome& outcome, bool twice) {
    const std::lock_guard guard(mutex_);
    SwarmTotals& totals = report_.totals;
    ++totals.seeds;
    totals.twice += twice;
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

  /// REQUIRES: the lock is held.
  void AddBudget(std::uint64_t seed, std::uint64_t used_permille) {
    budgets_.push_back(used_permille);
    BudgetUse& budget = report_.budget;
    const bool earlier = used_permille == budget.most && seed < budget.seed_of_most;
    if (budgets_.size() > 1 && used_permille <= budget.most && !earlier) return;
    budget.most = used_permille;
    budget.seed_of_most = seed;
  }

  /// REQUIRES: the lock is held, or no thread runs.
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
  std::atomic<std::uint64_t> next_;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;  ///< Guards what follows.
  std::condition_variable done_;
  unsigned ended_ = 0;
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
  if (report.totals.seeds == 0 && report.unfit && !report.next) {
    return Error{Reason::config_invalid,
                 "seed " + std::to_string(report.unfit->seed) + ": " + report.unfit->what};
  }
  return report;
}

}  // namespace muster::simulator
