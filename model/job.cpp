#include "model/job.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "common/limits.h"
#include "common/names.h"
#include "model/compatibility.h"
#include "model/custom_strategies.h"
#include "model/staleness.h"

namespace muster {
namespace {

Error Refuse(std::string_view key, const std::string& text) {
  return Error{Reason::config_invalid, std::string(key) + " " + text};
}

std::string Number(std::uint64_t number) { return std::to_string(number); }

Status CheckRange(std::string_view key, std::uint64_t value, std::uint64_t least,
                  std::uint64_t most) {
  if (value >= least && value <= most) return {};
  return Refuse(key, "is " + Number(value) + "; it must lie between " + Number(least) + " and " +
                         Number(most));
}

Status CheckUnused(std::string_view key, std::uint64_t value, std::string_view user) {
  if (value == 0) return {};
  return Refuse(key, "is for " + std::string(user) + " only");
}

Status CheckPositive(std::string_view key, double value) {
  if (std::isfinite(value) && value > 0) return {};
  return Refuse(key, "must be a finite number above 0");
}

// What trainers compute with as a float32.
Status CheckFloat(std::string_view key, double value) {
  MUSTER_TRY(CheckPositive(key, value));
  using Float = std::numeric_limits<float>;
  if (value >= Float::min() && value <= Float::max()) return {};
  return Refuse(key, "is beyond what a float32, as trainers use, holds");
}

// Names become parts of paths and of keys in logs, hence no ".", no "-f" and no other characters.
Status CheckName(std::string_view key, std::string_view name) {
  if (IsName(name)) return {};
  return Refuse(key, "must have " + std::string(kNameRule));
}

Status CheckHidden(const std::vector<std::uint32_t>& hidden) {
  if (hidden.empty() || hidden.size() > limits::kHiddenLayersMax) {
    return Refuse("model.hidden", "has " + Number(hidden.size()) + " layers; an mlp has 1 to " +
                                      Number(limits::kHiddenLayersMax) +
                                      " (without any, choose model.kind = \"softmax\")");
  }
  std::uint64_t weights = 0;
  for (std::size_t i = 0; i < hidden.size(); ++i) {
    MUSTER_TRY(CheckRange("model.hidden", hidden[i], 1, limits::kHiddenUnitsMax));
    if (i > 0) weights += std::uint64_t{hidden[i - 1]} * hidden[i];
  }
  if (weights > limits::kModelBytesMax / sizeof(float)) {
    return Refuse("model.hidden",
                  "makes a model above " + Number(limits::kModelBytesMax >> 30) + " GiB");
  }
  return {};
}

Status CheckModel(const ModelSpec& model, DataSource source) {
  if (model.kind == ModelKind::synthetic) {
    MUSTER_TRY(CheckRange("model.parameters", model.parameters, 1,
                          limits::kModelBytesMax / sizeof(float)));
    if (source != DataSource::none) {
      return Refuse("data.source", "must be \"none\" with model.kind = \"synthetic\"");
    }
    return {};
  }
  MUSTER_TRY(CheckUnused("model.parameters", model.parameters, "model.kind = \"synthetic\""));
  if (source == DataSource::none) {
    return Refuse("data.source", "is \"none\"; only model.kind = \"synthetic\" needs no data");
  }
  return model.kind == ModelKind::mlp ? CheckHidden(model.hidden) : Status();
}

Status CheckShards(const DataSpec& data) {
  MUSTER_TRY(CheckRange("data.shards_per_part", data.shards_per_part, 1, limits::kExamplesMax));
  const std::uint64_t shards = std::uint64_t{data.parts} * data.shards_per_part;
  if (shards > limits::kExamplesMax) {
    return Refuse("data.shards_per_part",
                  "times data.parts is above the most examples there may be");
  }
  // 0 stands for a file that is not known here; the partitioner judges it when it is.
  if (data.train_examples % shards != 0) {
    return Refuse("data.train_examples", "is " + Number(data.train_examples) +
                                             ", which does not divide into data.parts * "
                                             "data.shards_per_part = " +
                                             Number(shards) + " shards");
  }
  return {};
}

// What the partitioner's whole numbers hold.
Status CheckAlpha(double alpha) {
  constexpr double kLeast = 1e-6;
  constexpr double kMost = 1e6;
  if (alpha >= kLeast && alpha <= kMost) return {};
  return Refuse("data.dirichlet_alpha",
                "must lie between 1e-6 (parts of few labels) and 1e6 (parts alike)");
}

// Every process must know how many blocks there are without a look at the data.
Status CheckElastic(const DataSpec& data) {
  if (data.train_examples == 0) {
    return Refuse("data.train_examples",
                  "must say how many there are with data.access = \"elastic\": the blocks of an "
                  "epoch follow from the job alone");
  }
  MUSTER_TRY(CheckRange("data.train_examples", data.train_examples, 1, limits::kHeldExamplesMax));
  return CheckRange("data.block_examples", data.block_examples, 1, data.train_examples);
}

Status CheckData(const DataSpec& data) {
  MUSTER_TRY(CheckRange("data.parts", data.parts, 1, limits::kRosterMax));
  const bool elastic = data.access == DataAccess::elastic;
  MUSTER_TRY(elastic ? CheckElastic(data)
                     : CheckUnused("data.block_examples", data.block_examples,
                                   "data.access = \"elastic\""));
  if (data.source == DataSource::none && elastic) {
    return CheckUnused("data.test_examples", data.test_examples,
                       "data.source = \"digits\" and \"idx\"");
  }
  if (data.source == DataSource::none) {
    constexpr std::string_view kUser = "data.source = \"digits\" and \"idx\"";
    MUSTER_TRY(CheckUnused("data.train_examples", data.train_examples, kUser));
    return CheckUnused("data.test_examples", data.test_examples, kUser);
  }
  const std::uint64_t least = data.source == DataSource::digits ? 1 : 0;
  MUSTER_TRY(CheckRange("data.train_examples", data.train_examples, least, limits::kExamplesMax));
  MUSTER_TRY(CheckRange("data.test_examples", data.test_examples, least, limits::kExamplesMax));
  if (elastic) return {};
  if (data.train_examples != 0 && data.train_examples < data.parts) {
    return Refuse("data.train_examples",
                  "is " + Number(data.train_examples) +
                      ", fewer than one for each of the data.parts = " + Number(data.parts));
  }
  if (data.partition == Partition::dirichlet) MUSTER_TRY(CheckAlpha(data.dirichlet_alpha));
  return data.partition == Partition::shards ? CheckShards(data) : Status();
}

Status CheckFraction(std::string_view key, double value) {
  // -0.0 equals 0.0 but has other bytes, and with them the job another digest.
  if (value >= 0 && value < 1 && !std::signbit(value)) return {};
  return Refuse(key, "must be at least 0 and below 1");
}

Status CheckAdamW(const TrainSpec& train) {
  MUSTER_TRY(CheckFraction("train.adam_beta1", train.adam_beta1));
  MUSTER_TRY(CheckFraction("train.adam_beta2", train.adam_beta2));
  MUSTER_TRY(CheckFloat("train.adam_epsilon", train.adam_epsilon));
  return CheckFraction("train.weight_decay", train.weight_decay);
}

Status CheckTrain(const TrainSpec& train, ModelKind kind) {
  MUSTER_TRY(CheckRange("train.epochs", train.epochs, 1, limits::kLocalEpochsMax));
  MUSTER_TRY(CheckRange("train.steps", train.steps, 0, limits::kLocalStepsMax));
  MUSTER_TRY(CheckFloat("train.learning_rate", train.learning_rate));
  if (kind == ModelKind::synthetic) return {};
  if (train.optimizer == Optimizer::adamw) MUSTER_TRY(CheckAdamW(train));
  return CheckUnused("train.duration_ms", train.duration_ms, "model.kind = \"synthetic\"");
}

Status CheckRound(const RoundSpec& round, const DataSpec& data) {
  const std::uint32_t parts = data.parts;
  MUSTER_TRY(CheckRange("round.goal", round.goal, 1, limits::kCohortMax));
  MUSTER_TRY(CheckRange("round.quorum", round.quorum, 1, round.goal));
  if (!std::isfinite(round.over_select) || round.over_select < 1) {
    return Refuse("round.over_select", "must be a finite number of at least 1");
  }
  if (round.over_select > limits::kCohortMax || CohortSize(round) > limits::kCohortMax) {
    return Refuse("round.over_select",
                  "times round.goal is above the largest cohort, " + Number(limits::kCohortMax));
  }
  if (data.access == DataAccess::elastic) {
    if (round.quorum != round.goal) {
      return Refuse("round.quorum", "is " + Number(round.quorum) + "; with data.access = " +
                                        "\"elastic\" a round ends with all its blocks: it must be "
                                        "round.goal = " +
                                        Number(round.goal) + ", or be left out");
    }
    if (round.over_select != 1) {
      return Refuse("round.over_select",
                    "must be 1 with data.access = \"elastic\": a block is given to one at a time");
    }
    return {};
  }
  if (round.mode == Mode::async) {
    if (round.over_select == 1) return {};
    return Refuse("round.over_select", "must be 1 with round.mode = \"async\": nobody is drawn");
  }
  if (round.goal > parts) {
    return Refuse("round.goal", "is " + Number(round.goal) + ", but only data.parts = " +
                                    Number(parts) + " participants can have work");
  }
  if (round.select_from == SelectFrom::enrolled && CohortSize(round) > parts) {
    return Refuse("round.over_select", "asks for a cohort of " + Number(CohortSize(round)) +
                                           ", but data.parts = " + Number(parts) +
                                           "; round.select_from = \"enrolled\" cannot draw more");
  }
  return {};
}

/// A custom strategy may read every key: each must make sense by itself.
Status CheckCustom(const StrategySpec& strategy) {
  MUSTER_TRY(CheckName("strategy.name", strategy.custom));
  MUSTER_TRY(CheckFraction("strategy.beta1", strategy.beta1));
  MUSTER_TRY(CheckFraction("strategy.beta2", strategy.beta2));
  MUSTER_TRY(CheckPositive("strategy.tau", strategy.tau));
  const double mu = strategy.proximal_mu;
  if (std::isfinite(mu) && mu >= 0 && !std::signbit(mu)) return {};
  return Refuse("strategy.proximal_mu", "must be a finite number, 0 or more");
}

// Its square is where a second moment starts, and must be a normal float32.
Status CheckTau(double tau) {
  constexpr double kLeast = 1e-18;
  constexpr double kMost = 1e18;
  if (tau >= kLeast && tau <= kMost) return {};
  return Refuse("strategy.tau", "must lie between 1e-18 and 1e18");
}

Status CheckAdaptive(const StrategySpec& strategy) {
  if (strategy.server_momentum != 0) {
    return Refuse("strategy.server_momentum",
                  "is for strategies whose server takes steps of SGD; here strategy.beta1 is it");
  }
  MUSTER_TRY(CheckFraction("strategy.beta1", strategy.beta1));
  if (strategy.kind != StrategyKind::fedadagrad) {
    MUSTER_TRY(CheckFraction("strategy.beta2", strategy.beta2));
  }
  return CheckTau(strategy.tau);
}

Status CheckStrategy(const StrategySpec& strategy) {
  MUSTER_TRY(CheckPositive("strategy.server_learning_rate", strategy.server_learning_rate));
  MUSTER_TRY(CheckFraction("strategy.server_momentum", strategy.server_momentum));
  if (strategy.kind != StrategyKind::fedprox && strategy.kind != StrategyKind::custom) {
    MUSTER_TRY(CheckUnused("strategy.proximal_mu", strategy.proximal_mu != 0,
                           "strategy.name = \"fedprox\""));
  }
  switch (strategy.kind) {
    case StrategyKind::fedadagrad:
    case StrategyKind::fedadam:
    case StrategyKind::fedyogi:
      return CheckAdaptive(strategy);
    case StrategyKind::fedprox:
      return CheckFloat("strategy.proximal_mu", strategy.proximal_mu);
    case StrategyKind::nesterov:
      return CheckPositive("strategy.server_momentum", strategy.server_momentum);
    case StrategyKind::custom:
      return CheckCustom(strategy);
    case StrategyKind::fednova:
    case StrategyKind::scaffold:
      return CheckUnused("strategy.server_momentum", strategy.server_momentum != 0,
                         "strategy.name = \"fedavg\", \"fedprox\" and \"nesterov\"");
    case StrategyKind::fedavg:
      break;
  }
  return {};
}

Status CheckStaleness(const RoundSpec& round) {
  if (round.mode != Mode::async) {
    MUSTER_TRY(CheckUnused("round.concurrency", round.concurrency, "round.mode = \"async\""));
  }
  if (!TakesStale(round)) {
    return CheckUnused("round.staleness_b", round.staleness_b,
                       "round.mode = \"async\" and round.late = \"fold\"");
  }
  if (round.staleness != Staleness::hinge) {
    MUSTER_TRY(CheckUnused("round.staleness_b", round.staleness_b, "round.staleness = \"hinge\""));
  }
  MUSTER_TRY(CheckRange("round.concurrency", round.concurrency, 0, limits::kRosterMax));
  MUSTER_TRY(CheckRange("round.staleness_max", round.staleness_max, 0, limits::kStalenessMax));
  if (round.staleness == Staleness::constant) return {};
  if (round.staleness == Staleness::hinge && round.staleness_b >= round.staleness_max) {
    return Refuse("round.staleness_b",
                  "is " + Number(round.staleness_b) + ", and what is staler than " +
                      Number(round.staleness_max) +
                      " (round.staleness_max) is refused: no weight would ever be less. Take less, "
                      "or round.staleness = \"constant\"");
  }
  // With more every stale update has the least factor there is.
  constexpr double kMost = 64;
  if (round.staleness_a > 0 && round.staleness_a <= kMost) return {};
  return Refuse("round.staleness_a", "must be above 0 and at most 64");
}

// A round is one gradient, which the strategy's server optimizer applies.
Status CheckSyncSgd(const JobSpec& job) {
  if (job.round.mode != Mode::sync_sgd) return {};
  if (job.train.optimizer != Optimizer::sgd) {
    return Refuse("train.optimizer",
                  "is for local steps, and round.mode = \"sync-sgd\" takes none: the optimizer is "
                  "the server's, see strategy.name");
  }
  return CheckUnused("train.steps", job.train.steps, "round.mode = \"diloco\" and \"fedavg\"");
}

// DiLoCo is an inner AdamW of a fixed number of steps.
Status CheckDiloco(const JobSpec& job) {
  if (job.round.mode != Mode::diloco) return {};
  if (job.train.optimizer != Optimizer::adamw) {
    return Refuse("train.optimizer",
                  "must be \"adamw\", the inner optimizer of round.mode = \"diloco\"");
  }
  if (job.train.steps > 0) return {};
  return Refuse("train.steps",
                "must be 1 or more with round.mode = \"diloco\": the inner steps of a round");
}

// AdamW takes its own steps: what others add to those of SGD has no place in them.
Status CheckAdamWsStrategy(const JobSpec& job) {
  if (job.train.optimizer != Optimizer::adamw) return {};
  const StrategyKind kind = job.strategy.kind;
  if (kind != StrategyKind::fedprox && kind != StrategyKind::fednova &&
      kind != StrategyKind::scaffold) {
    return {};
  }
  return Refuse("train.optimizer",
                "is \"adamw\", and this strategy.name is defined for local steps of SGD");
}

// It moves on with the commit of the update that made it, on the disk of who trained it. What a
// strategy keeps WhyRefused judges.
Status CheckAdamWsMoments(const JobSpec& job) {
  if (job.train.optimizer != Optimizer::adamw) return {};
  const std::string state = "train.optimizer = \"adamw\" keeps moments";
  if (job.round.mode == Mode::async) {
    return Refuse("round.mode",
                  "is \"async\", where a task begins before the last one's update "
                  "counts; " +
                      state + " that move on when it does");
  }
  if (job.data.access == DataAccess::elastic) {
    return Refuse("data.access", "is \"elastic\", where it must not matter who does the work; " +
                                     state + " at each participant");
  }
  if (AcceptOf(job.round) == Accept::memory) {
    return Refuse("round.accept",
                  "is \"memory\", where an update may be forgotten with who "
                  "trained it; " +
                      state + " that must not be");
  }
  return {};
}

Status CheckTogether(const JobSpec& job) {
  for (const Refusal& refusal : {WhyRefused(CombinationOf(job)), WhyLateRefused(job)}) {
    if (refusal.any()) return Refuse(refusal.key, std::string(refusal.text));
  }
  if (job.data.access != DataAccess::elastic || job.train.steps == 0) return {};
  return Refuse("train.steps",
                "must be 0 with data.access = \"elastic\": so many batches are not all of a block, "
                "and every example counts once an epoch");
}

// At most; 0: unknown here.
std::uint64_t ExamplesOfUpdate(const JobSpec& job) {
  if (job.data.access == DataAccess::elastic) return job.data.block_examples;
  const std::uint64_t part = (job.data.train_examples + job.data.parts - 1) / job.data.parts;
  if (job.train.batch_size == 0) return part;
  const std::uint64_t batches = job.round.mode == Mode::sync_sgd ? 1 : job.train.steps;
  return batches == 0 ? part : std::min(part, batches * job.train.batch_size);
}

Status CheckAggregation(const JobSpec& job) {
  const AggregationSpec& aggregation = job.aggregation;
  MUSTER_TRY(CheckRange("aggregation.weight_max", aggregation.weight_max, 1,
                        1ULL << limits::kWeightMaxLog2));
  if (WeightInSumMax(job) > 1ULL << limits::kWeightMaxLog2) {
    return Refuse("aggregation.weight_max",
                  "is " + Number(aggregation.weight_max) +
                      "; with round.mode = \"async\" and round.late = \"fold\" it is at most 2^20, "
                      "for a weight is multiplied by its staleness factor of up to 2^9");
  }
  const std::uint64_t examples = ExamplesOfUpdate(job);
  if (aggregation.weights == WeightPolicy::examples && examples > aggregation.weight_max) {
    return Refuse("aggregation.weight_max",
                  "is " + Number(aggregation.weight_max) + ", but an update is trained on " +
                      Number(examples) + " examples: every update would be refused");
  }
  return CheckRange("aggregation.bound_raise_max", aggregation.bound_raise_max, 0,
                    limits::kBoundRaiseLog2Max);
}

}  // namespace

Accept AcceptOf(const RoundSpec& round) {
  if (round.accept != Accept::by_mode) return round.accept;
  return round.mode == Mode::sync_sgd ? Accept::memory : Accept::durable;
}

bool KeepsClientState(const JobSpec& job) {
  return job.train.optimizer == Optimizer::adamw || job.strategy.kind == StrategyKind::scaffold;
}

std::uint32_t CohortSize(const RoundSpec& round) {
  // A double of one multiplication is off by less than a billionth at every cohort allowed, and the
  // same on every machine.
  constexpr double kWholeWithin = 1e-9;
  return static_cast<std::uint32_t>(std::ceil(round.goal * round.over_select - kWholeWithin));
}

Status ValidateJob(const JobSpec& job) {
  MUSTER_TRY(CheckName("job.name", job.name));
  MUSTER_TRY(CheckModel(job.model, job.data.source));
  MUSTER_TRY(CheckData(job.data));
  MUSTER_TRY(CheckTrain(job.train, job.model.kind));
  MUSTER_TRY(CheckRound(job.round, job.data));
  MUSTER_TRY(CheckStaleness(job.round));
  MUSTER_TRY(CheckSyncSgd(job));
  MUSTER_TRY(CheckStrategy(job.strategy));
  MUSTER_TRY(CheckTogether(job));
  MUSTER_TRY(CheckDiloco(job));
  MUSTER_TRY(CheckAdamWsStrategy(job));
  MUSTER_TRY(CheckAdamWsMoments(job));
  MUSTER_TRY(CheckAggregation(job));
  // Last: the strategy's own code sees only jobs that are valid in all else.
  return job.strategy.kind == StrategyKind::custom ? JudgeCustomStrategy(job) : Status();
}

}  // namespace muster
