#include "aggregation/strategy.h"

#include "aggregation/adaptive.h"
#include "aggregation/fedavg.h"
#include "aggregation/fednova.h"
#include "aggregation/nesterov.h"
#include "aggregation/scaffold.h"
#include "aggregation/strategy_registry.h"

namespace muster {

std::unique_ptr<Strategy> CreateStrategy(const JobSpec& job) {
  switch (job.strategy.kind) {
    case StrategyKind::fedavg:
      return std::make_unique<FedAvg>(job);
    case StrategyKind::fedadagrad:
      return std::make_unique<FedAdagrad>(job);
    case StrategyKind::fedadam:
      return std::make_unique<FedAdam>(job);
    case StrategyKind::fedyogi:
      return std::make_unique<FedYogi>(job);
    case StrategyKind::fedprox:
      return std::make_unique<FedProx>(job);
    case StrategyKind::nesterov:
      return std::make_unique<Nesterov>(job);
    case StrategyKind::custom:
      return CreateRegistered(job);
    case StrategyKind::fednova:
      return std::make_unique<FedNova>(job);
    case StrategyKind::scaffold:
      return std::make_unique<Scaffold>(job);
  }
  CheckFailed(__FILE__, __LINE__, "job.strategy.kind", "the job was not validated");
}

Result<LaneSet> LanesOf(const Strategy& strategy, const ParameterLayout& model) {
  return LaneSet::Create(strategy.Lanes(model), model);
}

namespace {

Result<ParameterLayout> LayoutOfKinds(std::span<const std::string_view> kinds,
                                      const ParameterLayout& model) {
  std::vector<TensorSpec> specs;
  for (std::string_view kind : kinds) {
    for (const ParameterLayout::Entry& entry : model.entries()) {
      TensorSpec spec = entry.spec;
      spec.name = "server/" + std::string(kind) + "/" + entry.spec.name;
      specs.push_back(std::move(spec));
    }
  }
  return ParameterLayout::Create(std::move(specs));
}

}  // namespace

Result<ParameterLayout> DownloadLayout(const Strategy& strategy, const ParameterLayout& model) {
  const auto state =
      LayoutOfKinds(strategy.state_kinds().first(strategy.downloaded_kinds()), model);
  MUSTER_TRY(state);
  return ParameterLayout::Concatenate(model, *state);
}

Result<ParameterLayout> StateLayout(const Strategy& strategy, const ParameterLayout& model) {
  return LayoutOfKinds(strategy.state_kinds(), model);
}

}  // namespace muster
