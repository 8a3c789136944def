// Federated averaging in one process without a network, and central training beside it: which
// learning rate reaches which accuracy when. Prints a line a round.
//   federated_bench data=idx dir=DIR model=mlp parts=100 cohort=10 batch=10 rate=0.1 seed=1 ...
//   federated_bench central=10 ...          (so many central epochs instead)
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "bench/arguments.h"
#include "common/random.h"
#include "training/central.h"
#include "training/shuffle.h"

namespace muster {
namespace {

using bench::Arguments;

Arguments Parse(int count, char** values) {
  return bench::ParseArguments("federated_bench",
                               {{"data", "digits"},
                                {"dir", ""},
                                {"train", "0"},
                                {"test", "0"},
                                {"model", "mlp"},
                                {"parts", "100"},
                                {"cohort", "10"},
                                {"shards", "0"},
                                {"epochs", "1"},
                                {"batch", "10"},
                                {"rate", "0.1"},
                                {"rounds", "100"},
                                {"seed", "1"},
                                {"target", "1.0"},
                                {"central", "0"}},
                               count, values);
}

JobSpec JobOf(const Arguments& arguments) {
  const auto number = [&](const char* key) {
    return static_cast<std::uint32_t>(std::stoul(arguments.at(key)));
  };
  JobSpec job;
  job.seed = number("seed");
  job.model.kind = arguments.at("model") == "softmax" ? ModelKind::softmax : ModelKind::mlp;
  job.data.source = arguments.at("data") == "idx" ? DataSource::idx : DataSource::digits;
  job.data.train_examples = number("train");
  job.data.test_examples = number("test");
  job.data.parts = number("parts");
  if (number("shards") > 0) {
    job.data.partition = Partition::shards;
    job.data.shards_per_part = number("shards");
  }
  job.train.epochs = number("epochs");
  job.train.batch_size = number("batch");
  job.train.learning_rate = std::stod(arguments.at("rate"));
  job.round.goal = number("cohort");
  job.round.quorum = job.round.goal;
  return job;
}

template <typename T>
T OrExit(Result<T> result) {
  if (result.has_value()) return std::move(*result);
  std::fprintf(stderr, "federated_bench: %s\n", result.error().Text().c_str());
  std::exit(1);
}

void Print(const char* unit, std::uint64_t number, const Evaluation& evaluation, double best) {
  std::printf("%s %llu loss %.4f accuracy %.4f best %.4f\n", unit,
              static_cast<unsigned long long>(number), evaluation.loss, evaluation.accuracy, best);
  std::fflush(stdout);
}

void RunCentral(const JobSpec& job, const DataOptions& options, std::uint32_t epochs) {
  double best = 0;
  OrExit(CentralTrain(job, options, epochs, {}, [&](std::uint32_t epoch, const Evaluation& found) {
    best = std::max(best, found.accuracy);
    Print("epoch", epoch, found, best);
  }));
}

void RunFederated(const JobSpec& job, const DataOptions& options, Round rounds, double target) {
  std::vector<std::unique_ptr<Trainer>> trainers;
  for (std::uint32_t part = 0; part < job.data.parts; ++part) {
    trainers.push_back(OrExit(CreateTrainer(job, part, options)));
  }
  ParameterSet model = trainers[0]->InitialParameters();
  ParameterSet delta(model.layout());
  const std::size_t floats = model.bytes().size() / sizeof(float);
  double best = 0;
  for (Round round = 1; round <= rounds && best < target; ++round) {
    std::vector<std::uint32_t> cohort(job.data.parts);
    std::iota(cohort.begin(), cohort.end(), 0U);
    KeyedStream stream(job.seed, "bench_cohort", {round});
    Shuffle(cohort, stream);
    cohort.resize(job.round.goal);
    std::vector<double> sum(floats);
    double weights = 0;
    for (const std::uint32_t slot : cohort) {
      const FitResult fit = OrExit(trainers[slot]->Fit({round, slot, 0}, {job.train}, model, {},
                                                       delta, {}, [](const FitPosition&) {}));
      const auto weight = static_cast<double>(fit.examples);
      weights += weight;
      const auto* const values = reinterpret_cast<const float*>(delta.bytes().data());
      for (std::size_t i = 0; i < floats; ++i) sum[i] += weight * values[i];
    }
    auto* const values = reinterpret_cast<float*>(model.bytes().data());
    for (std::size_t i = 0; i < floats; ++i) values[i] += static_cast<float>(sum[i] / weights);
    const Evaluation evaluation = OrExit(trainers[0]->Evaluate(model, {}));
    best = std::max(best, evaluation.accuracy);
    Print("round", round, evaluation, best);
  }
}

}  // namespace
}  // namespace muster

int main(int count, char** values) {
  const muster::Arguments arguments = muster::Parse(count, values);
  const muster::JobSpec job = muster::JobOf(arguments);
  const muster::DataOptions options{arguments.at("dir")};
  const auto central = static_cast<std::uint32_t>(std::stoul(arguments.at("central")));
  if (central > 0) {
    muster::RunCentral(job, options, central);
  } else {
    muster::RunFederated(job, options, std::stoull(arguments.at("rounds")),
                         std::stod(arguments.at("target")));
  }
}
