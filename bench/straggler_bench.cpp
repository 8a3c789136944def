// What a round takes where members are slow now and then, in virtual time of the production core:
// fixed deadlines, adaptive ones, over-selection and both. A table, and with an argument the times
// of the rounds, sorted, as a plot for each. straggler_bench [ROUNDS [plot]]
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "cli/plot.h"
#include "tests/coordinator/straggler_world.h"

namespace {

using namespace muster;               // NOLINT: a program of its own.
using namespace muster::coordinator;  // NOLINT

struct Way {
  const char* name;
  double over_select;
  DeadlineRule rule;
  LatePolicy late = LatePolicy::refuse;
};

constexpr DeadlineRule kFixed = {DeadlineKind::fixed, 60'000, 0};
constexpr DeadlineRule kTwo = {DeadlineKind::adaptive, 60'000, 2'000};
constexpr DeadlineRule kFive = {DeadlineKind::adaptive, 60'000, 5'000};
constexpr Way kWays[] = {
    {"fixed, 60 s", 1, kFixed},
    {"adaptive, k = 5", 1, kFive},
    {"adaptive, k = 2", 1, kTwo},
    {"over-selected 1.3", 1.3, kFixed},
    {"over-selected 1.5", 1.5, kFixed},
    {"1.5 and adaptive, k = 2", 1.5, kTwo},
    {"over-selected 2.0", 2, kFixed},
    {"1.5, late ones folded", 1.5, kFixed, LatePolicy::fold},
    {"k = 2, late ones folded", 1, kTwo, LatePolicy::fold},
};

double Seconds(std::int64_t ms) { return static_cast<double>(ms) / 1000; }

void Show(const Way& way, std::size_t count, bool plot) {
  StragglerWorld::Setup setup{.rule = way.rule};
  setup.job.round.over_select = way.over_select;
  setup.job.round.late = way.late;
  StragglerWorld world(setup);
  std::vector<std::int64_t> times;
  std::int64_t sum = 0;
  std::size_t accepted = 0, by_deadline = 0;
  for (const StragglerWorld::Played& round : world.Play(count)) {
    times.push_back(round.took_ms);
    sum += round.took_ms;
    accepted += round.accepted;
    by_deadline += round.by_deadline ? 1 : 0;
  }
  std::sort(times.begin(), times.end());
  const auto rounds = static_cast<double>(count);
  std::printf("%-24s %7.2f %8.2f %8.2f %9.1f %9.0f %%\n", way.name, Seconds(sum) / rounds,
              Seconds(times[count / 2]), Seconds(times[count * 95 / 100]),
              static_cast<double>(accepted) / rounds,
              100 * static_cast<double>(by_deadline) / rounds);
  if (!plot) return;
  std::vector<std::pair<double, double>> points;
  for (std::size_t i = 0; i < count; ++i) {
    points.emplace_back(100 * static_cast<double>(i) / rounds, Seconds(times[i]));
  }
  std::printf(
      "%s\n",
      cli::RenderPlot(points, std::string(way.name) + ": seconds a round, over percent of rounds",
                      {.columns = 60, .rows = 8})
          .c_str());
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t rounds = argc > 1 ? std::stoull(argv[1]) : 1'000;
  std::printf("%-24s %7s %8s %8s %9s %11s\n", "10 of 20, quorum 7", "mean s", "median s", "95 % s",
              "accepted", "by deadline");
  for (const Way& way : kWays) Show(way, rounds, argc > 2);
}
