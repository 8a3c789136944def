#include "model/job.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "common/digest.h"
#include "common/limits.h"

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

// Names become parts of paths and of keys in logs, hence no ".", no "-f" and no other characters.
Status CheckName(std::string_view key, std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  if (name.empty() || name.size() > limits::kNameBytesMax) {
    return Refuse(key, "must have 1 to " + Number(limits::kNameBytesMax) + " characters");
  }
  const bool allowed = std::all_of(name.begin(), name.end(), [&](char c) {
    return plain(c) || c == '.' || c == '_' || c == '-';
  });
  if (!allowed) return Refuse(key, "may hold letters, digits, '.', '_' and '-' only");
  if (!plain(name.front())) return Refuse(key, "must begin with a letter or a digit");
  return {};
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

Status CheckData(const DataSpec& data) {
  MUSTER_TRY(CheckRange("data.parts", data.parts, 1, limits::kRosterMax));
  if (data.source == DataSource::none) {
    constexpr std::string_view kUser = "data.source = \"digits\" and \"idx\"";
    MUSTER_TRY(CheckUnused("data.train_examples", data.train_examples, kUser));
    return CheckUnused("data.test_examples", data.test_examples, kUser);
  }
  const std::uint64_t least = data.source == DataSource::digits ? 1 : 0;
  MUSTER_TRY(CheckRange("data.train_examples", data.train_examples, least, limits::kExamplesMax));
  MUSTER_TRY(CheckRange("data.test_examples", data.test_examples, least, limits::kExamplesMax));
  if (data.train_examples != 0 && data.train_examples < data.parts) {
    return Refuse("data.train_examples",
                  "is " + Number(data.train_examples) +
                      ", fewer than one for each of the data.parts = " + Number(data.parts));
  }
  return data.partition == Partition::shards ? CheckShards(data) : Status();
}

Status CheckTrain(const TrainSpec& train, ModelKind kind) {
  MUSTER_TRY(CheckRange("train.epochs", train.epochs, 1, limits::kLocalEpochsMax));
  MUSTER_TRY(CheckPositive("train.learning_rate", train.learning_rate));
  using Float = std::numeric_limits<float>;
  if (train.learning_rate < Float::min() || train.learning_rate > Float::max()) {
    return Refuse("train.learning_rate", "is beyond what a float32, as trainers use, holds");
  }
  if (kind == ModelKind::synthetic) return {};
  return CheckUnused("train.duration_ms", train.duration_ms, "model.kind = \"synthetic\"");
}

Status CheckRound(const RoundSpec& round, std::uint32_t parts) {
  MUSTER_TRY(CheckRange("round.goal", round.goal, 1, limits::kCohortMax));
  MUSTER_TRY(CheckRange("round.quorum", round.quorum, 1, round.goal));
  if (!std::isfinite(round.over_select) || round.over_select < 1) {
    return Refuse("round.over_select", "must be a finite number of at least 1");
  }
  if (round.over_select > limits::kCohortMax || CohortSize(round) > limits::kCohortMax) {
    return Refuse("round.over_select",
                  "times round.goal is above the largest cohort, " + Number(limits::kCohortMax));
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

Status CheckStrategy(const StrategySpec& strategy) {
  MUSTER_TRY(CheckPositive("strategy.server_learning_rate", strategy.server_learning_rate));
  const double momentum = strategy.server_momentum;
  // -0.0 equals 0.0 but has other bytes, and with them the job another digest.
  if (!(momentum >= 0 && momentum < 1) || std::signbit(momentum)) {
    return Refuse("strategy.server_momentum", "must be at least 0 and below 1");
  }
  return {};
}

Status CheckAggregation(const AggregationSpec& aggregation, const DataSpec& data) {
  MUSTER_TRY(CheckRange("aggregation.weight_max", aggregation.weight_max, 1,
                        1ULL << limits::kWeightMaxLog2));
  const std::uint64_t part_examples = data.train_examples / data.parts;
  if (aggregation.weights == WeightPolicy::examples && part_examples > aggregation.weight_max) {
    return Refuse("aggregation.weight_max", "is " + Number(aggregation.weight_max) +
                                                ", but a part has " + Number(part_examples) +
                                                " examples: every update would be refused");
  }
  return CheckRange("aggregation.bound_raise_max", aggregation.bound_raise_max, 0,
                    limits::kBoundRaiseLog2Max);
}

}  // namespace

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
  MUSTER_TRY(CheckRound(job.round, job.data.parts));
  MUSTER_TRY(CheckStrategy(job.strategy));
  return CheckAggregation(job.aggregation, job.data);
}

// --- The canonical bytes -------------------------------------------------------------------------
// "MJOB", a u16 format version, then the fields in the order of VisitFields: numbers little-endian
// and unpadded, doubles as their IEEE 754 bits, enums as u8, text and lists after a u32 count.
namespace {

constexpr std::string_view kMagic = "MJOB";
constexpr std::uint16_t kFormatVersion = 1;

// The one definition of the field order, for writer and reader.
template <typename Visitor, typename Job>
void VisitFields(Visitor& visitor, Job&& job) {
  visitor.Text(job.name);
  visitor.Number(job.seed);
  visitor.Choice("model.kind", job.model.kind, ModelKind::softmax, ModelKind::synthetic);
  visitor.List(job.model.hidden);
  visitor.Number(job.model.parameters);
  visitor.Choice("data.source", job.data.source, DataSource::none, DataSource::idx);
  visitor.Number(job.data.parts);
  visitor.Choice("data.partition", job.data.partition, Partition::iid, Partition::shards);
  visitor.Number(job.data.shards_per_part);
  visitor.Number(job.data.train_examples);
  visitor.Number(job.data.test_examples);
  visitor.Number(job.train.epochs);
  visitor.Number(job.train.batch_size);
  visitor.Number(job.train.learning_rate);
  visitor.Number(job.train.duration_ms);
  visitor.Choice("round.mode", job.round.mode, Mode::fedavg, Mode::fedavg);
  visitor.Choice("round.select_from", job.round.select_from, SelectFrom::enrolled,
                 SelectFrom::present);
  visitor.Number(job.round.goal);
  visitor.Number(job.round.quorum);
  visitor.Number(job.round.over_select);
  visitor.Choice("round.late", job.round.late, LatePolicy::refuse, LatePolicy::refuse);
  visitor.Choice("strategy.name", job.strategy.kind, StrategyKind::fedavg, StrategyKind::fedavg);
  visitor.Number(job.strategy.server_learning_rate);
  visitor.Number(job.strategy.server_momentum);
  visitor.Choice("aggregation.weights", job.aggregation.weights, WeightPolicy::examples,
                 WeightPolicy::uniform);
  visitor.Number(job.aggregation.weight_max);
  visitor.Number(job.aggregation.bound_raise_max);
}

// One job has one form: what its kinds do not use holds its default, so that such a key cannot make
// it another job.
JobSpec Canonical(JobSpec job) {
  const JobSpec defaults;
  const bool synthetic = job.model.kind == ModelKind::synthetic;
  if (job.model.kind != ModelKind::mlp) job.model.hidden = defaults.model.hidden;
  if (synthetic) {
    job.data.partition = defaults.data.partition;
    job.train.batch_size = defaults.train.batch_size;
    job.train.learning_rate = defaults.train.learning_rate;
  }
  if (job.data.partition != Partition::shards) {
    job.data.shards_per_part = defaults.data.shards_per_part;
  }
  return job;
}

class JobWriter {
 public:
  template <typename T>
  void Number(T value) {
    bytes_.resize(bytes_.size() + sizeof(T));
    StoreLittle(bytes_, bytes_.size() - sizeof(T), value);
  }
  template <typename T>
  void Choice(std::string_view, T value, T, T) {
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
  void Choice(std::string_view key, T& value, T first, T last) {
    std::uint8_t number = 0;
    Number(number);
    if (status_ &&
        (number < static_cast<std::uint8_t>(first) || number > static_cast<std::uint8_t>(last))) {
      status_ = Error{Reason::unsupported, "the job's " + std::string(key) + " is number " +
                                               std::to_string(number) +
                                               ", which this build does not know"};
    }
    value = status_ ? static_cast<T>(number) : first;
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
