// The job: everything that decides what is computed. It is the coordinator's, is stored and sent
// under its digest, and cannot change in the life of a state directory. What is each process's own
// (addresses, keys, paths, deadlines, rounds to run) is not here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/bytes.h"
#include "common/error.h"
#include "common/ids.h"

namespace muster {

/// Enum numbers are stored and sent: append only.
enum class ModelKind : std::uint8_t { softmax = 1, mlp = 2, synthetic = 3 };
enum class DataSource : std::uint8_t { none = 0, digits = 1, idx = 2 };
enum class Partition : std::uint8_t { iid = 1, shards = 2, dirichlet = 3 };
enum class DataAccess : std::uint8_t {
  parts = 1,    ///< Private: roster index i trains on part i alone.
  elastic = 2,  ///< Shared: ranges of examples are leased to whoever is there.
};
enum class Optimizer : std::uint8_t { sgd = 1, adamw = 2 };
enum class Mode : std::uint8_t { fedavg = 1, sync_sgd = 2, async = 3, diloco = 4 };
enum class SelectFrom : std::uint8_t { enrolled = 1, present = 2 };
enum class Accept : std::uint8_t {
  by_mode = 0,  ///< As AcceptOf says.
  durable = 1,  ///< Acknowledged once the update's bytes are on disk.
  memory = 2,   ///< Acknowledged once they are in memory; the sender keeps them until the commit.
};
enum class Staleness : std::uint8_t { constant = 1, polynomial = 2, hinge = 3 };
enum class StrategyKind : std::uint8_t {
  fedavg = 1,
  fedadagrad = 2,
  fedadam = 3,
  fedyogi = 4,
  fedprox = 5,
  fednova = 6,
  scaffold = 7,
  nesterov = 8,
  custom = 9,
};
enum class WeightPolicy : std::uint8_t { examples = 1, uniform = 2 };
enum class LatePolicy : std::uint8_t {
  refuse = 1,  ///< It is told that its round is over.
  fold = 2,    ///< It counts in a later version, by its staleness.
};

struct ModelSpec {
  ModelKind kind = ModelKind::mlp;
  std::vector<std::uint32_t> hidden = {200, 200};  ///< mlp: units of each hidden layer (ReLU).
  std::uint64_t parameters = 0;                    ///< synthetic: how many float32 values.
};

struct DataSpec {
  DataSource source = DataSource::digits;
  std::uint32_t parts = 10;  ///< Fixed for the life of the job; roster index i has part i.
  Partition partition = Partition::iid;
  std::uint32_t shards_per_part = 2;  ///< shards: McMahan 2017, section 3.
  std::uint64_t train_examples = 0;   ///< digits: how many exist; idx: 0 = all of the file.
  std::uint64_t test_examples = 0;    ///< held out, for evaluation; idx: 0 = all of the file.
  double dirichlet_alpha = 0.5;       ///< dirichlet: Hsu 2019, section 3.
  DataAccess access = DataAccess::parts;
  std::uint32_t block_examples = 0;  ///< elastic: of a slot; an epoch's last block may be shorter.
};

struct TrainSpec {
  std::uint32_t epochs = 1;       ///< E of McMahan 2017.
  std::uint32_t steps = 0;        ///< H of DiLoCo: so many batches instead of epochs; 0: epochs.
  std::uint32_t batch_size = 10;  ///< B; 0 = the whole part in one batch.
  double learning_rate = 0.1;
  Optimizer optimizer = Optimizer::sgd;
  double adam_beta1 = 0.9;  ///< adamw: Loshchilov 2019, algorithm 2.
  double adam_beta2 = 0.999;
  double adam_epsilon = 1e-8;
  double weight_decay = 0.01;
  std::uint32_t duration_ms = 0;  ///< synthetic: how long one fit takes.
};

struct RoundSpec {
  Mode mode = Mode::fedavg;
  SelectFrom select_from = SelectFrom::enrolled;
  std::uint32_t goal = 10;    ///< Accepted updates that close a round.
  std::uint32_t quorum = 10;  ///< Least accepted updates at the deadline. 1 <= quorum <= goal.
  double over_select = 1.0;   ///< Cohort size = ceil(goal * over_select).
  LatePolicy late = LatePolicy::refuse;
  Accept accept = Accept::by_mode;
  std::uint32_t concurrency = 0;  ///< async: the most tasks under way; 0: one a participant.
  Staleness staleness = Staleness::constant;  ///< async, late = fold: Xie 2019, section 5.2.
  std::uint32_t staleness_max = 20;           ///< async, late = fold: an older update is refused.
  double staleness_a = 0.5;       ///< polynomial: (s + 1)^-a; hinge: 1 / (a (s - b) + 1)
  std::uint32_t staleness_b = 0;  ///< hinge: factor 1 up to this staleness.
};

struct StrategySpec {
  StrategyKind kind = StrategyKind::fedavg;
  double server_learning_rate = 1.0;
  double server_momentum = 0.0;  ///< fedavg: 0: the server keeps no state. nesterov: above 0.
  double beta1 = 0.9;            ///< fedadagrad, fedadam, fedyogi: Reddi 2021, algorithm 2.
  double beta2 = 0.99;           ///< fedadam, fedyogi.
  double tau = 1e-3;             ///< fedadagrad, fedadam, fedyogi: the degree of adaptivity.
  double proximal_mu = 0.0;      ///< fedprox: Li 2020, algorithm 2. Above 0.
  std::string custom;            ///< custom: the name that a program registered it under.
};

struct AggregationSpec {
  WeightPolicy weights = WeightPolicy::examples;
  std::uint64_t weight_max = 1ULL << 20;  ///< At most 2^29.
  std::uint32_t bound_raise_max = 16;     ///< How many bits attempts may add to the bound.
};

struct JobSpec {
  std::string name = "job";
  std::uint64_t seed = 1;
  ModelSpec model;
  DataSpec data;
  TrainSpec train;
  RoundSpec round;
  StrategySpec strategy;
  AggregationSpec aggregation;
};

/// How many slots select draws: ceil(goal * over_select), where a product within a billionth of a
/// whole number is that number (100 * 1.1 is 110). REQUIRES: ValidateJob passes.
std::uint32_t CohortSize(const RoundSpec& round);

/// How updates are accepted: `round.accept`, by_mode resolved.
Accept AcceptOf(const RoundSpec& round);

/// Whether trainers of the job keep something of their slot from one update that counts to the
/// next: an inner optimizer's moments, control variates.
bool KeepsClientState(const JobSpec& job);

/// Refuses impossible jobs with config_invalid, naming the key as the config file spells it
/// ("round.quorum"). Called on configs and on what peers and disks say. Keys that the chosen kinds
/// do not use must hold 0 where that is their default; otherwise they are neither judged here nor
/// part of the bytes and the digest.
Status ValidateJob(const JobSpec& job);

/// The canonical bytes: versioned, little-endian, fixed field order. A key that the chosen kinds do
/// not use (model.hidden of a softmax) is written as its default, whatever it holds.
Bytes EncodeJob(const JobSpec& job);
/// Strict inverse of EncodeJob: no trailing bytes, known enum numbers, unused keys at their
/// defaults, ValidateJob passes.
/// Errors: malformed_message, unsupported (a newer format), config_invalid.
Result<JobSpec> DecodeJob(ByteSpan bytes);
/// SHA-256 of EncodeJob: the job's identity.
Sha256Digest JobDigest(const JobSpec& job);

}  // namespace muster
