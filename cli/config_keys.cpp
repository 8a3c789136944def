#include "cli/config_keys.h"

#include "cli/config_kinds.h"
#include "cli/strategy_key.h"
#include "common/address.h"
#include "common/limits.h"
#include "common/names.h"

namespace muster {

template <>
std::span<const JobWord<coordinator::DeadlineKind>> JobWords() {
  static constexpr JobWord<coordinator::DeadlineKind> kWords[] = {
      {"fixed", coordinator::DeadlineKind::fixed},
      {"adaptive", coordinator::DeadlineKind::adaptive},
  };
  return kWords;
}

}  // namespace muster

namespace muster::cli {
namespace {

using kinds::Choice;
using kinds::Count;
using kinds::Integer;
using kinds::Number;
using kinds::Refuse;
using kinds::Seconds;
using kinds::Text;
using kinds::WrongKind;

constexpr double kSecondsMax = 30.0 * 24 * 3600;
constexpr std::uint32_t kThreadsMax = 256;
constexpr std::int64_t kRoundsMax = 1'000'000'000;

std::string AnyText(const std::string&) { return ""; }

std::string JudgeName(const std::string& text) {
  return IsName(text) ? "" : "a name has " + std::string(kNameRule);
}

ConfigKey TargetAccuracy() {
  const auto set = [](Config& config, const SettingValue& value) -> Status {
    const Result<double> target = kinds::FiniteNumber(value);
    if (!target) return target.error();
    if (!(*target > 0 && *target <= 1)) {
      return Refuse(fmt::format("is {}; it must be above 0 and at most 1", *target));
    }
    config.core.target_accuracy = *target;
    return {};
  };
  const auto get = [](const Config& config) {
    return config.core.target_accuracy ? fmt::format("{}", *config.core.target_accuracy) : "";
  };
  return {"job.target_accuracy",
          "number",
          "Finish early once a version's accuracy on the held-out examples reaches this.",
          "none",
          set,
          get};
}

ConfigKey Hidden() {
  const auto set = [](Config& config, const SettingValue& value) -> Status {
    const auto* units = std::get_if<std::vector<std::int64_t>>(&value);
    if (units == nullptr) return WrongKind("a list of integers", value);
    std::vector<std::uint32_t> hidden;
    for (const std::int64_t count : *units) {
      if (count < 1 || count > std::numeric_limits<std::uint32_t>::max()) {
        return Refuse(fmt::format("has a layer of {} units", count));
      }
      hidden.push_back(static_cast<std::uint32_t>(count));
    }
    config.job.model.hidden = hidden;
    return {};
  };
  const auto get = [](const Config& config) {
    return fmt::format("[{}]", fmt::join(config.job.model.hidden, ", "));
  };
  return {"model.hidden", "list of integers", "mlp: units of each hidden layer.", "", set, get};
}

ConfigKey BatchSize() {
  const auto set = [](Config& config, const SettingValue& value) -> Status {
    const auto* text = std::get_if<std::string>(&value);
    const auto* number = std::get_if<std::int64_t>(&value);
    if (text != nullptr && *text == "all") {
      config.job.train.batch_size = 0;
      return {};
    }
    if (number == nullptr) return WrongKind("an integer or \"all\"", value);
    if (*number < 1 || *number > std::numeric_limits<std::uint32_t>::max()) {
      return Refuse(fmt::format("is {}; it must lie between 1 and {}, or be \"all\"", *number,
                                std::numeric_limits<std::uint32_t>::max()));
    }
    config.job.train.batch_size = static_cast<std::uint32_t>(*number);
    return {};
  };
  const auto get = [](const Config& config) {
    const std::uint32_t size = config.job.train.batch_size;
    return size == 0 ? std::string("\"all\"") : fmt::format("{}", size);
  };
  return {"train.batch_size",
          "integer | \"all\"",
          "B: examples of a step; \"all\" takes a participant's whole part.",
          "",
          set,
          get};
}

void AddJob(std::vector<ConfigKey>& keys) {
  keys.push_back(Text(
      "job.name", "What the job is called, in logs and in the exported model.",
      [](auto& c) -> auto& { return c.job.name; }, JudgeName));
  keys.push_back(Count("job.seed", "All randomness of the job follows from it.",
                       [](auto& c) -> auto& { return c.job.seed; }));
  keys.push_back(Integer("job.rounds",
                         "The job is finished after so many. May change at a restart.", 1,
                         kRoundsMax, [](auto& c) -> auto& { return c.core.rounds; }));
  keys.push_back(TargetAccuracy());
  keys.push_back(Choice<ModelKind>("model.kind", "What is trained.",
                                   [](auto& c) -> auto& { return c.job.model.kind; }));
  keys.push_back(Hidden());
  keys.push_back(Count("model.parameters", "synthetic: how many float32 values.",
                       [](auto& c) -> auto& { return c.job.model.parameters; }));
  keys.push_back(Text(
      "model.initial",
      "A safetensors file on this machine whose weights the job starts from, e.g. one that "
      "`checkpoints export` wrote; read at the first start only, no part of the job. With async or "
      "client-side state a replay then needs checkpoint.keep_every, which keeps version 0.",
      [](auto& c) -> auto& { return c.initial_model; }, AnyText));
}

void AddData(std::vector<ConfigKey>& keys) {
  keys.push_back(Choice<DataSource>(
      "data.source",
      "digits: drawn by Muster itself; idx: the files of MNIST; none: for model.kind synthetic.",
      [](auto& c) -> auto& { return c.job.data.source; }));
  keys.push_back(Text(
      "data.dir", "idx: the folder of the four files on this machine; no part of the job.",
      [](auto& c) -> auto& { return c.data.dir; }, AnyText));
  keys.push_back(Count("data.parts",
                       "Parts the data is split in; the participant of index i has part i.",
                       [](auto& c) -> auto& { return c.job.data.parts; }));
  keys.push_back(Choice<Partition>("data.partition",
                                   "iid: at random; shards: sorted by label, each part gets a few "
                                   "shards; dirichlet: each part's "
                                   "mix of labels is drawn.",
                                   [](auto& c) -> auto& { return c.job.data.partition; }));
  keys.push_back(Count("data.shards_per_part", "shards: how many shards a part gets.",
                       [](auto& c) -> auto& { return c.job.data.shards_per_part; }));
  keys.push_back(Number("data.dirichlet_alpha",
                        "dirichlet: small: parts that differ much; large: parts alike.",
                        [](auto& c) -> auto& { return c.job.data.dirichlet_alpha; }));
  keys.push_back(Count("data.train_examples",
                       "Examples trained on, over all parts; idx: 0 takes all of the file.",
                       [](auto& c) -> auto& { return c.job.data.train_examples; }));
  keys.push_back(Count("data.test_examples",
                       "Held-out examples for evaluation; idx: 0 takes all of the file.",
                       [](auto& c) -> auto& { return c.job.data.test_examples; }));
  keys.push_back(Choice<DataAccess>("data.access",
                                    "parts: each participant has a part of its own; elastic: "
                                    "blocks of the examples are leased to whoever is there.",
                                    [](auto& c) -> auto& { return c.job.data.access; }));
  keys.push_back(Count("data.block_examples", "elastic: examples of a block.",
                       [](auto& c) -> auto& { return c.job.data.block_examples; }));
}

void AddTrain(std::vector<ConfigKey>& keys) {
  keys.push_back(Count("train.epochs", "E: passes over a participant's part in one round.",
                       [](auto& c) -> auto& { return c.job.train.epochs; }));
  keys.push_back(Count("train.steps",
                       "H: so many batches in one round instead of epochs; 0: epochs.",
                       [](auto& c) -> auto& { return c.job.train.steps; }));
  keys.push_back(BatchSize());
  keys.push_back(Number("train.learning_rate", "Of the participants' optimizer.",
                        [](auto& c) -> auto& { return c.job.train.learning_rate; }));
  keys.push_back(Choice<Optimizer>(
      "train.optimizer",
      "Of the participants: sgd is plain, adamw has moments and a decay of its own.",
      [](auto& c) -> auto& { return c.job.train.optimizer; }));
  keys.push_back(Number("train.adam_beta1", "adamw: decay of the first moment.",
                        [](auto& c) -> auto& { return c.job.train.adam_beta1; }));
  keys.push_back(Number("train.adam_beta2", "adamw: decay of the second moment.",
                        [](auto& c) -> auto& { return c.job.train.adam_beta2; }));
  keys.push_back(Number("train.adam_epsilon", "adamw: added to the root of the second moment.",
                        [](auto& c) -> auto& { return c.job.train.adam_epsilon; }));
  keys.push_back(Number("train.weight_decay",
                        "adamw: decoupled from the gradient, times the learning rate.",
                        [](auto& c) -> auto& { return c.job.train.weight_decay; }));
  keys.push_back(Count("train.duration_ms", "synthetic: how long one fit takes, in milliseconds.",
                       [](auto& c) -> auto& { return c.job.train.duration_ms; }));
}

ConfigKey DeadlineK() {
  const auto set = [](Config& config, const SettingValue& value) -> Status {
    constexpr double kMost = coordinator::kDeadlineKMilliMax / 1000.0;
    const Result<double> k = kinds::FiniteNumber(value);
    if (!k) return k.error();
    if (*k < 0 || *k > kMost) {
      return Refuse(fmt::format("is {}; it must lie between 0 and {}", *k, kMost));
    }
    config.core.deadline_k_milli = std::llround(*k * 1000);
    return {};
  };
  const auto get = [](const Config& config) {
    return fmt::format("{}", static_cast<double>(config.core.deadline_k_milli) / 1000);
  };
  return {"round.deadline_k",
          "number",
          "adaptive: an attempt has the median of what members took before, and k times their "
          "median deviation from it, which counts as a twentieth of the median at least; up to "
          "three decimals. May change at a restart.",
          "",
          set,
          get};
}

void AddDeadline(std::vector<ConfigKey>& keys) {
  keys.push_back(Choice<coordinator::DeadlineKind>(
      "round.deadline",
      "fixed: each attempt has deadline_s; adaptive: what members took before decides, deadline_s "
      "is the most. May change at a restart.",
      [](auto& c) -> auto& { return c.core.deadline; }));
  keys.push_back(Seconds("round.deadline_s", "Of each attempt. May change at a restart.", 0.1,
                         kSecondsMax, [](auto& c) -> auto& { return c.core.deadline_ms; }));
  keys.push_back(DeadlineK());
}

void AddRound(std::vector<ConfigKey>& keys) {
  keys.push_back(Choice<Mode>("round.mode",
                              "fedavg: local epochs, deltas; sync-sgd: a gradient step a round; "
                              "async: buffered, no rounds to "
                              "wait for; diloco: many local steps of AdamW, with "
                              "strategy.name = \"nesterov\" as published.",
                              [](auto& c) -> auto& { return c.job.round.mode; }));
  keys.push_back(Count("round.goal", "Accepted updates that close a round.",
                       [](auto& c) -> auto& { return c.job.round.goal; }));
  keys.push_back(Count("round.quorum", "Least accepted updates that close it at the deadline.",
                       [](auto& c) -> auto& { return c.job.round.quorum; }));
  keys.back().default_text = "round.goal";
  keys.push_back(Number("round.over_select",
                        "The cohort is goal * over_select; the first to deliver count.",
                        [](auto& c) -> auto& { return c.job.round.over_select; }));
  keys.push_back(Choice<SelectFrom>(
      "round.select_from",
      "enrolled: the cohort is drawn from all enrolled, connected or not (a digest that no crash "
      "changes); present: from those connected.",
      [](auto& c) -> auto& { return c.job.round.select_from; }));
  AddDeadline(keys);
  keys.push_back(
      Integer("round.attempts_max",
              "Attempts of one round before the job gives up; 0: no limit. Of elastic "
              "data those count in which no block was accepted. May change at a restart.",
              0, std::numeric_limits<std::uint32_t>::max(),
              [](auto& c) -> auto& { return c.core.attempts_max; }));
  keys.push_back(Choice<LatePolicy>("round.late",
                                    "What becomes of an update that comes after its round: "
                                    "refuse; or fold, it counts in a later version, by its "
                                    "staleness.",
                                    [](auto& c) -> auto& { return c.job.round.late; }));
  keys.push_back(Choice<Accept>(
      "round.accept",
      "durable: acknowledged when it is on disk; memory: when it is in memory, the sender keeps it "
      "until the commit; by-mode: memory for sync-sgd, durable for the others.",
      [](auto& c) -> auto& { return c.job.round.accept; }));
  keys.push_back(Count("round.concurrency",
                       "async: the most tasks under way; 0: one a participant.",
                       [](auto& c) -> auto& { return c.job.round.concurrency; }));
  keys.push_back(Choice<Staleness>(
      "round.staleness",
      "async, late = fold: how the weight falls with each version committed since the base.",
      [](auto& c) -> auto& { return c.job.round.staleness; }));
  keys.push_back(Count("round.staleness_max",
                       "async, late = fold: an update of an older base is refused.",
                       [](auto& c) -> auto& { return c.job.round.staleness_max; }));
  keys.push_back(Number("round.staleness_a",
                        "polynomial: weight (s + 1)^-a; hinge: 1 / (a (s - b) + 1) above b.",
                        [](auto& c) -> auto& { return c.job.round.staleness_a; }));
  keys.push_back(Count("round.staleness_b", "hinge: full weight up to this staleness.",
                       [](auto& c) -> auto& { return c.job.round.staleness_b; }));
}

void AddStrategy(std::vector<ConfigKey>& keys) {
  keys.push_back(StrategyNameKey());
  keys.push_back(Number("strategy.server_learning_rate", "Of the step along the mean delta.",
                        [](auto& c) -> auto& { return c.job.strategy.server_learning_rate; }));
  keys.push_back(Number("strategy.server_momentum", "Of the server's SGD; 0: none.",
                        [](auto& c) -> auto& { return c.job.strategy.server_momentum; }));
  keys.push_back(Number("strategy.beta1",
                        "fedadagrad, fedadam, fedyogi: decay of the first moment.",
                        [](auto& c) -> auto& { return c.job.strategy.beta1; }));
  keys.push_back(Number("strategy.beta2", "fedadam, fedyogi: decay of the second moment.",
                        [](auto& c) -> auto& { return c.job.strategy.beta2; }));
  keys.push_back(Number("strategy.tau",
                        "fedadagrad, fedadam, fedyogi: added to the root of the second moment.",
                        [](auto& c) -> auto& { return c.job.strategy.tau; }));
  keys.push_back(Number("strategy.proximal_mu",
                        "fedprox: how strongly local training is held to the round's model.",
                        [](auto& c) -> auto& { return c.job.strategy.proximal_mu; }));
  keys.push_back(Choice<WeightPolicy>("aggregation.weights",
                                      "examples: by the number of local examples; uniform: 1 each.",
                                      [](auto& c) -> auto& { return c.job.aggregation.weights; }));
  keys.push_back(Count("aggregation.weight_max", "The largest weight of an update; at most 2^29.",
                       [](auto& c) -> auto& { return c.job.aggregation.weight_max; }));
  keys.push_back(Count("aggregation.bound_raise_max",
                       "Bits that a round's attempts may add to the bound of an update's values.",
                       [](auto& c) -> auto& { return c.job.aggregation.bound_raise_max; }));
}

void AddProcess(std::vector<ConfigKey>& keys) {
  keys.push_back(Text(
      "coordinator.listen", "Where participants connect to, for control messages.",
      [](auto& c) -> auto& { return c.listen; }, ListenAddressFault));
  keys.push_back(Text(
      "coordinator.bulk_listen", "Where they connect to for models and updates.",
      [](auto& c) -> auto& { return c.bulk_listen; }, ListenAddressFault));
  keys.push_back(Integer("coordinator.fold_threads", "Threads that sum updates; changes no bit.", 1,
                         limits::kFoldThreadsMax, [](auto& c) -> auto& { return c.fold_threads; }));
  keys.push_back(Seconds("coordinator.lease_s", "Silence that ends a participant's session.", 0.5,
                         kSecondsMax, [](auto& c) -> auto& { return c.core.lease_ms; }));
  keys.push_back(Seconds("coordinator.goodbye_s",
                         "How long a finished job waits for its participants to hear of it.", 0,
                         3600, [](auto& c) -> auto& { return c.core.goodbye_ms; }));
  keys.push_back(Seconds("coordinator.drain_s",
                         "How long SIGTERM waits for uploads that are half received.", 0, 3600,
                         [](auto& c) -> auto& { return c.core.drain_ms; }));
  keys.push_back(Text(
      "checkpoint.mirror",
      "A directory of another volume, which must be there: each commit is copied to it behind the "
      "rounds, and `muster checkpoints restore` starts from it; empty: none.",
      [](auto& c) -> auto& { return c.mirror; }, AnyText));
  keys.push_back(Count(
      "checkpoint.keep_last",
      "So many of the newest versions are held whole; 0: all. Records of all are kept for ever.",
      [](auto& c) -> auto& { return c.core.retention.keep_last; }));
  keys.push_back(Count("checkpoint.keep_every",
                       "Besides, each version that this number divides is held; 0: none.",
                       [](auto& c) -> auto& { return c.core.retention.keep_every; }));
  keys.push_back(Text(
      "checkpoint.key_file",
      "Encrypts the state at rest: a file of mode 0600 with 64 hexadecimal characters, as of "
      "`openssl rand -hex 32`, kept apart from the state; empty: the environment's "
      "MUSTER_STATE_KEY, or no encryption.",
      [](auto& c) -> auto& { return c.key_file; }, AnyText));
  keys.push_back(Integer("run.participants", "Participants that `muster run` starts.", 1,
                         limits::kRosterMax, [](auto& c) -> auto& { return c.run.participants; }));
  keys.back().default_text = "data.parts; elastic: round.goal";
  keys.push_back(Integer("run.per_process", "Participants hosted by one process; changes no bit.",
                         1, limits::kRosterMax,
                         [](auto& c) -> auto& { return c.run.per_process; }));
  keys.push_back(Integer("run.threads", "Fits at a time in one process; changes no bit.", 1,
                         kThreadsMax, [](auto& c) -> auto& { return c.run.threads; }));
  keys.push_back(Text(
      "run.names", "Participants are called NAMES-00, NAMES-01, ...",
      [](auto& c) -> auto& { return c.run.names; }, JudgeName));
}

}  // namespace

const std::vector<ConfigKey>& ConfigKeys() {
  static const std::vector<ConfigKey> keys = [] {
    std::vector<ConfigKey> all;
    AddJob(all);
    AddData(all);
    AddTrain(all);
    AddRound(all);
    AddStrategy(all);
    AddProcess(all);
    return all;
  }();
  return keys;
}

std::string DefaultText(const ConfigKey& key) {
  return key.default_text.empty() ? key.get(Config()) : key.default_text;
}

}  // namespace muster::cli
