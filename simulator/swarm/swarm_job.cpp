#include "simulator/swarm/swarm_job.h"

#include <algorithm>

namespace muster::simulator {
namespace {

constexpr std::uint32_t kBlockExamples = 9;

StrategySpec StrategyOf(const SwarmOptions& options) {
  StrategySpec strategy;
  strategy.kind = kSwarmStrategies[options.strategy];
  switch (strategy.kind) {
    case StrategyKind::fedadagrad:
    case StrategyKind::fedadam:
    case StrategyKind::fedyogi:
      // Steps of the size of the trainer's deltas, as those of the others are.
      strategy.server_learning_rate = 0.02;
      break;
    case StrategyKind::fednova:
    case StrategyKind::scaffold:
      break;
    case StrategyKind::fedprox:
      strategy.proximal_mu = 0.5;
      [[fallthrough]];
    default:
      strategy.server_momentum = static_cast<double>(options.momentum) / 100;
  }
  return strategy;
}

void SetStaleness(const SwarmOptions& options, std::uint32_t most, RoundSpec& round) {
  constexpr std::uint32_t kFull = 2;  // Up to which staleness a hinge weighs in full.
  round.staleness_max = most;
  round.staleness = static_cast<Staleness>(options.staleness + 1);
  if (round.staleness == Staleness::hinge) {
    if (round.staleness_max > kFull) {
      round.staleness_b = kFull;
    } else {
      round.staleness = Staleness::constant;  // Which it would be.
    }
  }
}

void MakeAsync(const SwarmOptions& options, RoundSpec& round) {
  round.mode = Mode::async;
  round.select_from = SelectFrom::present;
  round.over_select = 1;
  SetStaleness(options, static_cast<std::uint32_t>(options.staleness_max), round);
  round.concurrency = static_cast<std::uint32_t>(options.concurrency);
}

}  // namespace

JobSpec JobOf(const SwarmOptions& options) {
  JobSpec job;
  job.seed = options.seed;
  job.model.kind = ModelKind::synthetic;
  job.model.hidden = {};
  job.model.parameters = options.parameters;
  job.data.source = DataSource::none;
  job.data.parts = static_cast<std::uint32_t>(options.parts);
  job.round.select_from = options.select_from == 0 ? SelectFrom::enrolled : SelectFrom::present;
  job.round.goal = static_cast<std::uint32_t>(options.goal);
  job.round.quorum = static_cast<std::uint32_t>(options.quorum);
  job.round.over_select = static_cast<double>(options.over_select) / 100;
  if (options.blocks > 0) {
    job.data.access = DataAccess::elastic;
    job.data.block_examples = kBlockExamples;
    // The last block of an epoch is a shorter one, unless it is the only one.
    const std::uint64_t missing = options.blocks > 1 ? kBlockExamples / 2 : 0;
    job.data.train_examples = options.blocks * kBlockExamples - missing;
    job.round.select_from = SelectFrom::present;
    job.round.quorum = job.round.goal;
    job.round.over_select = 1;
  }
  if (options.client_state == 1) {
    job.train.optimizer = Optimizer::adamw;
    job.train.steps = 10;
    job.round.mode = Mode::diloco;
  }
  if (options.client_state == 0 && options.mode == 2) {
    MakeAsync(options, job.round);
  } else if (options.client_state == 0) {
    job.round.mode = options.mode == 0 ? Mode::fedavg : Mode::sync_sgd;
    job.round.accept = options.blocks == 0 ? static_cast<Accept>(options.accept) : Accept::durable;
  }
  if (options.late == 1) {
    job.round.late = LatePolicy::fold;
    SetStaleness(options, std::max(1U, static_cast<std::uint32_t>(options.staleness_max)),
                 job.round);
  }
  job.strategy = StrategyOf(options);
  job.aggregation.weights = options.weights == 0 ? WeightPolicy::examples : WeightPolicy::uniform;
  return job;
}

}  // namespace muster::simulator
