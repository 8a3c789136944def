#include "model/job_words.h"

namespace muster {

template <>
std::span<const JobWord<ModelKind>> JobWords() {
  static constexpr JobWord<ModelKind> kWords[] = {
      {"softmax", ModelKind::softmax},
      {"mlp", ModelKind::mlp},
      {"synthetic", ModelKind::synthetic},
  };
  return kWords;
}
template <>
std::span<const JobWord<DataSource>> JobWords() {
  static constexpr JobWord<DataSource> kWords[] = {
      {"none", DataSource::none},
      {"digits", DataSource::digits},
      {"idx", DataSource::idx},
  };
  return kWords;
}
template <>
std::span<const JobWord<Partition>> JobWords() {
  static constexpr JobWord<Partition> kWords[] = {
      {"iid", Partition::iid},
      {"shards", Partition::shards},
      {"dirichlet", Partition::dirichlet},
  };
  return kWords;
}
template <>
std::span<const JobWord<DataAccess>> JobWords() {
  static constexpr JobWord<DataAccess> kWords[] = {
      {"parts", DataAccess::parts},
      {"elastic", DataAccess::elastic},
  };
  return kWords;
}
template <>
std::span<const JobWord<Optimizer>> JobWords() {
  static constexpr JobWord<Optimizer> kWords[] = {
      {"sgd", Optimizer::sgd},
      {"adamw", Optimizer::adamw},
  };
  return kWords;
}
template <>
std::span<const JobWord<Mode>> JobWords() {
  static constexpr JobWord<Mode> kWords[] = {
      {"fedavg", Mode::fedavg},
      {"sync-sgd", Mode::sync_sgd},
      {"async", Mode::async},
      {"diloco", Mode::diloco},
  };
  return kWords;
}
template <>
std::span<const JobWord<SelectFrom>> JobWords() {
  static constexpr JobWord<SelectFrom> kWords[] = {
      {"enrolled", SelectFrom::enrolled},
      {"present", SelectFrom::present},
  };
  return kWords;
}
template <>
std::span<const JobWord<Accept>> JobWords() {
  static constexpr JobWord<Accept> kWords[] = {
      {"by-mode", Accept::by_mode},
      {"durable", Accept::durable},
      {"memory", Accept::memory},
  };
  return kWords;
}
template <>
std::span<const JobWord<Staleness>> JobWords() {
  static constexpr JobWord<Staleness> kWords[] = {
      {"constant", Staleness::constant},
      {"polynomial", Staleness::polynomial},
      {"hinge", Staleness::hinge},
  };
  return kWords;
}
template <>
std::span<const JobWord<StrategyKind>> JobWords() {
  static constexpr JobWord<StrategyKind> kWords[] = {
      {"fedavg", StrategyKind::fedavg},     {"fedadagrad", StrategyKind::fedadagrad},
      {"fedadam", StrategyKind::fedadam},   {"fedyogi", StrategyKind::fedyogi},
      {"fedprox", StrategyKind::fedprox},   {"fednova", StrategyKind::fednova},
      {"scaffold", StrategyKind::scaffold}, {"nesterov", StrategyKind::nesterov},
      {"custom", StrategyKind::custom},
  };
  return kWords;
}
template <>
std::span<const JobWord<WeightPolicy>> JobWords() {
  static constexpr JobWord<WeightPolicy> kWords[] = {
      {"examples", WeightPolicy::examples},
      {"uniform", WeightPolicy::uniform},
  };
  return kWords;
}
template <>
std::span<const JobWord<LatePolicy>> JobWords() {
  static constexpr JobWord<LatePolicy> kWords[] = {
      {"refuse", LatePolicy::refuse},
      {"fold", LatePolicy::fold},
  };
  return kWords;
}

std::string StrategyName(const StrategySpec& strategy) {
  return strategy.kind == StrategyKind::custom ? strategy.custom
                                               : std::string(WordOf(strategy.kind));
}

}  // namespace muster
