// Sync against async with stragglers: accuracy over virtual time, and the time to a target. The
// production core in virtual time, with durations half-normal from 1 s to 10 s at three sigma, and
// real training, sums and versions of the job of configs/mnist-2nn.toml.
//   async_bench [data=idx dir=DIR] [target=0.95] [seconds=90] [seeds=3] [slow=member]
//               [ways=async] [svg=FILE] [plot=1] [threads=2]
//   async_bench ... tune=1      (the rates instead: time to the target of each, on a seed beside)
// ways: only those whose names begin so.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/arguments.h"
#include "bench/svg_plot.h"
#include "cli/plot.h"
#include "common/bytes.h"
#include "common/file.h"
#include "common/thread_pool.h"
#include "tests/coordinator/straggler_training.h"

namespace {

using namespace muster;               // NOLINT: a program of its own.
using namespace muster::coordinator;  // NOLINT

/// Of every way: the members that are there, and how many work at a time.
constexpr std::uint32_t kMembers = 100;
constexpr std::uint32_t kAtWork = 10;
/// Evaluating takes as long as eight trainings: no more often than this, in virtual time.
constexpr MonotonicMs kEvaluateEveryMs = 2'000;
constexpr mode_t kSvgMode = 0644;
/// Percent: a plot's lower edge.
constexpr double kShownLeast = 86;
/// Of the seeds 1, 2, ... that the table has, none.
constexpr std::uint64_t kTuningSeed = 101;
constexpr double kLocalRate = 0.2;  ///< Of configs/mnist-2nn.toml; the others are tried, too:
constexpr std::array kLocalRates = {0.1, 0.4};
constexpr std::array kServerRates = {0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0};

struct Rates {
  double local = 0.2, server = 1;
};

struct Way {
  const char* name;
  Rates rates;  ///< The best of tune=1.
  std::uint32_t goal = 10;
  double over_select = 1;  ///< Sync: of the goal so many are at work. Async: of kAtWork.
  DeadlineRule rule = {DeadlineKind::fixed, 60'000, 0};
  std::optional<Staleness> staleness;  ///< Async.
  LatePolicy late = LatePolicy::refuse;
};

constexpr DeadlineRule kAdaptive = {DeadlineKind::adaptive, 60'000, 2'000};
constexpr DeadlineRule kFixed = {DeadlineKind::fixed, 60'000, 0};
constexpr Way kWays[] = {
    {"sync", {0.2, 1.5}},
    {"sync, adaptive deadline, k = 2", {0.2, 1.5}, 10, 1, kAdaptive},
    {"sync, over-selected 1.5", {0.2, 1.5}, 10, 1.5},
    {"sync, over-selected 1.5, late folded", {0.2, 1.5}, 10, 1.5, kFixed, {}, LatePolicy::fold},
    {"sync, adaptive, k = 2, late folded", {0.2, 1.5}, 10, 1, kAdaptive, {}, LatePolicy::fold},
    {"async, K = 10, polynomial", {0.2, 1.5}, 10, 1, kFixed, Staleness::polynomial},
    {"async, K = 5, constant", {0.2, 0.5}, 5, 1, kFixed, Staleness::constant},
    {"async, K = 5, polynomial", {0.2, 1}, 5, 1, kFixed, Staleness::polynomial},
    {"async, K = 5, hinge", {0.2, 0.5}, 5, 1, kFixed, Staleness::hinge},
    {"async, K = 1, constant", {0.2, 0.1}, 1, 1, kFixed, Staleness::constant},
    {"async, K = 1, polynomial", {0.2, 0.5}, 1, 1, kFixed, Staleness::polynomial},
    {"async, K = 5, polynomial, 15 at work", {0.2, 1}, 5, 1.5, kFixed, Staleness::polynomial},
};

struct Options {
  std::vector<Way> ways;
  DataSource source = DataSource::digits;
  DataOptions data;
  double target = 0.95;
  MonotonicMs end = 0;
  Slowness slowness = Slowness::of_update;
  std::uint64_t seeds = 3;
};

/// One run of a way.
struct Run {
  std::vector<StragglerTraining::Point> curve;
  Version versions = 0;
  double staleness = 0;  ///< Mean of the updates that count.
  std::optional<StragglerTraining::Point> reached;
};

std::uint32_t AtWork(const Way& way) {
  return static_cast<std::uint32_t>(kAtWork * way.over_select);
}

JobSpec JobOf(const Way& way, Rates rates, const Options& options, std::uint64_t seed) {
  JobSpec job;
  job.seed = seed;
  job.model.hidden = {200, 200};
  job.data.source = options.source;
  job.data.parts = kMembers;
  if (options.source == DataSource::digits) {
    job.data.train_examples = 60'000;
    job.data.test_examples = 10'000;
  }
  job.train.learning_rate = rates.local;
  job.strategy.server_learning_rate = rates.server;
  job.round.goal = way.goal;
  job.round.quorum = way.goal;
  if (way.rule.kind == DeadlineKind::adaptive) job.round.quorum = way.goal * 7 / 10;
  if (!way.staleness) {
    job.round.over_select = way.over_select;
    job.round.late = way.late;
    job.round.staleness = Staleness::polynomial;
    return job;
  }
  job.round.mode = Mode::async;
  job.round.select_from = SelectFrom::present;
  job.round.concurrency = AtWork(way);
  job.round.staleness = *way.staleness;
  job.round.staleness_max = 100;
  if (way.staleness == Staleness::hinge) {
    job.round.staleness_a = 10;  // As in the experiments of Xie 2019.
    job.round.staleness_b = 4;
  }
  return job;
}

template <typename T>
T OrExit(Result<T> result) {
  if (result.has_value()) return std::move(*result);
  std::fprintf(stderr, "async_bench: %s\n", result.error().Text().c_str());
  std::exit(1);
}

Run Play(const Way& way, Rates rates, const Options& options, std::uint64_t seed, bool to_target) {
  const JobSpec job = JobOf(way, rates, options, seed);
  const auto training = OrExit(StragglerTraining::Create(job, options.data, kEvaluateEveryMs));
  StragglerWorld world({.job = job, .rule = way.rule, .slowness = options.slowness},
                       training.get());
  Run run;
  world.PlayUntil(options.end, [&] {
    const StragglerTraining::Point& last = training->curve().back();
    if (!run.reached && last.accuracy >= options.target) run.reached = last;
    return to_target && run.reached.has_value();
  });
  run.curve = training->curve();
  run.versions = training->head().version;
  run.staleness = static_cast<double>(training->staleness()) /
                  static_cast<double>(std::max<std::uint64_t>(1, training->counted()));
  return run;
}

double Seconds(MonotonicMs ms) { return static_cast<double>(ms) / 1'000; }

template <typename T>
T Median(std::vector<T> values) {
  std::sort(values.begin(), values.end());
  return values[(values.size() - 1) / 2];
}

/// Never reached: later than anything.
double SecondsToTarget(const Run& run) { return run.reached ? Seconds(run.reached->at) : 1e9; }
std::string TimeText(double seconds) {
  return seconds < 1e9 ? fmt::format("{:.1f}", seconds) : "-";
}

/// What was known at this time.
double AccuracyAt(const Run& run, MonotonicMs at) {
  double accuracy = 0;
  for (const StragglerTraining::Point& point : run.curve) {
    if (point.at <= at) accuracy = point.accuracy;
  }
  return accuracy;
}

/// In percent, each second, the median of the runs.
std::vector<std::pair<double, double>> MedianCurve(const std::vector<Run>& runs, MonotonicMs end) {
  std::vector<std::pair<double, double>> points;
  for (MonotonicMs at = 0; at <= end; at += 1'000) {
    std::vector<double> values;
    for (const Run& run : runs) values.push_back(100 * AccuracyAt(run, at));
    points.emplace_back(Seconds(at), Median(values));
  }
  return points;
}

void PrintRow(const Way& way, const std::vector<Run>& runs, MonotonicMs end) {
  std::vector<double> times, accuracies;
  std::vector<std::uint64_t> updates;
  std::string each;
  for (const Run& run : runs) {
    times.push_back(SecondsToTarget(run));
    each += (each.empty() ? "" : ", ") + TimeText(times.back());
    updates.push_back(run.reached ? run.reached->updates : 0);
    accuracies.push_back(AccuracyAt(run, end));
  }
  const Run& first = runs.front();
  std::printf("| %s | %u | %g, %g | **%s** | %s | %llu | %.1f | %.2f | %.2f %% |\n", way.name,
              AtWork(way), way.rates.local, way.rates.server, TimeText(Median(times)).c_str(),
              each.c_str(), static_cast<unsigned long long>(Median(updates)),
              Seconds(end) / static_cast<double>(std::max<Version>(1, first.versions)),
              first.staleness, 100 * Median(accuracies));
}

void Show(const Options& options, const std::string& svg, bool plot, ThreadPool& pool) {
  const std::size_t ways = options.ways.size();
  std::vector<std::vector<Run>> runs(ways, std::vector<Run>(options.seeds));
  pool.ParallelFor(ways * options.seeds, [&](std::size_t turn) {
    const Way& way = options.ways[turn / options.seeds];
    const std::uint64_t seed = 1 + turn % options.seeds;
    runs[turn / options.seeds][seed - 1] = Play(way, way.rates, options, seed, false);
  });
  std::printf(
      "| | at work | rates | seconds to %g %%, median | by seed | updates till then | "
      "seconds a version | staleness | after %g s |\n"
      "|---|---|---|---|---|---|---|---|---|\n",
      100 * options.target, Seconds(options.end));
  std::vector<bench::SvgCurve> curves;
  for (std::size_t i = 0; i < ways; ++i) {
    PrintRow(options.ways[i], runs[i], options.end);
    curves.push_back({options.ways[i].name, MedianCurve(runs[i], options.end)});
  }
  for (bench::SvgCurve curve : curves) {
    if (!plot) break;
    for (auto& point : curve.points) point.second = std::max(point.second, kShownLeast);
    std::printf("\n%s", cli::RenderPlot(curve.points, curve.name + ": percent over seconds",
                                        {.columns = 60, .rows = 10})
                            .c_str());
  }
  if (svg.empty()) return;
  const bench::SvgAxes axes{
      .title = fmt::format("Accuracy over virtual seconds, median of {} seeds; durations of {}",
                           options.seeds,
                           options.slowness == Slowness::of_update ? "updates" : "members"),
      .x_name = "virtual seconds",
      .y_name = "accuracy, %",
      .x_most = Seconds(options.end),
      .x_step = 10,
      .y_least = kShownLeast,
      .y_most = 98,
      .y_step = 1,
      .y_mark = 100 * options.target};
  const std::string text = bench::RenderSvg(axes, curves);
  const auto written = WriteFileAtomically(svg, AsBytes(text), kSvgMode);
  if (!written) {
    std::fprintf(stderr, "async_bench: %s\n", written.error().Text().c_str());
    std::exit(1);
  }
}

/// Times of each way's rates: one row a way.
std::vector<std::vector<double>> TimesOf(const Options& options, ThreadPool& pool,
                                         const std::vector<std::vector<Rates>>& rates) {
  const std::size_t tries = rates.front().size();
  std::vector<std::vector<double>> times(rates.size(), std::vector<double>(tries));
  pool.ParallelFor(rates.size() * tries, [&](std::size_t turn) {
    const std::size_t way = turn / tries;
    const Rates& tried = rates[way][turn % tries];
    times[way][turn % tries] =
        SecondsToTarget(Play(options.ways[way], tried, options, kTuningSeed, true));
  });
  return times;
}

/// First the server's rate, with the shipped job's local one; then the local one, with the best.
void Tune(const Options& options, ThreadPool& pool) {
  const std::size_t ways = options.ways.size();
  std::vector<std::vector<Rates>> servers(ways), locals(ways);
  for (auto& rates : servers) {
    for (const double rate : kServerRates) rates.push_back({kLocalRate, rate});
  }
  const auto first = TimesOf(options, pool, servers);
  for (std::size_t way = 0; way < ways; ++way) {
    std::size_t best = 0;  // Of equal ones the largest.
    for (std::size_t i = 1; i < first[way].size(); ++i) {
      if (first[way][i] <= first[way][best]) best = i;
    }
    const double server = kServerRates[best];
    for (const double rate : kLocalRates) locals[way].push_back({rate, server});
  }
  const auto second = TimesOf(options, pool, locals);
  std::printf("seconds to %g %%, seed %llu\n| server rate, local %g |", 100 * options.target,
              static_cast<unsigned long long>(kTuningSeed), kLocalRate);
  for (const double rate : kServerRates) std::printf(" %g |", rate);
  for (const double rate : kLocalRates) std::printf(" local %g |", rate);
  std::printf("\n|---|");
  for (std::size_t i = 0; i < kServerRates.size() + kLocalRates.size(); ++i) std::printf("---:|");
  for (std::size_t way = 0; way < ways; ++way) {
    std::printf("\n| %s |", options.ways[way].name);
    for (const double time : first[way]) std::printf(" %s |", TimeText(time).c_str());
    for (const double time : second[way]) std::printf(" %s |", TimeText(time).c_str());
  }
  std::printf("\n");
}

using bench::Arguments;

Arguments Parse(int count, char** values) {
  return bench::ParseArguments("async_bench",
                               {{"data", "digits"},
                                {"dir", ""},
                                {"target", "0.95"},
                                {"seconds", "90"},
                                {"seeds", "3"},
                                {"ways", ""},
                                {"slow", "update"},
                                {"svg", ""},
                                {"plot", "0"},
                                {"threads", "2"},
                                {"tune", "0"}},
                               count, values);
}

}  // namespace

int main(int count, char** values) {
  const Arguments arguments = Parse(count, values);
  Options options;
  for (const Way& way : kWays) {
    if (std::string_view(way.name).starts_with(arguments.at("ways"))) options.ways.push_back(way);
  }
  options.source = arguments.at("data") == "idx" ? DataSource::idx : DataSource::digits;
  options.data.dir = arguments.at("dir");
  options.target = std::stod(arguments.at("target"));
  options.end = static_cast<MonotonicMs>(1'000 * std::stod(arguments.at("seconds")));
  options.seeds = std::max<std::uint64_t>(1, std::stoull(arguments.at("seeds")));
  if (arguments.at("slow") == "member") options.slowness = Slowness::of_member;
  ThreadPool pool(std::stoull(arguments.at("threads")));
  if (arguments.at("tune") == "1") {
    Tune(options, pool);
  } else {
    Show(options, arguments.at("svg"), arguments.at("plot") == "1", pool);
  }
}
