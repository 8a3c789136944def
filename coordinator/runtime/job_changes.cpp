#include <charconv>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "coordinator/runtime/bootstrap.h"

namespace muster::coordinator {
namespace {

// Names of the config file. A number that has none here is shown as it is.
std::string Text(ModelKind kind) {
  switch (kind) {
    case ModelKind::softmax:
      return "softmax";
    case ModelKind::mlp:
      return "mlp";
    case ModelKind::synthetic:
      return "synthetic";
  }
  return "?";
}
std::string Text(DataSource source) {
  switch (source) {
    case DataSource::none:
      return "none";
    case DataSource::digits:
      return "digits";
    case DataSource::idx:
      return "idx";
  }
  return "?";
}
std::string Text(Partition partition) { return partition == Partition::iid ? "iid" : "shards"; }
std::string Text(Mode) { return "fedavg"; }
std::string Text(SelectFrom from) { return from == SelectFrom::enrolled ? "enrolled" : "present"; }
std::string Text(StrategyKind) { return "fedavg"; }
std::string Text(WeightPolicy policy) {
  return policy == WeightPolicy::examples ? "examples" : "uniform";
}
std::string Text(LatePolicy) { return "refuse"; }
std::string Text(const std::string& text) { return "\"" + text + "\""; }
std::string Text(const std::vector<std::uint32_t>& numbers) {
  std::string text = "[";
  for (const std::uint32_t number : numbers) {
    text += (text.size() > 1 ? ", " : "") + std::to_string(number);
  }
  return text + "]";
}
template <typename Number>
  requires std::is_arithmetic_v<Number>
std::string Text(Number number) {
  char buffer[64];  // The shortest text that means the same number.
  const auto written = std::to_chars(buffer, buffer + sizeof(buffer), number);
  return std::string(buffer, written.ptr);
}

using Fields = std::vector<std::pair<std::string, std::string>>;

/// Every key of the job in the file's order. A new field of JobSpec belongs here too.
Fields FieldsOf(const JobSpec& job) {
  return {
      {"job.name", Text(job.name)},
      {"job.seed", Text(job.seed)},
      {"model.kind", Text(job.model.kind)},
      {"model.hidden", Text(job.model.hidden)},
      {"model.parameters", Text(job.model.parameters)},
      {"data.source", Text(job.data.source)},
      {"data.parts", Text(job.data.parts)},
      {"data.partition", Text(job.data.partition)},
      {"data.shards_per_part", Text(job.data.shards_per_part)},
      {"data.train_examples", Text(job.data.train_examples)},
      {"data.test_examples", Text(job.data.test_examples)},
      {"train.epochs", Text(job.train.epochs)},
      {"train.batch_size", Text(job.train.batch_size)},
      {"train.learning_rate", Text(job.train.learning_rate)},
      {"train.duration_ms", Text(job.train.duration_ms)},
      {"round.mode", Text(job.round.mode)},
      {"round.select_from", Text(job.round.select_from)},
      {"round.goal", Text(job.round.goal)},
      {"round.quorum", Text(job.round.quorum)},
      {"round.over_select", Text(job.round.over_select)},
      {"round.late", Text(job.round.late)},
      {"strategy.name", Text(job.strategy.kind)},
      {"strategy.server_learning_rate", Text(job.strategy.server_learning_rate)},
      {"strategy.server_momentum", Text(job.strategy.server_momentum)},
      {"aggregation.weights", Text(job.aggregation.weights)},
      {"aggregation.weight_max", Text(job.aggregation.weight_max)},
      {"aggregation.bound_raise_max", Text(job.aggregation.bound_raise_max)},
  };
}

}  // namespace

std::vector<std::string> DescribeJobChanges(const JobSpec& stored, const JobSpec& wanted) {
  const Fields before = FieldsOf(stored);
  const Fields after = FieldsOf(wanted);
  std::vector<std::string> changes;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i].second == after[i].second) continue;
    changes.push_back(before[i].first + " was " + before[i].second + " and is " + after[i].second);
  }
  return changes;
}

}  // namespace muster::coordinator
