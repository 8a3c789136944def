#include <charconv>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "coordinator/runtime/bootstrap.h"
#include "model/job_words.h"

namespace muster::coordinator {
namespace {

template <typename Choice>
  requires std::is_enum_v<Choice>
std::string Text(Choice choice) {
  return std::string(WordOf(choice));
}
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
      {"data.dirichlet_alpha", Text(job.data.dirichlet_alpha)},
      {"data.train_examples", Text(job.data.train_examples)},
      {"data.test_examples", Text(job.data.test_examples)},
      {"data.access", Text(job.data.access)},
      {"data.block_examples", Text(job.data.block_examples)},
      {"train.epochs", Text(job.train.epochs)},
      {"train.steps", Text(job.train.steps)},
      {"train.batch_size", Text(job.train.batch_size)},
      {"train.learning_rate", Text(job.train.learning_rate)},
      {"train.optimizer", Text(job.train.optimizer)},
      {"train.adam_beta1", Text(job.train.adam_beta1)},
      {"train.adam_beta2", Text(job.train.adam_beta2)},
      {"train.adam_epsilon", Text(job.train.adam_epsilon)},
      {"train.weight_decay", Text(job.train.weight_decay)},
      {"train.duration_ms", Text(job.train.duration_ms)},
      {"round.mode", Text(job.round.mode)},
      {"round.select_from", Text(job.round.select_from)},
      {"round.goal", Text(job.round.goal)},
      {"round.quorum", Text(job.round.quorum)},
      {"round.over_select", Text(job.round.over_select)},
      {"round.late", Text(job.round.late)},
      {"round.accept", Text(AcceptOf(job.round))},
      {"round.concurrency", Text(job.round.concurrency)},
      {"round.staleness", Text(job.round.staleness)},
      {"round.staleness_max", Text(job.round.staleness_max)},
      {"round.staleness_a", Text(job.round.staleness_a)},
      {"round.staleness_b", Text(job.round.staleness_b)},
      {"strategy.name", StrategyName(job.strategy)},
      {"strategy.server_learning_rate", Text(job.strategy.server_learning_rate)},
      {"strategy.server_momentum", Text(job.strategy.server_momentum)},
      {"strategy.beta1", Text(job.strategy.beta1)},
      {"strategy.beta2", Text(job.strategy.beta2)},
      {"strategy.tau", Text(job.strategy.tau)},
      {"strategy.proximal_mu", Text(job.strategy.proximal_mu)},
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
