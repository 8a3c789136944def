#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "common/digest.h"
#include "model/job.h"
#include "model/job_words.h"
#include "model/staleness.h"

namespace muster {

// --- The canonical bytes -------------------------------------------------------------------------
// "MJOB", a u16 format version, then the fields in the order of VisitFields: numbers little-endian
// and unpadded, doubles as their IEEE 754 bits, enums as u8, text and lists after a u32 count.
namespace {

constexpr std::string_view kMagic = "MJOB";
constexpr std::uint16_t kFormatVersion = 2;
/// Room for most jobs.
constexpr std::size_t kUsualBytes = 512;

// The one definition of the field order, for writer and reader.
template <typename Visitor, typename Job>
void VisitFields(Visitor& visitor, Job&& job) {
  visitor.Text(job.name);
  visitor.Number(job.seed);
  visitor.Choice("model.kind", job.model.kind);
  visitor.List(job.model.hidden);
  visitor.Number(job.model.parameters);
  visitor.Choice("data.source", job.data.source);
  visitor.Number(job.data.parts);
  visitor.Choice("data.partition", job.data.partition);
  visitor.Number(job.data.shards_per_part);
  visitor.Number(job.data.dirichlet_alpha);
  visitor.Number(job.data.train_examples);
  visitor.Number(job.data.test_examples);
  visitor.Choice("data.access", job.data.access);
  visitor.Number(job.data.block_examples);
  visitor.Number(job.train.epochs);
  visitor.Number(job.train.steps);
  visitor.Number(job.train.batch_size);
  visitor.Number(job.train.learning_rate);
  visitor.Choice("train.optimizer", job.train.optimizer);
  visitor.Number(job.train.adam_beta1);
  visitor.Number(job.train.adam_beta2);
  visitor.Number(job.train.adam_epsilon);
  visitor.Number(job.train.weight_decay);
  visitor.Number(job.train.duration_ms);
  visitor.Choice("round.mode", job.round.mode);
  visitor.Choice("round.select_from", job.round.select_from);
  visitor.Number(job.round.goal);
  visitor.Number(job.round.quorum);
  visitor.Number(job.round.over_select);
  visitor.Choice("round.late", job.round.late);
  visitor.Choice("round.accept", job.round.accept);
  visitor.Number(job.round.concurrency);
  visitor.Choice("round.staleness", job.round.staleness);
  visitor.Number(job.round.staleness_max);
  visitor.Number(job.round.staleness_a);
  visitor.Number(job.round.staleness_b);
  visitor.Choice("strategy.name", job.strategy.kind);
  visitor.Text(job.strategy.custom);
  visitor.Number(job.strategy.server_learning_rate);
  visitor.Number(job.strategy.server_momentum);
  visitor.Number(job.strategy.beta1);
  visitor.Number(job.strategy.beta2);
  visitor.Number(job.strategy.tau);
  visitor.Number(job.strategy.proximal_mu);
  visitor.Choice("aggregation.weights", job.aggregation.weights);
  visitor.Number(job.aggregation.weight_max);
  visitor.Number(job.aggregation.bound_raise_max);
}

void ResetUnusedRound(RoundSpec& round) {
  const RoundSpec defaults;
  round.accept = AcceptOf(round);
  if (!TakesStale(round)) {
    round.staleness = defaults.staleness;
    round.staleness_max = defaults.staleness_max;
  }
  if (round.staleness == Staleness::constant) round.staleness_a = defaults.staleness_a;
}

void ResetUnusedStrategy(StrategySpec& strategy) {
  const StrategySpec defaults;
  // A custom strategy may read whatever it likes.
  if (strategy.kind == StrategyKind::custom) return;
  strategy.custom = defaults.custom;
  const bool moments =
      strategy.kind == StrategyKind::fedadam || strategy.kind == StrategyKind::fedyogi;
  const bool adaptive = moments || strategy.kind == StrategyKind::fedadagrad;
  if (!adaptive) strategy.beta1 = defaults.beta1;
  if (!moments) strategy.beta2 = defaults.beta2;
  if (!adaptive) strategy.tau = defaults.tau;
}

void ResetUnusedTrain(TrainSpec& train, bool synthetic) {
  const TrainSpec defaults;
  if (train.steps > 0) train.epochs = defaults.epochs;
  if (train.optimizer == Optimizer::adamw && !synthetic) return;
  train.adam_beta1 = defaults.adam_beta1;
  train.adam_beta2 = defaults.adam_beta2;
  train.adam_epsilon = defaults.adam_epsilon;
  train.weight_decay = defaults.weight_decay;
}

// One job has one form: what its kinds do not use holds its default, so that such a key cannot make
// it another job. A key whose default is 0 is left alone: ValidateJob refuses it where it is
// unused.
JobSpec Canonical(JobSpec job) {
  const JobSpec defaults;
  const bool synthetic = job.model.kind == ModelKind::synthetic;
  if (job.model.kind != ModelKind::mlp) job.model.hidden = defaults.model.hidden;
  if (synthetic) {
    job.data.partition = defaults.data.partition;
    job.train.batch_size = defaults.train.batch_size;
    job.train.learning_rate = defaults.train.learning_rate;
  }
  if (job.data.access == DataAccess::elastic) {
    job.data.parts = defaults.data.parts;
    job.data.partition = defaults.data.partition;
    // A gradient is that of the whole block.
    if (job.round.mode == Mode::sync_sgd) job.train.batch_size = defaults.train.batch_size;
  }
  if (job.data.partition != Partition::shards) {
    job.data.shards_per_part = defaults.data.shards_per_part;
  }
  if (job.data.partition != Partition::dirichlet) {
    job.data.dirichlet_alpha = defaults.data.dirichlet_alpha;
  }
  if (job.round.mode == Mode::sync_sgd) {
    // A round is one gradient: no local step is taken, so nothing says how many or how large.
    job.train.epochs = defaults.train.epochs;
    job.train.learning_rate = defaults.train.learning_rate;
  }
  ResetUnusedTrain(job.train, synthetic);
  ResetUnusedRound(job.round);
  ResetUnusedStrategy(job.strategy);
  return job;
}

class JobWriter {
 public:
  JobWriter() { bytes_.reserve(kUsualBytes); }
  template <typename T>
  void Number(T value) {
    bytes_.resize(bytes_.size() + sizeof(T));
    StoreLittle(bytes_, bytes_.size() - sizeof(T), value);
  }
  template <typename T>
  void Choice(std::string_view, T value) {
    Number(static_cast<std::uint8_t>(value));
  }
  void Raw(std::string_view text) {
    const ByteSpan bytes = AsBytes(text);
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void Text(const std::string& text) {
    Number(static_cast<std::uint32_t>(text.size()));
    Raw(text);
  }
  void List(const std::vector<std::uint32_t>& values) {
    Number(static_cast<std::uint32_t>(values.size()));
    for (std::uint32_t value : values) Number(value);
  }
  Bytes Take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

// After its first error it reads zeros, so callers need to ask only once.
class JobReader {
 public:
  explicit JobReader(ByteSpan bytes) : rest_(bytes) {}

  template <typename T>
  void Number(T& value) {
    value = T{};
    if (!Holds(sizeof(T))) return;
    value = LoadLittle<T>(rest_, 0);
    rest_ = rest_.subspan(sizeof(T));
  }
  template <typename T>
  void Choice(std::string_view key, T& value) {
    std::uint8_t number = 0;
    Number(number);
    value = JobWords<T>().front().second;
    if (!status_) return;
    for (const auto& [word, known] : JobWords<T>()) {
      if (static_cast<std::uint8_t>(known) != number) continue;
      value = known;
      return;
    }
    status_ =
        Error{Reason::unsupported, "the job's " + std::string(key) + " is number " +
                                       std::to_string(number) + ", which this build does not know"};
  }
  void Text(std::string& text) {
    std::uint32_t size = 0;
    Number(size);
    if (!Holds(size)) return;
    text = AsText(rest_.first(size));
    rest_ = rest_.subspan(size);
  }
  void List(std::vector<std::uint32_t>& values) {
    std::uint32_t count = 0;
    Number(count);
    values.clear();
    if (!Holds(std::uint64_t{count} * sizeof(std::uint32_t))) return;
    values.resize(count);
    for (std::uint32_t& value : values) Number(value);
  }
  Status End() const {
    if (status_ && !rest_.empty()) {
      return Error{Reason::malformed_message,
                   std::to_string(rest_.size()) + " bytes follow the end of the job"};
    }
    return status_;
  }

 private:
  bool Holds(std::uint64_t size) {
    if (status_ && rest_.size() < size) {
      status_ = Error{Reason::malformed_message, "the job's bytes end too early"};
    }
    return status_.has_value();
  }

  ByteSpan rest_;
  Status status_;
};

}  // namespace

Bytes EncodeJob(const JobSpec& job) {
  JobWriter writer;
  writer.Raw(kMagic);
  writer.Number(kFormatVersion);
  VisitFields(writer, Canonical(job));
  return writer.Take();
}

Result<JobSpec> DecodeJob(ByteSpan bytes) {
  const std::size_t prefix = kMagic.size() + sizeof(kFormatVersion);
  if (bytes.size() < prefix || AsText(bytes.first(kMagic.size())) != kMagic) {
    return Error{Reason::malformed_message, "the bytes are not a job: they do not begin with MJOB"};
  }
  const auto version = LoadLittle<std::uint16_t>(bytes, kMagic.size());
  if (version != kFormatVersion) {
    return Error{Reason::unsupported, "the job has format " + std::to_string(version) +
                                          "; this build reads format " +
                                          std::to_string(kFormatVersion)};
  }
  JobSpec job;
  JobReader reader(bytes.subspan(prefix));
  VisitFields(reader, job);
  MUSTER_TRY(reader.End());
  MUSTER_TRY(ValidateJob(job));
  if (!std::ranges::equal(EncodeJob(job), bytes)) {
    return Error{Reason::malformed_message,
                 "the job's bytes set a key that its model and data do not use"};
  }
  return job;
}

Sha256Digest JobDigest(const JobSpec& job) { return Sha256Of(EncodeJob(job)); }

}  // namespace muster
