#include "model/staleness.h"

#include <algorithm>
#include <cmath>

namespace muster {
namespace {

// x^a for x >= 1, as the header states it.
double Power(double x, double a) {
  double power = 1;
  for (; a >= 1; a -= 1) power *= x;
  double root = x;
  for (int bit = 0; bit < kPowerBits && a > 0; ++bit) {
    root = std::sqrt(root);
    a *= 2;
    if (a < 1) continue;
    power *= root;
    a -= 1;
  }
  return power;
}

// What the full factor is divided by.
double Divisor(const RoundSpec& round, std::uint32_t staleness) {
  switch (round.staleness) {
    case Staleness::polynomial:
      return Power(static_cast<double>(staleness) + 1, round.staleness_a);
    case Staleness::hinge: {
      if (staleness <= round.staleness_b) return 1;
      const double slope = round.staleness_a * static_cast<double>(staleness - round.staleness_b);
      return slope + 1;
    }
    case Staleness::constant:
      break;
  }
  return 1;
}

}  // namespace

bool TakesStale(const RoundSpec& round) {
  return round.mode == Mode::async || round.late == LatePolicy::fold;
}

std::vector<std::uint32_t> StalenessTable(const RoundSpec& round) {
  std::vector<std::uint32_t> table;
  table.reserve(round.staleness_max + 1);
  for (std::uint32_t staleness = 0; staleness <= round.staleness_max; ++staleness) {
    const double factor = kStalenessOne / Divisor(round, staleness);
    const auto nearest = static_cast<std::uint32_t>(factor + 0.5);
    table.push_back(std::max<std::uint32_t>(nearest, 1));
  }
  return table;
}

std::uint32_t FullFactor(const JobSpec& job) { return TakesStale(job.round) ? kStalenessOne : 1; }

std::uint64_t WeightInSumMax(const JobSpec& job) {
  return std::uint64_t{job.aggregation.weight_max} * FullFactor(job);
}

std::uint32_t LateUpdatesMax(const RoundSpec& round) {
  return round.late == LatePolicy::fold ? CohortSize(round) : 0;
}

std::uint32_t UpdatesInSumMax(const RoundSpec& round) { return round.goal + LateUpdatesMax(round); }

}  // namespace muster
