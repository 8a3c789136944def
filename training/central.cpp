#include "training/central.h"

#include <utility>

namespace muster {

JobSpec CentralJob(JobSpec job) {
  job.data.parts = 1;
  job.data.partition = Partition::iid;
  job.data.access = DataAccess::parts;
  job.data.block_examples = 0;
  job.train.epochs = 1;
  job.train.steps = 0;
  if (job.round.mode == Mode::diloco) job.round.mode = Mode::fedavg;
  job.round.goal = 1;
  job.round.quorum = 1;
  job.round.over_select = 1.0;
  // All examples in one update would exceed most weights allowed.
  job.aggregation.weights = WeightPolicy::uniform;
  return job;
}

Result<ParameterSet> CentralTrain(
    const JobSpec& job, const DataOptions& options, std::uint32_t epochs,
    const std::stop_token& stop,
    const std::function<void(std::uint32_t epoch, const Evaluation&)>& on_epoch) {
  const JobSpec central = CentralJob(job);
  auto trainer = CreateTrainer(central, 0, options);
  MUSTER_TRY(trainer);
  ParameterSet model = (*trainer)->InitialParameters();
  ParameterSet delta(model.layout());
  Bytes client;
  for (std::uint32_t epoch = 1; epoch <= epochs; ++epoch) {
    auto fit = (*trainer)->Fit({epoch, 0, 0}, {central.train}, model, client, delta, stop,
                               [](const FitPosition&) {});
    MUSTER_TRY(fit);
    if (fit->cancelled) return Error{Reason::cancelled, "central training was stopped"};
    client = std::move(fit->client);
    for (std::size_t tensor = 0; tensor < model.layout().entries().size(); ++tensor) {
      const std::span<const float> step = delta.F32(tensor);
      const std::span<float> values = model.F32(tensor);
      for (std::size_t i = 0; i < values.size(); ++i) values[i] += step[i];
    }
    const auto evaluation = (*trainer)->Evaluate(model, stop);
    MUSTER_TRY(evaluation);
    on_epoch(epoch, *evaluation);
  }
  return model;
}

}  // namespace muster
