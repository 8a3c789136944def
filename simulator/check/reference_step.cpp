#include "simulator/check/reference_step.h"

#include <algorithm>
#include <cfloat>
#include <cmath>

namespace muster::simulator {
namespace {

bool IsAdaptive(StrategyKind kind) {
  return kind == StrategyKind::fedadagrad || kind == StrategyKind::fedadam ||
         kind == StrategyKind::fedyogi;
}

double NaiveSecondMoment(const StrategySpec& strategy, double before, double mean) {
  const double square = mean * mean;
  if (strategy.kind == StrategyKind::fedadagrad) return before + square;
  const double rest = 1.0 - strategy.beta2;
  const double share = rest * square;
  if (strategy.kind == StrategyKind::fedadam) {
    const double kept = strategy.beta2 * before;
    return kept + share;
  }
  const int sign = before > square ? 1 : before < square ? -1 : 0;
  return before - share * sign;
}

/// How far along the server's learning rate the model goes.
double NaiveMoments(const StrategySpec& strategy, double mean, std::span<float> state) {
  const double rest = 1.0 - strategy.beta1;
  const double kept = strategy.beta1 * state[0];
  const double fresh = rest * mean;
  const double first = kept + fresh;
  const double before =
      state[1] == 0.0F ? strategy.tau * strategy.tau : static_cast<double>(state[1]);
  const double second = NaiveSecondMoment(strategy, before, mean);
  state[0] = static_cast<float>(first);
  state[1] = static_cast<float>(second);
  if (state[1] < FLT_MIN) state[1] = FLT_MIN;
  const double below = std::sqrt(second) + strategy.tau;
  return first / below;
}

double NaiveMomentum(const StrategySpec& strategy, double mean, std::span<float> state) {
  const double kept = strategy.server_momentum * state[0];
  const double momentum = kept + mean;
  state[0] = static_cast<float>(momentum);
  if (strategy.kind != StrategyKind::nesterov) return momentum;
  const double ahead = strategy.server_momentum * momentum;
  return mean + ahead;
}

/// Of the full factor.
double NaiveDivisor(const RoundSpec& round, double staleness) {
  if (round.staleness == Staleness::polynomial) return std::pow(staleness + 1, round.staleness_a);
  if (round.staleness == Staleness::constant || staleness <= round.staleness_b) return 1;
  return round.staleness_a * (staleness - round.staleness_b) + 1;
}

}  // namespace

bool NaiveTakesStale(const RoundSpec& round) {
  return round.mode == Mode::async || round.late == LatePolicy::fold;
}

std::uint64_t NaiveUpdatesMost(const RoundSpec& round) {
  return round.goal + (round.late == LatePolicy::fold ? CohortSize(round) : 0);
}

std::uint32_t NaiveFactor(const RoundSpec& round, std::uint64_t staleness) {
  if (!NaiveTakesStale(round)) return 1;
  const double factor = 512 / NaiveDivisor(round, static_cast<double>(staleness));
  return std::max(1U, static_cast<std::uint32_t>(std::lround(factor)));
}

std::vector<std::string_view> NaiveStateKinds(const StrategySpec& strategy) {
  if (IsAdaptive(strategy.kind)) return {"momentum", "second_moment"};
  if (strategy.kind == StrategyKind::scaffold) return {"control"};
  if (strategy.server_momentum != 0) return {"momentum"};
  return {};
}

float NaiveServerStep(const StrategySpec& strategy, float model, double mean,
                      std::span<float> state) {
  double step = mean;
  if (IsAdaptive(strategy.kind)) {
    step = NaiveMoments(strategy, mean, state);
  } else if (strategy.server_momentum != 0) {
    step = NaiveMomentum(strategy, mean, state);
  }
  const double moved = strategy.server_learning_rate * step;
  return static_cast<float>(static_cast<double>(model) + moved);
}

}  // namespace muster::simulator
